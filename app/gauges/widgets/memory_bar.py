"""The memory bar: the planned parts stacked against the budget, and below it what the process really takes."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from offload_app.gauges.readings.memory import MemoryReading
from offload_app.gauges.widgets.gauge import TitledGauge
from offload_app.gauges.widgets.legend import LegendEntry, legend_height, paint_legend
from offload_app.gauges.widgets.part_bar import paint_parts, part_entries
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
        paint_parts(painter, bar, self._reading.parts, self._pixels_per_byte(bar), self._theme)
        if not self._reading.parts:
            return
        self._paint_measured(painter, bar)
        top = bar.bottom() + 1 + SIZES.mark + SIZES.small_gap
        legend = QRectF(rect.left(), top, rect.width(), rect.bottom() - top)
        paint_legend(painter, legend, self._entries(), self._type, self._theme)

    def _entries(self) -> list[LegendEntry]:
        return part_entries(self._reading.parts, self._theme)

    def _pixels_per_byte(self, bar: QRectF) -> float:
        reading = self._reading
        return bar.width() / max(reading.whole_bytes, reading.peak_bytes, reading.used_bytes, 1)

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
