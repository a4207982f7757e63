"""The memory bar: the planned parts stacked against the budget, and below it what the process really takes."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import QWidget

from offload_app.gauges.readings.memory import MemoryReading, Part
from offload_app.gauges.widgets.gauge import TitledGauge
from offload_app.gauges.widgets.legend import LegendEntry, legend_height, paint_legend
from offload_app.theme import SIZES, Theme

_PEAK_WIDTH = 2.0


class MemoryBar(TitledGauge[MemoryReading]):
    """Paints a memory reading: bar, measured line with a mark at the peak, legend."""

    def __init__(self, theme: Theme, reading: MemoryReading, parent: QWidget | None = None) -> None:
        super().__init__(theme, reading, parent)

    @property
    def value_colour(self) -> str:
        """Colour of the value: a broken promise is not shown as if it were kept."""
        return self._theme.error if self._reading.is_over_budget else self._theme.text

    def body_height(self, width: float) -> float:
        """Return the height of bar, line and legend."""
        height = float(SIZES.bar + SIZES.mark + 1)
        entries = self._entries()
        return height + SIZES.small_gap + legend_height(entries, width, self._type) if entries else height

    def paint_body(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the bar, the measured line and the legend."""
        bar = QRectF(rect.left(), rect.top(), rect.width(), SIZES.bar)
        self._paint_bar(painter, bar)
        if not self._reading.parts:
            return
        self._paint_measured(painter, bar)
        top = bar.bottom() + 1 + SIZES.mark + SIZES.small_gap
        legend = QRectF(rect.left(), top, rect.width(), rect.bottom() - top)
        paint_legend(painter, legend, self._entries(), self._type, self._theme)

    def _entries(self) -> list[LegendEntry]:
        colours = part_colours(self._theme)
        return [LegendEntry(colours[use.part], use.name, use.text) for use in self._reading.parts if use.n_bytes]

    def _pixels_per_byte(self, bar: QRectF) -> float:
        reading = self._reading
        return bar.width() / max(reading.whole_bytes, reading.peak_bytes, reading.used_bytes, 1)

    def _paint_bar(self, painter: QPainter, bar: QRectF) -> None:
        outline = QPainterPath()
        outline.addRoundedRect(bar, SIZES.radius / 2, SIZES.radius / 2)
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(bar, QColor(self._theme.track))
        colours, scale, left = part_colours(self._theme), self._pixels_per_byte(bar), bar.left()
        for use in self._reading.parts:
            width = use.n_bytes * scale
            if use.part is not Part.FREE and width:
                # A hair's breadth of ground between the parts: told apart without their colours.
                painter.fillRect(QRectF(left, bar.top(), max(width - 1, 0.5), bar.height()), QColor(colours[use.part]))
            left += width
        painter.restore()

    def _paint_measured(self, painter: QPainter, bar: QRectF) -> None:
        reading, theme, scale = self._reading, self._theme, self._pixels_per_byte(bar)
        line = QRectF(bar.left(), bar.bottom() + 2, reading.used_bytes * scale, SIZES.mark - 2)
        painter.fillRect(line, QColor(theme.error if reading.used_bytes > reading.budget_bytes else theme.muted))
        peak = min(bar.left() + reading.peak_bytes * scale, bar.right()) - _PEAK_WIDTH
        mark = QRectF(peak, bar.top(), _PEAK_WIDTH, bar.height() + SIZES.mark + 1)
        painter.fillRect(mark.adjusted(-1, 0, 1, 0), QColor(theme.surface))
        painter.fillRect(mark, QColor(theme.error if reading.is_over_budget else theme.text))
        if reading.is_over_budget:
            budget = bar.left() + reading.budget_bytes * scale
            painter.fillRect(QRectF(budget - 0.5, bar.top(), 1, bar.height() + SIZES.mark), QColor(theme.text))


def part_colours(theme: Theme) -> dict[Part, str]:
    """Return the fill of every part."""
    return {part: getattr(theme.memory, part.value) for part in Part}
