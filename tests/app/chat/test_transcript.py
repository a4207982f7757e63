"""The transcript: few widgets for many messages, the end followed, what is read left in its place."""

import re
from dataclasses import replace
from math import ceil

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from fakes.conversations import long_talk, talk
from fakes.engine_log import WAIT_MS
from offload_app.chat.code_view import CodeView
from offload_app.chat.fitted_text import FittedText
from offload_app.chat.message_view import MessageView
from offload_app.chat.transcript import Transcript
from offload_app.chat.turn_window import MOST_SHOWN
from offload_app.conversation import Conversation, ask, begin_answer, path, regenerate, switch, write
from offload_app.gauges.readings.language import Language
from offload_app.theme import DARK, LIGHT


@pytest.fixture
def transcript(qtbot: QtBot) -> Transcript:
    shown = Transcript(LIGHT, Language())
    qtbot.addWidget(shown)
    shown.resize(700, 500)
    shown.show()
    qtbot.waitExposed(shown)
    return shown


def show(qtbot: QtBot, transcript: Transcript, conversation: Conversation, growing: int | None = None) -> None:
    transcript.show_conversation(conversation, growing)
    settle(qtbot, transcript)


def settle(qtbot: QtBot, transcript: Transcript) -> None:
    qtbot.waitUntil(lambda: not transcript.is_filling, timeout=WAIT_MS)
    QGuiApplication.processEvents()


def ids(transcript: Transcript) -> list[int]:
    return [view.turn.message.id for view in transcript.views]


def is_at_end(transcript: Transcript) -> bool:
    bar = transcript.verticalScrollBar()
    return bar.value() == bar.maximum()


def top_of(transcript: Transcript, view: MessageView) -> int:
    return view.mapTo(transcript.viewport(), view.rect().topLeft()).y()


def test_the_current_path_is_shown_in_order(qtbot: QtBot, transcript: Transcript) -> None:
    conversation = switch(regenerate(talk("q", "a", "r", "b"), 2, 5), 2)
    show(qtbot, transcript, conversation)
    assert ids(transcript) == [message.id for message in path(conversation)] == [1, 2, 3, 4]
    tops = [view.y() for view in transcript.views]
    assert tops == sorted(tops)
    assert all(a.geometry().bottom() < b.y() for a, b in zip(transcript.views, transcript.views[1:], strict=False))


def test_few_of_five_thousand_messages_are_widgets(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, long_talk(5000))
    assert ids(transcript)[-1] == 5000
    assert len(transcript.findChildren(MessageView)) <= MOST_SHOWN
    assert is_at_end(transcript)


def test_every_message_is_reached_by_scrolling(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, long_talk(150))
    seen: set[int] = set()
    bar = transcript.verticalScrollBar()
    for _ in range(1000):
        visible = [v for v in transcript.views if -v.height() < top_of(transcript, v) < transcript.viewport().height()]
        seen |= {view.turn.message.id for view in visible}
        assert len(transcript.views) <= MOST_SHOWN
        if 1 in seen:
            break
        bar.setValue(bar.value() - 300)
        settle(qtbot, transcript)
    assert seen == set(range(1, 151))


def test_home_and_end_go_to_the_first_and_last_message(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, long_talk(500))
    QTest.keyClick(transcript, Qt.Key.Key_Home)
    settle(qtbot, transcript)
    assert ids(transcript)[0] == 1
    assert top_of(transcript, transcript.views[0]) >= 0
    assert not transcript.follows
    QTest.keyClick(transcript, Qt.Key.Key_End)
    settle(qtbot, transcript)
    assert ids(transcript)[-1] == 500
    assert is_at_end(transcript)


@pytest.mark.parametrize("width", [700, 300])
def test_every_text_is_as_high_as_what_it_says(qtbot: QtBot, transcript: Transcript, width: int) -> None:
    show(qtbot, transcript, talk("question " * 60, "answer " * 90 + "\n\n```c\nx\n```\n\nand so on"))
    transcript.resize(width, 500)
    QGuiApplication.processEvents()
    texts = transcript.findChildren(FittedText)
    assert len(texts) == 3
    for text in texts:
        copy = text.document().clone()
        copy.setTextWidth(text.viewport().width())
        assert text.height() == ceil(copy.size().height())


