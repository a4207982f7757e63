"""The device bar: the planned parts of a compute device's memory, stacked against its budget."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from offload_app.gauges.readings.device_memory import DeviceMemoryReading
from offload_app.gauges.widgets.gauge import TitledGauge
from offload_app.gauges.widgets.legend import legend_height, paint_legend
from offload_app.gauges.widgets.part_bar import paint_parts, part_entries
from offload_app.theme import SIZES


class DeviceBar(TitledGauge[DeviceMemoryReading]):
    """Paints the reading of a device's memory: bar and legend."""

    def body_height(self, width: float) -> float:
        """Return the height of bar and legend."""
        entries = part_entries(self._reading.parts, self._theme)
        legend = SIZES.small_gap + legend_height(entries, width, self._type) if entries else 0.0
        return SIZES.bar + legend

    def paint_body(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the bar and the legend."""
        reading, bar = self._reading, QRectF(rect.left(), rect.top(), rect.width(), SIZES.bar)
        paint_parts(painter, bar, reading.parts, bar.width() / max(reading.whole_bytes, 1), self._theme)
        top = bar.bottom() + SIZES.small_gap
        legend = QRectF(rect.left(), top, rect.width(), rect.bottom() - top)
        entries = part_entries(reading.parts, self._theme)
        if entries:
            paint_legend(painter, legend, entries, self._type, self._theme)
