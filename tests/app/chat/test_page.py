"""The page of the chat: a session and what is shown of it, by mouse and by keyboard alone."""

import signal
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from fakes.chat_world import ChatWorld, chat_world
from fakes.conversations import long_talk, talk
from fakes.engine_log import WAIT_MS
from fakes.scripted_worker import Step, answers, die, done, expect, hello, loads, tokens, tokens_until_stop
from offload_app.chat.message_view import MessageView
from offload_app.chat.page import ChatPage
from offload_app.chat.turn_window import MOST_SHOWN
from offload_app.gauges.readings.language import Language
from offload_app.sampling import CREATIVE
from offload_app.theme import DARK, LIGHT

ENDLESS: tuple[Step, ...] = (expect("generate"), tokens_until_stop("more "), done("cancelled"))
DIES: tuple[Step, ...] = (expect("generate"), tokens("so far"), die(signal.SIGKILL))


class Chat:
    """A page that is shown, and its world."""

    def __init__(self, world: ChatWorld) -> None:
        self.world = world
        self.page = ChatPage(world.session, LIGHT, language=Language())
        world.qtbot.addWidget(self.page)
        self.page.resize(700, 600)
        self.page.show()
        world.qtbot.waitExposed(self.page)
        self.page.activateWindow()
        self.page.composer.setFocus()

    def type(self, text: str) -> None:
        """Type and press Enter."""
        QTest.keyClicks(self.page.composer.input, text)
        QTest.keyClick(self.page.composer.input, Qt.Key.Key_Return)

    def ask(self, text: str) -> None:
        """Type a question and wait for its answer to be shown."""
        self.type(text)
        self.settle()

    def settle(self) -> None:
        self.world.settle()
        self.world.qtbot.waitUntil(lambda: not self.page.transcript.is_filling, timeout=WAIT_MS)

    @property
    def shown(self) -> list[str]:
        """Return the texts that are shown."""
        return [view.body.text for view in self.page.transcript.views]

    def action(self, text: str) -> QAction:
        return next(action for action in self.page.actions() if action.text().replace("&", "") == text)


@pytest.fixture
def script() -> tuple[Step, ...]:
    return (*answers("one"), *answers("two"), *answers("three"))


@pytest.fixture
def chat(qtbot: QtBot, script: tuple[Step, ...]) -> Iterator[Chat]:
    with chat_world(qtbot, None, hello(), loads(), script) as world:
        yield Chat(world)


def test_a_question_is_answered(chat: Chat) -> None:
    chat.ask("hello")
    assert chat.shown == ["hello", "one"]
    assert chat.page.header.title.text() == "hello"
    assert not chat.page.greeting.isVisible()
    assert chat.page.composer.text == ""


@pytest.mark.parametrize("script", [ENDLESS])
def test_escape_stops(chat: Chat) -> None:
    chat.type("go on")
    chat.world.await_text("more")
    QTest.keyClick(chat.page.composer.input, Qt.Key.Key_Escape)
    chat.settle()
    assert chat.shown[-1] == chat.world.engine.answer_text
    assert chat.page.transcript.views[-1].note.text() == "Stopped."


@pytest.mark.parametrize("script", [ENDLESS])
def test_a_question_typed_while_answering_stays_typed(chat: Chat) -> None:
    chat.type("go on")
    chat.world.await_text("more")
    chat.type("and then?")
    assert chat.page.composer.text == "and then?"
    assert len(chat.world.texts) == 2
    chat.world.session.stop()
    chat.settle()


@pytest.mark.parametrize("script", [DIES])
def test_after_a_death_the_text_stays_and_what_to_do_is_told(chat: Chat) -> None:
    chat.ask("q")
    assert chat.shown == ["q", "so far"]
    assert chat.page.composer.hint.text() == "The model process has ended: restart it to go on."