def test_the_start_of_a_short_conversation_is_its_end_too(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, talk("q", "a"))
    transcript.show_start()
    settle(qtbot, transcript)
    assert ids(transcript) == [1, 2]
    assert transcript.follows


def test_at_the_end_growing_text_is_followed(qtbot: QtBot, transcript: Transcript) -> None:
    conversation = begin_answer(talk("q", "a " * 2000, "r"), 9)
    show(qtbot, transcript, conversation, growing=4)
    for _ in range(20):
        transcript.grow(4, "word\n" * 10)
        QGuiApplication.processEvents()
    assert transcript.views[-1].height() > transcript.viewport().height()
    assert is_at_end(transcript)


def test_growing_text_moves_nothing_that_is_read(qtbot: QtBot, transcript: Transcript) -> None:
    conversation = begin_answer(talk("q", "a " * 2000, "r"), 9)
    show(qtbot, transcript, conversation, growing=4)
    transcript.verticalScrollBar().setValue(40)
    before = top_of(transcript, transcript.views[1])
    for _ in range(20):
        transcript.grow(4, "word\n" * 10)
        QGuiApplication.processEvents()
    assert top_of(transcript, transcript.views[1]) == before
    assert not is_at_end(transcript)


def test_earlier_messages_come_without_moving_what_is_read(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, long_talk(200))
    read = transcript.views[2]
    transcript.verticalScrollBar().setValue(read.y())
    before, first = top_of(transcript, read), ids(transcript)[0]
    settle(qtbot, transcript)
    assert ids(transcript)[0] < first
    assert top_of(transcript, read) == before


def test_a_step_keeps_the_widgets_of_what_has_not_changed(qtbot: QtBot, transcript: Transcript) -> None:
    conversation = talk("q", "a")
    show(qtbot, transcript, conversation)
    kept = transcript.views
    transcript.update_conversation(begin_answer(ask(conversation, "r", 5), 5), 4)
    settle(qtbot, transcript)
    assert transcript.views[:2] == kept
    assert ids(transcript) == [1, 2, 3, 4]


def test_another_branch_takes_the_place_of_the_first(qtbot: QtBot, transcript: Transcript) -> None:
    conversation = write(regenerate(talk("q", "one", "r", "s"), 2, 5), 5, "two")
    show(qtbot, transcript, conversation)
    assert ids(transcript) == [1, 5]
    assert transcript.views[1].position.text() == "2 of 2"
    assert transcript.views[1].previous.isEnabled()
    assert not transcript.views[1].next.isEnabled()
    transcript.update_conversation(switch(conversation, 2), None)
    settle(qtbot, transcript)
    assert ids(transcript) == [1, 2, 3, 4]
    assert not transcript.views[1].previous.isEnabled()


def test_a_conversation_without_messages_is_empty(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, long_talk(50))
    show(qtbot, transcript, replace(long_talk(1), messages=(), leaf=None))
    assert transcript.views == ()


def test_arrow_keys_go_from_message_to_message(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, long_talk(6))
    transcript.activateWindow()
    transcript.views[-1].setFocus()
    QTest.keyClick(transcript.views[-1], Qt.Key.Key_Up)
    assert transcript.views[-2].hasFocus()
    assert transcript.views[-2].accessibleName() == "You"
    assert transcript.views[-2].accessibleDescription() == transcript.views[-2].turn.message.text


def test_a_theme_reaches_messages_that_come_later(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_theme(DARK)
    show(qtbot, transcript, talk("q", "```python\nreturn\n```"))
    (code,) = transcript.views[1].body.views
    assert isinstance(code, CodeView)
    assert DARK.accent in code.text.document().toHtml()


def test_the_scroll_bar_says_which_messages_are_in_view(qtbot: QtBot, transcript: Transcript) -> None:
    show(qtbot, transcript, long_talk(5000))
    assert re.fullmatch(r"Messages 4,99\d to 5,000 of 5,000", transcript.place)
    transcript.show_start()
    settle(qtbot, transcript)
    assert re.fullmatch(r"Messages 1 to \d+ of 5,000", transcript.place)
    show(qtbot, transcript, talk("q"))
    assert transcript.place == "Message 1 of 1"
    show(qtbot, transcript, talk())
    assert transcript.place == ""
