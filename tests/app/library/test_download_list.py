"""The list of downloads: cards stay where their downloads stay, and tell what a person wants."""

from dataclasses import replace

from pytestqt.qtbot import QtBot

from offload_app.library.download_list import DownloadList
from offload_app.library.readings.download_words import DownloadRow
from offload_app.theme import DARK, LIGHT

A = DownloadRow(("u/a", "/m"), "A", "1.0 of 4.0 GB", fraction=0.25, can_pause=True, can_remove=True)
B = DownloadRow(("u/b", "/m"), "B", "Waiting for its turn", can_pause=True, can_remove=True)


def shown(qtbot: QtBot, *rows: DownloadRow) -> DownloadList:
    made = DownloadList(LIGHT)
    qtbot.addWidget(made)
    made.show_rows(rows)
    return made


def titles(made: DownloadList) -> list[str]:
    return [card.title.text() for card in made.cards]


def test_without_downloads_there_is_nothing(qtbot: QtBot) -> None:
    assert shown(qtbot).isHidden()


def test_a_card_stays_while_its_download_changes_and_moves(qtbot: QtBot) -> None:
    made = shown(qtbot, A, B)
    first, second = made.cards
    made.show_rows((B, replace(A, text="Paused", can_pause=False, can_resume=True)))
    assert made.cards == (second, first)
    layout = made.layout()
    assert layout is not None
    assert layout.indexOf(second) < layout.indexOf(first)
    assert first.text.text() == "Paused"
    assert not first.resume.isHidden()
    assert first.pause.isHidden()


def test_a_card_goes_with_its_download(qtbot: QtBot) -> None:
    made = shown(qtbot, A, B)
    made.show_rows((B,))
    assert titles(made) == ["B"]
    made.show_rows(())
    assert made.isHidden()


def test_the_buttons_tell_whose_they_are(qtbot: QtBot) -> None:
    made = shown(qtbot, A, replace(B, can_pause=False, can_resume=True, is_retry=True))
    told: list[object] = []
    for signal in (made.pause_wanted, made.resume_wanted, made.removal_wanted):
        signal.connect(told.append)
    first, second = made.cards
    first.pause.click()
    second.resume.click()
    second.remove.click()
    assert told == [A.key, B.key, B.key]
    assert second.resume.text() == "Try again"


def test_an_error_is_shown_and_read_out(qtbot: QtBot) -> None:
    (card,) = shown(qtbot, replace(A, trouble="The disk is full. Make room.")).cards
    assert card.trouble.text() == "The disk is full. Make room."
    assert card.accessibleName() == "A: 1.0 of 4.0 GB. The disk is full. Make room."


def test_another_theme_reaches_every_card(qtbot: QtBot) -> None:
    made = shown(qtbot, A)
    made.set_theme(DARK)
    assert DARK.error in made.cards[0].trouble.styleSheet()
