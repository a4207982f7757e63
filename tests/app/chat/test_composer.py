"""Where a person types."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from offload_app.chat.composer import MOST_LINES, Composer
from offload_app.theme import LIGHT


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    shown = Composer(LIGHT)
    qtbot.addWidget(shown)
    shown.resize(500, 300)
    shown.show()
    qtbot.waitExposed(shown)
    shown.input.setFocus()
    return shown


def sent_by(composer: Composer) -> list[str]:
    sent: list[str] = []
    composer.sent.connect(sent.append)
    return sent


def test_enter_sends_and_shift_enter_begins_a_line(composer: Composer) -> None:
    sent = sent_by(composer)
    QTest.keyClicks(composer.input, "one")
    QTest.keyClick(composer.input, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(composer.input, "two")
    assert sent == []
    QTest.keyClick(composer.input, Qt.Key.Key_Return)
    assert sent == ["one\ntwo"]
    assert composer.text == ""


def test_nothing_but_blanks_is_not_sent(composer: Composer) -> None:
    sent = sent_by(composer)
    QTest.keyClicks(composer.input, "  ")
    QTest.keyClick(composer.input, Qt.Key.Key_Return)
    assert sent == []
    assert not composer.button.isEnabled()


def test_a_refusal_keeps_the_text_and_says_why(composer: Composer) -> None:
    sent = sent_by(composer)
    composer.set_state("No model is loaded.", is_answering=False)
    QTest.keyClicks(composer.input, "one")
    QTest.keyClick(composer.input, Qt.Key.Key_Return)
    assert sent == []
    assert composer.text == "one"
    assert composer.hint.text() == "No model is loaded."
    assert not composer.button.isEnabled()


@pytest.mark.parametrize("by_key", [True, False])
def test_while_answering_escape_and_the_button_stop(qtbot: QtBot, composer: Composer, *, by_key: bool) -> None:
    composer.set_state("An answer is being written.", is_answering=True)
    assert composer.button.text() == "Stop"
    with qtbot.waitSignal(composer.stop_asked):
        if by_key:
            QTest.keyClick(composer.input, Qt.Key.Key_Escape)
        else:
            QTest.mouseClick(composer.button, Qt.MouseButton.LeftButton)


def test_escape_without_an_answer_stops_nothing(composer: Composer) -> None:
    stops: list[None] = []
    composer.stop_asked.connect(lambda: stops.append(None))
    QTest.keyClick(composer.input, Qt.Key.Key_Escape)
    assert stops == []


def test_the_field_grows_to_a_limit(qtbot: QtBot, composer: Composer) -> None:
    heights = []
    for n_lines in (1, 3, MOST_LINES, MOST_LINES + 5):
        composer.set_text("\n".join("x" * n_lines))
        heights.append(composer.input.height())
    line = composer.input.fontMetrics().lineSpacing()
    assert heights[1] == heights[0] + 2 * line
    assert heights[2] == heights[3] == heights[0] + (MOST_LINES - 1) * line


def test_an_edited_question_does_not_touch_the_draft(composer: Composer) -> None:
    drafts: list[str] = []
    composer.drafted.connect(drafts.append)
    QTest.keyClicks(composer.input, "new")
    composer.begin_edit(3, "old question")
    QTest.keyClicks(composer.input, "?")
    assert drafts == ["n", "ne", "new"]
    QTest.keyClick(composer.input, Qt.Key.Key_Escape)
    assert composer.text == "new"
    assert composer.edited_message is None


def test_an_edited_question_is_sent_as_such(qtbot: QtBot, composer: Composer) -> None:
    sent = sent_by(composer)
    composer.begin_edit(3, "old question")
    QTest.keyClicks(composer.input, "?")
    with qtbot.waitSignal(composer.edited) as told:
        QTest.keyClick(composer.input, Qt.Key.Key_Return)
    assert told.args == [3, "old question?"]
    assert sent == []
