"""The window: everything can be reached by the keyboard, fits a small screen, and shows what holds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt, QUrl
from PySide6.QtGui import QAction, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QFileDialog, QLabel, QMenu, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from fakes.application import application
from fakes.conversations import talk
from fakes.engine_log import WAIT_MS
from fakes.scripted_worker import expect, hello, loads, say
from offload_app.bootstrap import Application
from offload_app.conversation_file import export_conversation
from offload_app.engine_state import EngineState
from offload_app.notice import Choice, Notice, Subject, Weight
from offload_app.settings import ThemeChoice
from offload_app.theme import DARK, LIGHT

UNLOADED = say({"type": "unloaded", "id": "$id"})
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def parts(qtbot: QtBot, tmp_path: Path) -> Iterator[Application]:
    """Return an application whose worker has opened the demo model."""
    with application(tmp_path, hello(), loads(), expect("unload"), UNLOADED, loads("/m.gguf")) as parts:
        qtbot.waitUntil(lambda: parts.engine.state is EngineState.LOADED, timeout=WAIT_MS)
        parts.window.activateWindow()
        qtbot.waitUntil(lambda: QApplication.activeWindow() is parts.window)
        yield parts


def actions_of(parts: Application) -> dict[str, QAction]:
    """Return every action of the menus by its text."""
    return {
        action.text().replace("&", ""): action
        for menu in parts.window.menuBar().actions()
        for action in menu.menu().actions()  # type: ignore[attr-defined]  # a menu of a menu bar has one
        if not action.isSeparator()
    }


def press(parts: Application, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or parts.window, key, modifier)


def has_focus(widget: QWidget) -> bool:
    focus = QApplication.focusWidget()
    return focus is not None and (focus is widget or widget.isAncestorOf(focus))


def test_everything_in_the_menus_has_a_shortcut_of_its_own(parts: Application) -> None:
    shortcuts = {name: action.shortcut().toString() for name, action in actions_of(parts).items()}
    assert [name for name, shortcut in shortcuts.items() if not shortcut] == ["About offload"]
    assert len(set(shortcuts.values())) == len(shortcuts)


def test_every_menu_has_a_letter_and_no_letter_twice(parts: Application) -> None:
    for menu in parts.window.menuBar().actions():
        texts = [action.text() for action in menu.menu().actions() if action.text()]  # type: ignore[attr-defined]
        letters = [text[text.index("&") + 1].casefold() for text in texts if "&" in text]
        assert len(letters) == len(set(letters)), texts
        assert len(letters) == len(texts), texts


def test_all_menus_can_be_walked_through_by_keyboard(qtbot: QtBot, parts: Application) -> None:
    press(parts, Qt.Key.Key_F, Qt.KeyboardModifier.AltModifier)
    walked: list[str] = []
    for _ in parts.window.menuBar().actions():
        qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        walked += _walk(menu)
        QTest.keyClick(menu, Qt.Key.Key_Right)
    reached = {name for name, action in actions_of(parts).items() if action.isEnabled()}
    assert set(walked) == reached
    popup = QApplication.activePopupWidget()
    assert popup is not None
    QTest.keyClick(popup, Qt.Key.Key_Escape)
    QTest.keyClick(parts.window.menuBar(), Qt.Key.Key_Escape)


def _walk(menu: QMenu) -> list[str]:
    """Go down through `menu`, and return what was met."""
    met: list[str] = []
    while (action := menu.activeAction()) is not None and action.text().replace("&", "") not in met:
        met.append(action.text().replace("&", ""))
        QTest.keyClick(menu, Qt.Key.Key_Down)
    return met


def test_whatever_takes_the_focus_has_a_name_to_be_read_out(parts: Application) -> None:
    parts.window.tell(Notice(Subject.WORKER, Weight.ERROR, "It ended.", tuple(Choice), details="words"))
    nameless = [
        widget
        for widget in parts.window.findChildren(QWidget)
        if widget.window() is parts.window
        and Qt.FocusPolicy.TabFocus in widget.focusPolicy()
        and not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
    ]
    assert nameless == []


def test_the_window_comes_forward_from_being_minimised(qtbot: QtBot, parts: Application) -> None:
    parts.window.showMinimized()
    qtbot.waitUntil(parts.window.isMinimized)
    parts.window.raise_()
    qtbot.waitUntil(lambda: not parts.window.isMinimized())


def test_one_can_type_at_once(parts: Application) -> None:
    assert has_focus(parts.window.page)


def test_panes_are_reached_by_keyboard(parts: Application) -> None:
    press(parts, Qt.Key.Key_F, CTRL)
    assert has_focus(parts.window.conversations)
    press(parts, Qt.Key.Key_E, CTRL)
    assert has_focus(parts.window.page)
    press(parts, Qt.Key.Key_L, CTRL)
    assert has_focus(parts.window.conversations)


def test_side_panes_are_hidden_and_shown_by_keyboard_and_stay_so(parts: Application) -> None:
    window = parts.window
    press(parts, Qt.Key.Key_F9)
    press(parts, Qt.Key.Key_F8)
    assert window.gauges.isHidden()
    assert window.conversations.isHidden()
    assert not parts.settings.current.show_gauges
    press(parts, Qt.Key.Key_F, CTRL)
    assert has_focus(window.conversations)


def test_gauges_become_one_line_by_keyboard(parts: Application) -> None:
    press(parts, Qt.Key.Key_F9, SHIFT)
    assert parts.window.gauges.is_compact
    press(parts, Qt.Key.Key_F9, SHIFT)
    assert not parts.window.gauges.is_compact


def test_text_grows_and_shrinks_by_keyboard(qtbot: QtBot, parts: Application) -> None:
    before = parts.window.font().pointSize()
    actions_of(parts)["Larger text"].trigger()
    assert parts.settings.current.font_points == before + 1
    qtbot.waitUntil(lambda: parts.window.font().pointSize() == before + 1)
    press(parts, Qt.Key.Key_0, CTRL)
    qtbot.waitUntil(lambda: parts.window.font().pointSize() == before)


def test_a_small_screen_has_room_for_everything(qtbot: QtBot, parts: Application) -> None:
    parts.window.resize(800, 500)
    qtbot.waitUntil(lambda: parts.window.width() == 800)
    assert parts.window.minimumSizeHint().width() <= 800
    assert parts.window.page.composer.isVisible()
    corner = parts.window.gauges.mapTo(parts.window, parts.window.gauges.rect().bottomRight())
    assert corner.x() < 800
    assert corner.y() < 500


def test_the_status_line_names_model_and_state(parts: Application) -> None:
    texts = [label.text() for label in parts.window.statusBar().findChildren(QLabel)]
    assert "Demo model · a scripted model · 4096 tokens" in texts
    assert "Ready" in texts


def test_a_model_is_unloaded_and_another_dropped_by_menus_and_mouse(qtbot: QtBot, parts: Application) -> None:
    unload = actions_of(parts)["Unload"]
    assert unload.isEnabled()
    press(parts, Qt.Key.Key_U, CTRL | SHIFT)
    qtbot.waitUntil(lambda: parts.engine.state is EngineState.READY, timeout=WAIT_MS)
    assert not unload.isEnabled()
    parts.window._drop.dropped.emit(QUrl.fromLocalFile("/m.gguf").toLocalFile())
    qtbot.waitUntil(lambda: parts.engine.state is EngineState.LOADED, timeout=WAIT_MS)
    assert parts.settings.current.model == "/m.gguf"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Open a model…", QFileDialog),
        ("Import a conversation…", QFileDialog),
        ("Export the conversation…", QFileDialog),
        ("Preferences…", QDialog),
        ("About offload", QMessageBox),
    ],
)
def test_a_dialog_opens_and_is_left_by_escape(qtbot: QtBot, parts: Application, name: str, kind: type[QDialog]) -> None:
    actions_of(parts)[name].trigger()
    (dialog,) = parts.window.findChildren(kind)
    qtbot.waitUntil(dialog.isVisible)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not parts.window.findChildren(kind))


def test_the_theme_changes_everywhere_at_once(parts: Application) -> None:
    parts.settings.change(theme=ThemeChoice.DARK)
    assert parts.window.palette().color(QPalette.ColorRole.Window).name() == DARK.window
    parts.settings.change(theme=ThemeChoice.LIGHT)
    assert parts.window.palette().color(QPalette.ColorRole.Window).name() == LIGHT.window
    assert parts.window.gauges.palette().color(QPalette.ColorRole.Base).name() == LIGHT.surface


def test_the_card_of_the_first_run_is_put_away_and_called_back(parts: Application) -> None:
    card = parts.window.card
    assert card.isVisible()
    card.dismissed.emit()
    assert card.isHidden()
    assert parts.settings.current.are_gauges_explained
    press(parts, Qt.Key.Key_F1)
    assert card.isVisible()


def test_the_next_and_the_previous_conversation_are_opened_by_keyboard(
    qtbot: QtBot, parts: Application, tmp_path: Path
) -> None:
    session = parts.session
    session.import_(export_of(tmp_path, "first"))
    qtbot.waitUntil(lambda: session.conversation.title == "first", timeout=WAIT_MS)
    session.import_(export_of(tmp_path, "second"))
    qtbot.waitUntil(lambda: session.conversation.title == "second", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(parts.window._steps._ids) == 2, timeout=WAIT_MS)
    order = [parts.window._steps._ids.index(session.conversation.id)]
    key = Qt.Key.Key_PageDown if order == [0] else Qt.Key.Key_PageUp
    press(parts, key, CTRL)
    qtbot.waitUntil(lambda: session.conversation.title == "first", timeout=WAIT_MS)
    press(parts, key, CTRL)
    QCoreApplication.processEvents()
    assert session.conversation.title == "first"


def export_of(folder: Path, title: str) -> Path:
    """Write a conversation of that title to a file, and return where."""
    path = folder / f"{title}.json"
    export_conversation(replace(talk("question", "answer"), title=title), path)
    return path
