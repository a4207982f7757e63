"""One message: what it says of itself and what can be done with it."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFrame, QPushButton
from pytestqt.qtbot import QtBot

from fakes.conversations import talk
from offload.protocol import Done, FinishReason, GenerationParams, Loaded, Speed, Stats
from offload_app.chat.message_view import MessageView
from offload_app.conversation import Message, MessageState, Turn, turns
from offload_app.gauges.readings.language import Language
from offload_app.receipt import dump_receipt, receipt_of
from offload_app.theme import LIGHT

QUESTION, ANSWER = turns(talk("what?", "that *one*"))


def view_of(qtbot: QtBot, turn: Turn, *, is_growing: bool = False) -> MessageView:
    view = MessageView(turn, LIGHT, Language(), is_growing=is_growing)
    qtbot.addWidget(view)
    view.resize(500, 300)
    view.show()
    return view


def changed(turn: Turn, message: Message, position: int = 1, count: int = 1) -> Turn:
    return replace(turn, message=message, position=position, count=count)


def receipt(reason: FinishReason = FinishReason.STOP) -> str:
    loaded = Loaded(1, "/m/qwen.gguf", "a model", 4096, "gguf", True, {}, ())
    done = Done(2, reason, Stats(speed=Speed(n_generated=10, decode_seconds=1.0)))
    return dump_receipt(receipt_of(done, loaded, GenerationParams()))


def test_a_question_can_be_edited_and_an_answer_regenerated(qtbot: QtBot) -> None:
    question, answer = view_of(qtbot, QUESTION), view_of(qtbot, ANSWER)
    assert (question.edit.isVisible(), question.regenerate.isVisible()) == (True, False)
    assert (answer.edit.isVisible(), answer.regenerate.isVisible()) == (False, True)
    with qtbot.waitSignal(question.edit_asked) as told:
        QTest.mouseClick(question.edit, Qt.MouseButton.LeftButton)
    assert told.args == [1]
    with qtbot.waitSignal(answer.regenerate_asked) as told:
        QTest.mouseClick(answer.regenerate, Qt.MouseButton.LeftButton)
    assert told.args == [2]


def test_while_nothing_can_be_asked_both_are_disabled(qtbot: QtBot) -> None:
    for turn in (QUESTION, ANSWER):
        view = view_of(qtbot, turn)
        view.set_can_ask(False)
        assert not view.edit.isEnabled()
        assert not view.regenerate.isEnabled()
        assert view.copy.isEnabled()


def test_copying_gives_the_text_as_it_came(qtbot: QtBot) -> None:
    view = view_of(qtbot, ANSWER)
    QTest.mouseClick(view.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "that *one*"


def test_branches_are_counted_and_switched(qtbot: QtBot) -> None:
    view = view_of(qtbot, changed(ANSWER, ANSWER.message, 2, 3))
    assert view.position.text() == "2 of 3"
    for button, step in ((view.previous, -1), (view.next, 1)):
        with qtbot.waitSignal(view.branch_asked) as told:
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert told.args == [2, step]


def test_without_branches_there_is_no_switcher(qtbot: QtBot) -> None:
    view = view_of(qtbot, ANSWER)
    assert not any(widget.isVisible() for widget in (view.previous, view.position, view.next))


@pytest.mark.parametrize(
    ("message", "note"),
    [
        (ANSWER.message, ""),
        (replace(ANSWER.message, state=MessageState.PARTIAL), "Stopped."),
        (replace(ANSWER.message, state=MessageState.FAILED, failure="It broke."), "It broke."),
        (replace(ANSWER.message, text=""), "The model said nothing."),
        (
            replace(ANSWER.message, receipt=receipt(FinishReason.CONTEXT_FULL)),
            "The context is full: the answer ends here. Begin a new conversation to go on.",
        ),
    ],
)
def test_how_an_answer_ended_is_said(qtbot: QtBot, message: Message, note: str) -> None:
    view = view_of(qtbot, changed(ANSWER, message))
    assert view.note.text() == note
    assert view.note.isVisible() == bool(note)


def test_an_answer_that_has_not_begun_says_so(qtbot: QtBot) -> None:
    turn = changed(ANSWER, replace(ANSWER.message, text="", state=MessageState.PARTIAL))
    view = view_of(qtbot, turn, is_growing=True)
    assert view.note.text() == "Reading the question …"
    assert not view.regenerate.isVisible()
    view.grow("one")
    assert not view.note.isVisible()


def test_a_receipt_is_opened_and_closed(qtbot: QtBot) -> None:
    view = view_of(qtbot, changed(ANSWER, replace(ANSWER.message, receipt=receipt())))
    assert view.receipt.text() == "10.0 tokens/s"
    QTest.mouseClick(view.receipt, Qt.MouseButton.LeftButton)
    assert view.receipt_view is not None
    assert "Model: qwen.gguf" in view.receipt_view.accessibleDescription()
    QTest.mouseClick(view.receipt, Qt.MouseButton.LeftButton)
    assert view.receipt_view is None


def test_without_a_receipt_there_is_no_button_for_it(qtbot: QtBot) -> None:
    assert not view_of(qtbot, ANSWER).receipt.isVisible()


def test_every_button_has_a_name(qtbot: QtBot) -> None:
    view = view_of(qtbot, changed(ANSWER, replace(ANSWER.message, text="```c\nx\n```", receipt=receipt()), 2, 3))
    assert all(button.accessibleName() for button in view.findChildren(QPushButton))


def test_a_short_question_is_no_wider_than_it_needs(qtbot: QtBot) -> None:
    short = view_of(qtbot, QUESTION)
    short.set_column(500)
    long = view_of(qtbot, changed(QUESTION, replace(QUESTION.message, text="word " * 200)))
    long.set_column(500)
    narrow, wide = (view.findChild(QFrame, "question") for view in (short, long))
    assert narrow is not None
    assert wide is not None
    assert narrow.width() < 150
    assert wide.width() == 410
