"""The column of messages: which turns have widgets, where they lie, and the way of the focus through them."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea
from pytestqt.qtbot import QtBot

from fakes.conversations import talk
from offload_app.chat.message_column import WIDEST_COLUMN, MessageColumn
from offload_app.chat.turn_window import TurnWindow
from offload_app.conversation import turns
from offload_app.gauges.readings.language import Language
from offload_app.theme import LIGHT

TURNS = turns(talk("one", "two", "three", "four"))


@pytest.fixture
def reader(qtbot: QtBot) -> QScrollArea:
    reader = QScrollArea()
    qtbot.addWidget(reader)
    return reader


@pytest.fixture
def column(reader: QScrollArea) -> MessageColumn:
    """Return a column of the middle two of four turns, laid out 1000 pixels wide."""
    column = MessageColumn(LIGHT, Language(), reader)
    reader.setWidget(column)
    column.begin_at(2)
    column.show_turns(TURNS, None)
    column.add_before(TURNS[1])
    column.add_after(TURNS[2])
    column.lay_out(1000)
    return column


def texts(column: MessageColumn) -> list[str]:
    return [view.body.text for view in column.views]


def test_turns_are_added_at_either_end(column: MessageColumn) -> None:
    assert texts(column) == ["two", "three"]
    assert (column.first, column.last) == (1, 3)


def test_widgets_lie_one_below_the_other_in_the_middle(column: MessageColumn) -> None:
    upper, lower = column.views
    assert upper.geometry().bottom() < lower.y()
    assert upper.x() == lower.x() == (1000 - WIDEST_COLUMN) // 2
    assert upper.width() == lower.width() == WIDEST_COLUMN
    assert column.height() > lower.geometry().bottom()


def test_what_lies_between_two_heights_is_seen(column: MessageColumn) -> None:
    _, lower = column.views
    assert column.seen(0, column.height()) == range(1, 3)
    assert column.seen(lower.y(), column.height()) == range(2, 3)
    assert not column.seen(column.height(), 2 * column.height())


def test_the_view_at_a_height_is_the_first_that_ends_below_it(column: MessageColumn) -> None:
    upper, lower = column.views
    assert column.view_at(0) is upper
    assert column.view_at(upper.geometry().bottom() + 1) is lower
    assert column.view_at(column.height()) is None


def test_a_widget_that_was_added_since_is_at_no_height(column: MessageColumn) -> None:
    column.add_before(TURNS[0])
    assert column.view_at(0) is column.views[1]


def test_later_turns_are_dropped_from_a_place_on(column: MessageColumn) -> None:
    column.drop_from(2)
    assert texts(column) == ["two"]
    column.drop_from(0)
    assert (texts(column), column.first) == ([], 1)


def test_widgets_outside_of_the_window_are_dropped_at_both_ends(column: MessageColumn) -> None:
    column.add_after(TURNS[3])
    column.trim(TurnWindow(2, 3, 4))
    assert (texts(column), column.first) == (["three"], 2)


def test_a_piece_goes_to_the_message_that_is_written(column: MessageColumn) -> None:
    column.show_turns(TURNS, TURNS[1].message.id)
    column.grow(TURNS[1].message.id, " and more")
    assert texts(column) == ["two and more", "three"]


def test_the_arrows_take_the_focus_to_the_message_before_and_after(
    qtbot: QtBot, reader: QScrollArea, column: MessageColumn
) -> None:
    reader.show()
    reader.activateWindow()
    qtbot.waitUntil(reader.isActiveWindow)
    upper, lower = column.views
    upper.setFocus()
    with qtbot.waitSignal(column.entered) as entered:
        QTest.keyClick(upper, Qt.Key.Key_Down)
    assert entered.args == [lower]
    assert lower.hasFocus()
    QTest.keyClick(lower, Qt.Key.Key_Down)
    assert lower.hasFocus()


def test_the_focus_of_a_message_that_goes_falls_to_the_reader(
    qtbot: QtBot, reader: QScrollArea, column: MessageColumn
) -> None:
    reader.show()
    reader.activateWindow()
    qtbot.waitUntil(reader.isActiveWindow)
    column.views[1].setFocus()
    column.drop_from(2)
    assert reader.hasFocus()
