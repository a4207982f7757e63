"""A legend: coloured squares with names and values, in as many columns as there is room for."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from offload_app.gauges.widgets.typeface import Typeface, draw_line
from offload_app.theme import SIZES, Theme

_MAX_COLUMNS = 2
_COLUMN_GAP = 12.0


class Swatch(Enum):
    """Shape of a square of the legend."""

    FULL = "full"
    HOLLOW = "hollow"
    CROSSED = "crossed"


class LegendEntry(NamedTuple):
    """One square of the legend."""

    colour: str
    name: str
    value: str
    swatch: Swatch = Swatch.FULL


def legend_height(entries: Sequence[LegendEntry], width: float, face: Typeface) -> float:
    """Return the height of the legend at `width`."""
    n_rows = -(-len(entries) // _columns(entries, width, face))
    return n_rows * _row_height(face)


def paint_legend(painter: QPainter, rect: QRectF, entries: Sequence[LegendEntry], face: Typeface, theme: Theme) -> None:
    """Paint the entries in reading order, from the upper edge of `rect` down."""
    n_columns = _columns(entries, rect.width(), face)
    height = _row_height(face)
    column_width = (rect.width() - (n_columns - 1) * _COLUMN_GAP) / n_columns
    for index, entry in enumerate(entries):
        row, column = divmod(index, n_columns)
        left = rect.left() + column * (column_width + _COLUMN_GAP)
        _paint_entry(painter, QRectF(left, rect.top() + row * height, column_width, height), entry, face, theme)


def _paint_entry(painter: QPainter, rect: QRectF, entry: LegendEntry, face: Typeface, theme: Theme) -> None:
    top = rect.top() + round((rect.height() - SIZES.swatch) / 2)
    swatch = QRectF(rect.left() + 0.5, top + 0.5, SIZES.swatch - 1, SIZES.swatch - 1)
    painter.setPen(QPen(QColor(theme.muted), 1) if entry.colour in _pale(theme) else Qt.PenStyle.NoPen)
    painter.setBrush(QColor(entry.colour))
    painter.drawRoundedRect(swatch, 2, 2)
    _paint_shape(painter, swatch, entry.swatch, QColor(theme.surface))
    value_width = face.small_measures.horizontalAdvance(entry.value) + 1
    name = rect.adjusted(SIZES.swatch + SIZES.small_gap + 2, 0, -value_width - SIZES.small_gap, 0)
    value = QRectF(rect.right() - value_width, rect.top(), value_width, rect.height())
    draw_line(painter, name, entry.name, face.small, theme.muted)
    draw_line(painter, value, entry.value, face.small, theme.text, align_right=True)


def _paint_shape(painter: QPainter, rect: QRectF, shape: Swatch, ground: QColor) -> None:
    """Paint what tells a square from a full one, in the colour of the ground."""
    third = rect.width() / 3
    match shape:
        case Swatch.HOLLOW:
            painter.fillRect(rect.adjusted(third, third, -third, -third), ground)
        case Swatch.CROSSED:
            painter.setPen(QPen(ground, 1.2))
            painter.drawLines([QLineF(rect.topLeft(), rect.bottomRight()), QLineF(rect.topRight(), rect.bottomLeft())])


def _pale(theme: Theme) -> tuple[str, str]:
    """Return the fills that are close to the ground: they are given a frame."""
    return theme.memory.free, theme.experts.absent


def _columns(entries: Sequence[LegendEntry], width: float, face: Typeface) -> int:
    measure = face.small_measures.horizontalAdvance
    around = SIZES.swatch + 2 * SIZES.small_gap + 4
    widest = max((measure(entry.name) + measure(entry.value) + around for entry in entries), default=1.0)
    n_columns = int((width + _COLUMN_GAP) // (widest + _COLUMN_GAP))
    return max(1, min(_MAX_COLUMNS, n_columns))


def _row_height(face: Typeface) -> float:
    return face.small_height + 1
