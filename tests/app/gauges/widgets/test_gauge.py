"""What all gauges share: when they paint, what they say, how they fit."""

from dataclasses import dataclass

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRectF, Qt
from PySide6.QtGui import QFont, QHelpEvent, QPainter
from PySide6.QtWidgets import QToolTip
from pytestqt.qtbot import QtBot

from fakes.painted import PaintCount, pixels_by_colour
from offload_app.gauges.readings.words import Words
from offload_app.gauges.widgets.gauge import TitledGauge
from offload_app.gauges.widgets.spoken_text import SpokenText
from offload_app.theme import DARK, LIGHT, Theme


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of words alone."""

    words: Words
    height: float = 10.0


class Block(TitledGauge[Reading]):
    """A gauge whose body is a block of the curve's colour."""

    def body_height(self, width: float) -> float:
        return self._reading.height

    def paint_body(self, painter: QPainter, rect: QRectF) -> None:
        painter.fillRect(rect, self._theme.curve)


def reading(value: str, height: float = 10.0) -> Reading:
    return Reading(Words("Title", value, f"detail of {value}", f"Title: {value}."), height)


def block(qtbot: QtBot, theme: Theme = LIGHT, *, is_shown: bool = True) -> Block:
    gauge = Block(theme, reading("one"))
    qtbot.addWidget(gauge)
    gauge.resize(gauge.sizeHint())
    if is_shown:
        gauge.show()
        qtbot.waitExposed(gauge)
        QCoreApplication.processEvents()
    return gauge


def painted_after(gauge: Block, shown: Reading) -> int:
    """Return how often `gauge` is painted because of a reading."""
    count = PaintCount(gauge)
    gauge.show_reading(shown)
    QCoreApplication.processEvents()
    return count.n_painted


def test_another_reading_is_painted_once(qtbot: QtBot) -> None:
    assert painted_after(block(qtbot), reading("two")) == 1


def test_the_same_reading_is_not_painted_again(qtbot: QtBot) -> None:
    assert painted_after(block(qtbot), reading("one")) == 0


def test_nothing_is_painted_while_hidden(qtbot: QtBot) -> None:
    gauge = block(qtbot)
    gauge.hide()
    assert painted_after(gauge, reading("two")) == 0
    count = PaintCount(gauge)
    gauge.show()
    qtbot.waitUntil(lambda: count.n_painted > 0)
    assert gauge.reading == reading("two")


def test_another_theme_is_painted(qtbot: QtBot) -> None:
    gauge = block(qtbot)
    assert pixels_by_colour(gauge)[LIGHT.curve] > 0
    gauge.set_theme(DARK)
    colours = pixels_by_colour(gauge)
    assert colours[DARK.curve] > 0
    assert colours[LIGHT.curve] == 0


def test_a_taller_body_asks_for_more_room(qtbot: QtBot) -> None:
    gauge = block(qtbot)
    before = gauge.sizeHint().height()
    gauge.show_reading(reading("one", height=50.0))
    assert gauge.sizeHint().height() == before + 40


def test_a_larger_font_asks_for_more_room(qtbot: QtBot) -> None:
    gauge = block(qtbot)
    before = gauge.sizeHint().height()
    font = QFont(gauge.font())
    font.setPixelSize(40)
    gauge.setFont(font)
    assert gauge.sizeHint().height() > before + 20


def test_the_keyboard_reaches_it_and_the_focus_is_seen(qtbot: QtBot) -> None:
    gauge = block(qtbot)
    gauge.clearFocus()
    without = pixels_by_colour(gauge)[LIGHT.accent]
    gauge.setFocus(Qt.FocusReason.TabFocusReason)
    assert gauge.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert pixels_by_colour(gauge)[LIGHT.accent] > without + 100


def test_its_words_are_there_for_assistive_technology(qtbot: QtBot) -> None:
    gauge = block(qtbot, is_shown=False)
    assert (gauge.accessibleName(), gauge.accessibleDescription()) == ("Title", "Title: one.")


def test_words_are_said_at_most_once_in_an_interval(qtbot: QtBot) -> None:
    gauge = block(qtbot, is_shown=False)
    gauge.show_reading(reading("two"))
    gauge.show_reading(reading("three"))
    assert gauge.accessibleDescription() == "Title: one."
    qtbot.waitUntil(lambda: gauge.accessibleDescription() == "Title: three.", timeout=3000)


def test_the_last_words_arrive_and_the_same_are_not_said_twice(qtbot: QtBot) -> None:
    gauge = block(qtbot, is_shown=False)
    said: list[str] = []
    gauge.setAccessibleDescription("")
    spoken = SpokenText(gauge, interval_ms=20)
    for text in ("a", "b", "c"):
        spoken.say(text)
        said.append(gauge.accessibleDescription())
    qtbot.waitUntil(lambda: gauge.accessibleDescription() == "c")
    assert said == ["a", "a", "a"]


def test_the_mouse_is_told_the_whole_sentence(qtbot: QtBot) -> None:
    gauge = block(qtbot)
    QCoreApplication.sendEvent(gauge, QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), gauge.mapToGlobal(QPoint(5, 5))))
    assert QToolTip.text() == "Title: one."
    QToolTip.hideText()


@pytest.mark.parametrize("width", [130, 260, 360, 800])
def test_a_long_text_is_cut_not_painted_outside(qtbot: QtBot, width: int) -> None:
    gauge = block(qtbot)
    gauge.show_reading(Reading(Words("T" * 200, "V" * 20, "D" * 500, "S.")))
    gauge.resize(width, gauge.heightForWidth(width))
    right_edge = gauge.grab().toImage().copy(width - 4, 0, 4, gauge.height())
    gauge.show_reading(Reading(Words("", "", "", "S."), 10.0))
    assert right_edge == gauge.grab().toImage().copy(width - 4, 0, 4, gauge.height())
