"""The gauges in one line; where there is little room, the values without their titles."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from offload_app.gauges.readings.compact import CompactReading
from offload_app.gauges.widgets.gauge import Gauge
from offload_app.gauges.widgets.typeface import draw_line
from offload_app.theme import SIZES


class CompactLine(Gauge[CompactReading]):
    """Paints a compact reading."""

    def content_height(self, width: float) -> float:
        """Return the height of the line."""
        return self._type.strong_height

    def paint_content(self, painter: QPainter, rect: QRectF) -> None:
        """Paint titles and values from left to right."""
        face, theme = self._type, self._theme
        has_titles = self._width(has_titles=True) <= rect.width()
        left = rect.left()
        for title, value in self._reading.segments:
            parts = [(title, face.plain, theme.muted)] if has_titles else []
            for text, font, colour in (*parts, (value, face.strong, theme.text)):
                measures = face.strong_measures if font is face.strong else face.plain_measures
                width = min(measures.horizontalAdvance(text) + 1, rect.right() - left)
                draw_line(painter, QRectF(left, rect.top(), width, rect.height()), text, font, colour)
                left += width + SIZES.small_gap
            left += _gap(has_titles=has_titles)

    def _width(self, *, has_titles: bool) -> float:
        face, gap = self._type, SIZES.small_gap + _gap(has_titles=has_titles)
        width = 0.0
        for title, value in self._reading.segments:
            width += face.strong_measures.horizontalAdvance(value) + gap + 1
            width += face.plain_measures.horizontalAdvance(title) + SIZES.small_gap + 1 if has_titles else 0
        return width


def _gap(*, has_titles: bool) -> float:
    """Return the room between two values, beside that after each text."""
    return 2.0 * SIZES.gap if has_titles else float(SIZES.gap)
