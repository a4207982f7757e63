"""The page of models to get, in the whole application: searched, looked up, downloaded, paused, cancelled, loaded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from fakes.application import application, application_getting_models
from fakes.scripted_models import GIB, serves_models
from fakes.scripted_worker import Step, hello, loads
from offload_app.bootstrap import Application
from offload_app.library.download import Download, DownloadState
from offload_app.library.download_file import DownloadFile
from offload_app.library.download_list import DownloadCard
from offload_app.library.find_page import FindPage
from offload_app.library.readings.offer import OfferDeed
from offload_app.notice import Choice, Subject
from offload_app.settings import ThemeChoice

WAIT_MS = 20000
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LITTLE, MIDDLE = "some/Little-GGUF:Q4_K_M", "other/Middle-GGUF:Q4_K_M"
SLOW = serves_models(pulls="until stopped")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def parts(qtbot: QtBot, tmp_path: Path, folder: Path, request: pytest.FixtureRequest) -> Iterator[Application]:
    """Return an application whose page of models to get is shown, with its catalogue."""
    step: Step = getattr(request, "param", serves_models())
    with application_getting_models(qtbot, tmp_path / "home", folder, step) as parts:
        yield parts


def page(parts: Application) -> FindPage:
    return parts.window.finds


def titles(parts: Application) -> list[str]:
    return [row.title for row in page(parts).list.rows.rows]


def start(qtbot: QtBot, parts: Application, name: str) -> None:
    """Press Download on a model of the catalogue, and wait until its first bytes have come."""
    page(parts).list.choose(name)
    page(parts).offer.button.click()
    qtbot.waitUntil(lambda: any(d.name == name and d.done_bytes == GIB for d in parts.downloads.all), timeout=WAIT_MS)


def card(parts: Application, place: int = 0) -> DownloadCard:
    return page(parts).downloads.cards[place]


def state(parts: Application) -> DownloadState:
    return parts.downloads.all[0].state


def answer(parts: Application, text: str) -> None:
    """Press a button of the question."""
    box = page(parts).question
    assert box is not None
    (button,) = [button for button in box.findChildren(QPushButton) if button.text() == text]
    button.click()


def test_the_catalogue_is_listed_and_the_network_left_alone(parts: Application) -> None:
    assert titles(parts) == ["Little MoE", "Middle MoE", "Great MoE"]
    assert page(parts).offer.title.text() == "Little MoE"
    assert "Nothing is asked of the network" in page(parts).search.hint.text()
    assert not parts.downloads._puller.has_worker


def test_typing_searches_at_once(parts: Application) -> None:
    assert page(parts).field.hasFocus()
    QTest.keyClicks(page(parts).field, "other mid")
    assert titles(parts) == ["Middle MoE"]
    assert page(parts).offer.title.text() == "Middle MoE"
    page(parts).field.setText("nothing like it")
    assert "USER/REPO:QUANT" in page(parts).search.nothing.text()
    assert page(parts).offer.isHidden()
    page(parts).field.clear()
    assert len(titles(parts)) == 3


def test_the_offer_says_size_room_place_and_licence(parts: Application, folder: Path) -> None:
    page(parts).list.choose(MIDDLE)
    offer = page(parts).offer
    assert offer.reading.room.startswith("Download: 18.0 GB; 500 GB are free")
    assert offer.place.text() == f"Goes to: {folder}/other/Middle-GGUF"
    assert offer.licence.text() == "Licence: MIT"


def test_a_model_is_got_announced_and_loaded(qtbot: QtBot, parts: Application, folder: Path) -> None:
    page(parts).list.choose(LITTLE)
    page(parts).offer.button.click()
    qtbot.waitUntil(lambda: state(parts) is DownloadState.DONE, timeout=WAIT_MS)
    (notice,) = parts.window.notices.notices
    assert (notice.subject, notice.text) == (Subject.DOWNLOAD, "Little MoE is ready.")
    qtbot.waitUntil(lambda: page(parts).list.rows.rows[0].state == "here", timeout=WAIT_MS)
    assert page(parts).offer.reading.deed is OfferDeed.SHOW
    parts.window.notices.chosen.emit(Subject.DOWNLOAD, Choice.LOAD)
    path = str(folder / "some" / "Little-GGUF" / "Little-GGUF-Q4_K_M.gguf")
    qtbot.waitUntil(lambda: parts.engine.model_load is not None and parts.engine.model_load.model == path)
    assert parts.window.notices.notices == () or parts.window.notices.notices[0].subject is not Subject.DOWNLOAD


def test_what_is_here_is_shown_among_the_others(qtbot: QtBot, parts: Application) -> None:
    page(parts).list.choose(LITTLE)
    page(parts).offer.button.click()
    qtbot.waitUntil(lambda: page(parts).offer.reading.deed is OfferDeed.SHOW, timeout=WAIT_MS)
    page(parts).offer.button.click()
    models = parts.window.models
    assert models.isVisible()
    qtbot.waitUntil(lambda: models.detail.title.text() == "Little-GGUF-Q4_K_M", timeout=WAIT_MS)


def test_a_typed_name_is_looked_up_then_got(qtbot: QtBot, parts: Application) -> None:
    page(parts).field.setText("https://huggingface.co/user/Own-GGUF:Q8_0")
    assert titles(parts) == ["user/Own-GGUF:Q8_0"]
    assert not parts.search.lookups
    button = page(parts).offer.button
    assert button.text() == "Loo&k up"
    button.click()
    qtbot.waitUntil(lambda: button.text() == "&Download", timeout=WAIT_MS)
    assert page(parts).offer.reading.room.startswith("Download: 4.0 GB")
    button.click()
    qtbot.waitUntil(lambda: state(parts) is DownloadState.DONE, timeout=WAIT_MS)


@pytest.mark.parametrize("parts", [serves_models(refuses=["None-GGUF"])], indirect=True)
def test_a_name_the_hub_has_not_says_so(qtbot: QtBot, parts: Application) -> None:
    page(parts).field.setText("user/None-GGUF")
    page(parts).offer.button.click()
    qtbot.waitUntil(lambda: "Get it again." in page(parts).offer.trouble.text(), timeout=WAIT_MS)
    assert page(parts).offer.button.isEnabled()


@pytest.mark.parametrize("parts", [SLOW], indirect=True)
def test_a_download_is_seen_paused_and_gone_on_with(qtbot: QtBot, parts: Application) -> None:
    start(qtbot, parts, LITTLE)
    qtbot.waitUntil(lambda: card(parts).progress.value() == 250, timeout=WAIT_MS)
    assert card(parts).text.text().startswith("1.0 of 4.0 GB")
    assert page(parts).list.rows.rows[0].state == "downloading 25 %"
    card(parts).pause.click()
    qtbot.waitUntil(lambda: card(parts).text.text() == "Paused · 1.0 of 4.0 GB", timeout=WAIT_MS)
    card(parts).resume.click()
    qtbot.waitUntil(lambda: state(parts) is DownloadState.RUNNING, timeout=WAIT_MS)


@pytest.mark.parametrize("parts", [SLOW], indirect=True)
def test_downloads_go_on_behind_the_chat_and_the_status_line_says_so(qtbot: QtBot, parts: Application) -> None:
    start(qtbot, parts, LITTLE)
    page(parts).list.choose(MIDDLE)
    page(parts).offer.button.click()
    parts.window.show_chat()
    label = parts.window._download_label
    assert label.text() == "downloading 25 %, 1 more wait"
    assert label.isVisible()
    assert parts.downloads.n_under_way == 2
    QTest.mouseClick(label, Qt.MouseButton.LeftButton)
    assert page(parts).isVisible()
    for download in parts.downloads.all:
        parts.downloads.pause(download.key)
    qtbot.waitUntil(lambda: not label.isVisible(), timeout=WAIT_MS)


@pytest.mark.parametrize("parts", [SLOW], indirect=True)
@pytest.mark.parametrize(("text", "discards"), [("&Keep it", False), ("&Delete it", True)])
def test_who_cancels_is_asked_what_becomes_of_what_has_come(
    qtbot: QtBot, parts: Application, text: str, discards: bool
) -> None:
    removed: list[object] = []
    parts.downloads._scout.discarded.connect(lambda request, _: removed.append(request.name))
    start(qtbot, parts, LITTLE)
    card(parts).remove.click()
    answer(parts, text)
    qtbot.waitUntil(lambda: parts.downloads.all == () and page(parts).downloads.isHidden(), timeout=WAIT_MS)
    assert removed == ([LITTLE] if discards else [])
    assert page(parts).question is None


@pytest.mark.parametrize("parts", [SLOW], indirect=True)
def test_who_thinks_better_of_it_goes_on(qtbot: QtBot, parts: Application) -> None:
    start(qtbot, parts, LITTLE)
    card(parts).remove.click()
    answer(parts, "&Go on downloading")
    assert state(parts) is DownloadState.RUNNING


@pytest.mark.parametrize("parts", [serves_models(pulls="until the disk is full")], indirect=True)
def test_an_error_is_said_where_the_download_stands_and_above_the_chat(qtbot: QtBot, parts: Application) -> None:
    start(qtbot, parts, LITTLE)
    qtbot.waitUntil(lambda: card(parts).trouble.text() == "The disk is full. Make room.", timeout=WAIT_MS)
    assert card(parts).resume.text() == "Try again"
    assert "Little MoE was not downloaded: The disk is full." in str(parts.window.notices.notices)


def test_after_a_restart_what_was_under_way_rests_and_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    kept = Download(LITTLE, str(tmp_path / "data" / "models"), "Little MoE", DownloadState.RUNNING, GIB, 4 * GIB)
    DownloadFile(tmp_path / "state" / "downloads.json").write([kept])
    with application(tmp_path, hello(), loads()) as parts:
        parts.window.show_finds()
        qtbot.waitUntil(lambda: len(page(parts).downloads.cards) == 1, timeout=WAIT_MS)
        assert card(parts).text.text() == "Paused: offload was closed in the middle of it · 1.0 of 4.0 GB"
        assert not parts.downloads._puller.has_worker
        card(parts).resume.click()
        qtbot.waitUntil(lambda: state(parts) is DownloadState.DONE, timeout=WAIT_MS)
        card(parts).remove.click()
        assert page(parts).downloads.isHidden()


def test_the_page_is_left_by_key_and_by_button(parts: Application) -> None:
    QTest.keyClick(page(parts).field, Qt.Key.Key_Escape)
    assert parts.window.models.isVisible()
    parts.window.models.more.click()
    assert page(parts).isVisible()
    page(parts).back.click()
    assert parts.window.models.isVisible()


def test_whichever_page_is_seen_the_disk_is_followed(qtbot: QtBot, parts: Application) -> None:
    for show in (parts.window.show_models, parts.window.show_finds, parts.window.show_models):
        show()
        qtbot.waitUntil(lambda: bool(parts.library._watch.watched_folders), timeout=WAIT_MS)
        assert parts.library._is_active
    parts.window.show_chat()
    assert not parts.library._is_active


def test_everything_is_reached_by_keyboard(qtbot: QtBot, parts: Application) -> None:
    QTest.keyClick(page(parts).field, Qt.Key.Key_Down)
    assert page(parts).list.view.hasFocus()
    QTest.keyClick(page(parts).list.view, Qt.Key.Key_Down)
    assert page(parts).list.chosen == MIDDLE
    QTest.keyClick(page(parts).list.view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(parts.downloads.all) == 1, timeout=WAIT_MS)
    reached = set()
    for _ in range(40):
        QTest.keyClick(QApplication.focusWidget() or parts.window, Qt.Key.Key_Tab)
        reached.add(QApplication.focusWidget())
    assert {page(parts).field, page(parts).back, card(parts).remove} <= reached


@pytest.mark.parametrize("parts", [SLOW], indirect=True)
def test_everything_has_a_name(qtbot: QtBot, parts: Application) -> None:
    start(qtbot, parts, LITTLE)
    nameless = [
        widget
        for widget in page(parts).findChildren(QWidget)
        if widget.window() is parts.window
        and Qt.FocusPolicy.TabFocus in widget.focusPolicy()
        and not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
    ]
    assert nameless == []
    assert card(parts).accessibleName().startswith("Little MoE: ")


def test_letters_are_not_those_of_the_menus(parts: Application) -> None:
    texts = [button.text() for button in page(parts).findChildren(QAbstractButton) if button.isVisible()]
    menus = [menu.text() for menu in parts.window.menuBar().actions()]
    letters = [text[text.index("&") + 1].casefold() for text in (*texts, *menus) if "&" in text]
    assert len(letters) == len(set(letters)), letters


def test_the_page_follows_theme_and_width(qtbot: QtBot, parts: Application) -> None:
    parts.settings.change(theme=ThemeChoice.DARK)
    parts.window.resize(700, 500)
    qtbot.waitUntil(lambda: page(parts).sides.orientation() is Qt.Orientation.Vertical)
    parts.window.resize(1700, 900)
    qtbot.waitUntil(lambda: page(parts).sides.orientation() is Qt.Orientation.Horizontal)