def test_a_walk_by_keyboard_alone(chat: Chat) -> None:
    keys = chat.page.composer.input
    chat.ask("first")
    QTest.keyClick(keys, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    chat.settle()
    assert chat.shown == ["first", "two"]
    QTest.keyClick(keys, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert chat.shown == ["first", "one"]
    QTest.keyClick(keys, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(keys, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert QGuiApplication.clipboard().text() == "two"
    QTest.keyClick(keys, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    assert chat.page.composer.text == "first"
    chat.ask(" again")
    assert chat.shown == ["first again", "three"]
    QTest.keyClick(keys, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert chat.shown == []
    assert chat.page.greeting.isVisible()


def test_tab_goes_through_the_messages_to_the_composer(chat: Chat) -> None:
    chat.ask("hello")
    question, answer = chat.page.transcript.views
    question.setFocus()
    focused: list[QWidget | None] = [chat.page.focusWidget()]
    while focused[-1] is not chat.page.composer.input and len(focused) < 20:
        QTest.keyClick(focused[-1] or chat.page, Qt.Key.Key_Tab)
        focused.append(chat.page.focusWidget())
    stops = (question, question.copy, question.edit, answer, answer.copy, answer.regenerate, answer.receipt)
    assert focused == [*stops, chat.page.composer.input]


def test_actions_are_enabled_when_they_can_be_done(chat: Chat) -> None:
    names = ["Send", "Stop the answer", "Regenerate the answer", "Copy the last answer", "Previous branch"]
    assert [chat.action(name).isEnabled() for name in names] == [False] * 5
    QTest.keyClicks(chat.page.composer.input, "q")
    assert chat.action("Send").isEnabled()
    chat.ask("?")
    assert [chat.action(name).isEnabled() for name in names] == [False, False, True, True, False]
    chat.action("Regenerate the answer").trigger()
    assert chat.action("Stop the answer").isEnabled()
    chat.settle()
    assert chat.action("Previous branch").isEnabled()
    assert not chat.action("Next branch").isEnabled()


def test_every_action_has_a_text_and_a_shortcut_of_its_own(chat: Chat) -> None:
    shortcuts = [action.shortcut().toString() for action in chat.page.actions()]
    assert all(action.text() for action in chat.page.actions())
    assert len(set(shortcuts)) == len(shortcuts) == 8
    assert all(shortcuts)


def test_branches_are_switched_beside_the_message(chat: Chat) -> None:
    chat.ask("first")
    chat.world.session.regenerate()
    chat.settle()
    QTest.mouseClick(chat.page.transcript.views[1].previous, Qt.MouseButton.LeftButton)
    assert chat.shown == ["first", "one"]


def test_a_link_is_opened_only_after_a_yes(qtbot: QtBot, chat: Chat) -> None:
    opened: list[str] = []
    chat.page.link_confirmed.disconnect()
    chat.page.link_confirmed.connect(opened.append)
    for answer, expected in (("No", []), ("Yes", ["https://example.org/"])):
        chat.page.transcript.link_clicked.emit("https://example.org/")
        box = chat.page.findChild(QMessageBox)
        assert box is not None
        assert box.informativeText() == "https://example.org/"
        button = QMessageBox.StandardButton.Open if answer == "Yes" else QMessageBox.StandardButton.Cancel
        QTest.mouseClick(box.button(button), Qt.MouseButton.LeftButton)
        assert opened == expected
        qtbot.waitUntil(lambda: chat.page.findChild(QMessageBox) is None, timeout=WAIT_MS)


def test_a_draft_comes_back_with_its_conversation(chat: Chat) -> None:
    other = chat.world.add(talk("x", "y"))
    QTest.keyClicks(chat.page.composer.input, "half a thought")
    id = chat.world.session.conversation.id
    chat.world.open(other)
    assert chat.page.composer.text == ""
    chat.world.open(id)
    assert chat.page.composer.text == "half a thought"


def test_a_preset_and_a_system_prompt_are_kept(chat: Chat) -> None:
    chat.ask("q")
    chat.page.header.presets.setCurrentIndex(2)
    chat.page.header.presets.activated.emit(2)
    chat.page.header.prompt_button.click()
    QTest.keyClicks(chat.page.header.prompt, "Be brief.")
    other = chat.world.add(talk("x", "y"))
    id = chat.world.session.conversation.id
    chat.world.open(other)
    assert chat.page.header.prompt.toPlainText() == ""
    stored = chat.world.stored(id)
    assert (stored.system_prompt, stored.sampling.temperature) == ("Be brief.", CREATIVE.temperature)


def test_a_conversation_of_five_thousand_messages_opens_at_its_end(chat: Chat) -> None:
    chat.world.open(chat.world.add(long_talk(5000)))
    chat.settle()
    assert chat.page.transcript.views[-1].turn.message.id == 5000
    assert len(chat.page.findChildren(MessageView)) <= MOST_SHOWN


def test_page_keys_scroll_from_the_composer(chat: Chat) -> None:
    chat.world.open(chat.world.add(long_talk(60)))
    chat.settle()
    bar = chat.page.transcript.verticalScrollBar()
    end = bar.value()
    QTest.keyClick(chat.page.composer.input, Qt.Key.Key_PageUp)
    assert bar.value() < end
    assert chat.page.to_end.isVisible()
    QTest.mouseClick(chat.page.to_end, Qt.MouseButton.LeftButton)
    chat.settle()
    assert bar.value() == bar.maximum()
    assert not chat.page.to_end.isVisible()


def test_a_theme_changes_the_ground(chat: Chat) -> None:
    chat.ask("q")
    chat.page.set_theme(DARK)
    image = chat.page.grab().toImage()
    assert image.pixelColor(350, 300).name() == DARK.surface


def test_everything_that_takes_the_focus_has_a_name(chat: Chat) -> None:
    chat.ask("q")
    takers = [w for w in chat.page.findChildren(QWidget) if w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.isVisible()]
    unnamed = [w for w in takers if not (w.accessibleName() or (hasattr(w, "text") and w.text()))]
    assert unnamed == []
