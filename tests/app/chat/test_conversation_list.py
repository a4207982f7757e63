"""The list of conversations."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from fakes.chat_world import ChatWorld, chat_world
from fakes.conversations import talk
from fakes.engine_log import WAIT_MS
from fakes.scripted_worker import answers, hello, loads
from offload_app.chat.conversation_list import ConversationList
from offload_app.theme import LIGHT


@pytest.fixture
def world(qtbot: QtBot) -> Iterator[ChatWorld]:
    with chat_world(qtbot, None, hello(), loads(), answers("a")) as made:
        made.add(talk("about bread", "yeast", now=10, title="Baking"))
        made.add(talk("about skies", "blue", now=20, title="Weather"))
        yield made


@pytest.fixture
def shown(qtbot: QtBot, world: ChatWorld) -> ConversationList:
    made = ConversationList(world.session, LIGHT)
    qtbot.addWidget(made)
    made.resize(240, 400)
    made.show()
    qtbot.waitExposed(made)
    await_titles(qtbot, made, ["Weather", "Baking"])
    return made


def titles(shown: ConversationList) -> list[str]:
    return [entry.title for entry in shown.rows.entries]


def await_titles(qtbot: QtBot, shown: ConversationList, wanted: list[str]) -> None:
    qtbot.waitUntil(lambda: titles(shown) == wanted, timeout=WAIT_MS)


def choose(shown: ConversationList, row: int) -> None:
    shown.view.setFocus()
    shown.view.setCurrentIndex(shown.rows.index(row))


def test_a_conversation_that_is_used_comes_first(qtbot: QtBot, world: ChatWorld, shown: ConversationList) -> None:
    world.ask("Something new")
    await_titles(qtbot, shown, ["Something new", "Weather", "Baking"])


def test_enter_opens_the_chosen_one(qtbot: QtBot, world: ChatWorld, shown: ConversationList) -> None:
    choose(shown, 1)
    with qtbot.waitSignals([shown.opened, world.session.opened], timeout=WAIT_MS):
        QTest.keyClick(shown.view, Qt.Key.Key_Return)
    assert world.texts == ["about bread", "yeast"]


@pytest.mark.parametrize(("query", "found"), [("weather", ["Weather"]), ("yeast", ["Baking"]), ("nothing like it", [])])
def test_titles_and_contents_are_searched(qtbot: QtBot, shown: ConversationList, query: str, found: list[str]) -> None:
    shown.focus_search()
    QTest.keyClicks(shown.search, query)
    await_titles(qtbot, shown, found)
    assert shown.empty.isVisible() == (not found)
    shown.search.clear()
    await_titles(qtbot, shown, ["Weather", "Baking"])


def test_a_search_shows_what_was_found(qtbot: QtBot, shown: ConversationList) -> None:
    QTest.keyClicks(shown.search, "yeast")
    await_titles(qtbot, shown, ["Baking"])
    assert shown.rows.entries[0].snippet == "yeast"


@pytest.mark.parametrize("key", [Qt.Key.Key_Down, Qt.Key.Key_Return], ids=["down", "enter"])
def test_from_the_search_to_what_was_found_by_key(qtbot: QtBot, shown: ConversationList, key: Qt.Key) -> None:
    shown.focus_search()
    QTest.keyClicks(shown.search, "yeast")
    await_titles(qtbot, shown, ["Baking"])
    QTest.keyClick(shown.search, key)
    assert shown.view.hasFocus()
    assert shown.view.currentIndex().row() == 0


def test_f2_renames(qtbot: QtBot, world: ChatWorld, shown: ConversationList) -> None:
    choose(shown, 0)
    QTest.keyClick(shown.view, Qt.Key.Key_F2)
    editor = shown.view.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    QTest.keyClicks(editor, "Clouds")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    await_titles(qtbot, shown, ["Clouds", "Baking"])


def test_an_empty_name_is_not_taken(shown: ConversationList) -> None:
    assert not shown.rows.setData(shown.rows.index(0), "  ")
    assert titles(shown) == ["Weather", "Baking"]


def test_what_was_deleted_can_be_brought_back(qtbot: QtBot, world: ChatWorld, shown: ConversationList) -> None:
    choose(shown, 0)
    QTest.keyClick(shown.view, Qt.Key.Key_Delete)
    await_titles(qtbot, shown, ["Baking"])
    assert shown.undo_label.text() == "“Weather” is deleted."
    QTest.mouseClick(shown.undo, Qt.MouseButton.LeftButton)
    await_titles(qtbot, shown, ["Weather", "Baking"])
    assert not shown.undo_bar.isVisible()


def test_new_begins_a_conversation(qtbot: QtBot, world: ChatWorld, shown: ConversationList) -> None:
    choose(shown, 0)
    with qtbot.waitSignal(world.session.opened, timeout=WAIT_MS):
        QTest.keyClick(shown.view, Qt.Key.Key_Return)
    QTest.mouseClick(shown.new, Qt.MouseButton.LeftButton)
    assert world.texts == []
    assert not shown.view.currentIndex().isValid()


def test_long_lists_come_in_pages(qtbot: QtBot, world: ChatWorld, shown: ConversationList) -> None:
    for number in range(150):
        world.add(talk("q", now=100 + number, title=f"T{number}"))
    world.session.index.refresh()
    qtbot.waitUntil(lambda: len(titles(shown)) == 100, timeout=WAIT_MS)
    bar = shown.view.verticalScrollBar()
    bar.setValue(bar.maximum())
    qtbot.waitUntil(lambda: len(titles(shown)) == 152, timeout=WAIT_MS)
