"""The budget slider: chosen by keyboard and mouse, on the scale of the bar."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from fakes.painted import colour_at, picture, pixels_by_colour
from offload_app.library.budget_slider import MARGIN, BudgetSlider
from offload_app.library.readings.plan import BudgetMark
from offload_app.theme import DARK, LIGHT

WIDTH = 400 + 2 * MARGIN


def slider(qtbot: QtBot, *marks: BudgetMark) -> tuple[BudgetSlider, list[int]]:
    made = BudgetSlider(LIGHT)
    qtbot.addWidget(made)
    made.show_budgets([100, 200, 300, 400], 400, marks)
    made.resize(WIDTH, made.sizeHint().height())
    chosen: list[int] = []
    made.chosen.connect(chosen.append)
    return made, chosen


def test_keys_move_it_step_by_step_and_to_the_ends(qtbot: QtBot) -> None:
    made, chosen = slider(qtbot)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_End, Qt.Key.Key_Home):
        QTest.keyClick(made, key)
    assert chosen == [1, 2, 1, 3, 0]


def test_a_click_goes_to_the_budget_below_it(qtbot: QtBot) -> None:
    made, chosen = slider(qtbot)
    QTest.mouseClick(made, Qt.MouseButton.LeftButton, pos=QPoint(MARGIN + 290, 10))
    QTest.mouseClick(made, Qt.MouseButton.LeftButton, pos=QPoint(0, 10))
    assert chosen == [2, 0]
    assert made.value() == 0


def test_showing_a_step_tells_nobody_and_is_read_out(qtbot: QtBot) -> None:
    made, chosen = slider(qtbot)
    made.show_step(2, "3.0 GB")
    assert chosen == []
    assert (made.value(), made.accessibleDescription(), made.toolTip()) == (2, "3.0 GB", "3.0 GB")


def test_the_handle_stands_where_the_budget_ends_on_the_bar(qtbot: QtBot) -> None:
    made, _ = slider(qtbot)
    made.show_step(1, "")
    image = picture(made)
    assert colour_at(image, MARGIN + 200, 10) == LIGHT.accent
    assert colour_at(image, MARGIN + 150, 10) == LIGHT.accent
    assert colour_at(image, MARGIN + 300, 10) == LIGHT.border
    assert colour_at(image, MARGIN + 50, 10) == LIGHT.track


def test_marks_are_painted_and_take_room(qtbot: QtBot) -> None:
    plain, _ = slider(qtbot)
    marked, _ = slider(qtbot, BudgetMark(150, "automatic"), BudgetMark(160, "this machine"))
    assert marked.sizeHint().height() > plain.sizeHint().height()
    assert pixels_by_colour(marked)[LIGHT.text] > 20
    assert pixels_by_colour(plain)[LIGHT.text] == 0


def test_with_a_single_plan_there_is_nothing_to_choose(qtbot: QtBot) -> None:
    made, chosen = slider(qtbot)
    made.show_budgets([100], 100, ())
    assert not made.isEnabled()
    made._go_to(WIDTH)
    assert chosen == []


def test_without_any_plan_it_is_painted_all_the_same(qtbot: QtBot) -> None:
    made, _ = slider(qtbot)
    made.show_budgets([], 0, ())
    made.set_theme(DARK)
    assert pixels_by_colour(made)[DARK.track] > 0
