"""The next larger and smaller text."""

from PySide6.QtGui import QFont
from pytestqt.qtbot import QtBot

from offload_app.settings import LARGEST_FONT_POINTS, SMALLEST_FONT_POINTS
from offload_app.text_size import larger, smaller


def font(points: int) -> QFont:
    made = QFont()
    made.setPointSize(points)
    return made


def test_a_step_is_a_point(qtbot: QtBot) -> None:
    assert (smaller(font(10)), larger(font(10))) == (9, 11)


def test_there_is_a_largest_and_a_smallest(qtbot: QtBot) -> None:
    assert larger(font(LARGEST_FONT_POINTS)) == LARGEST_FONT_POINTS
    assert smaller(font(SMALLEST_FONT_POINTS)) == SMALLEST_FONT_POINTS


def test_a_font_in_pixels_is_taken_for_a_usual_one(qtbot: QtBot) -> None:
    made = QFont()
    made.setPixelSize(20)
    assert larger(made) == 11
