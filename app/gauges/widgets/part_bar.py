"""A bar of stacked parts of memory, each in its colour."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPainterPath

from offload_app.gauges.readings.memory import Part, PartUse
from offload_app.gauges.widgets.legend import LegendEntry
from offload_app.theme import SIZES, Theme


def paint_parts(painter: QPainter, bar: QRectF, parts: Sequence[PartUse], pixels_per_byte: float, theme: Theme) -> None:
    """Paint the parts from the left of `bar`; what is free is its ground."""
    outline = QPainterPath()
    outline.addRoundedRect(bar, SIZES.radius / 2, SIZES.radius / 2)
    painter.save()
    painter.setClipPath(outline)
    painter.fillRect(bar, QColor(theme.track))
    colours, left = part_colours(theme), bar.left()
    for use in parts:
        width = use.n_bytes * pixels_per_byte
        if use.part is not Part.FREE and width:
            # A hair's breadth of ground between the parts: told apart without their colours.
            painter.fillRect(QRectF(left, bar.top(), max(width - 1, 0.5), bar.height()), QColor(colours[use.part]))
        left += width
    painter.restore()


def part_entries(parts: Sequence[PartUse], theme: Theme) -> list[LegendEntry]:
    """Return the legend of the parts that take memory."""
    colours = part_colours(theme)
    return [LegendEntry(colours[use.part], use.name, use.text) for use in parts if use.n_bytes]


def part_colours(theme: Theme) -> dict[Part, str]:
    """Return the fill of every part."""
    return {part: getattr(theme.memory, part.value) for part in Part}
