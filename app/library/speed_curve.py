"""The speed curve: tokens a second over budgets on the scale of the slider below it, with what is likely shaded."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from offload_app.gauges.widgets.gauge import TitledGauge
from offload_app.library.readings.speed import SpeedReading
from offload_app.theme import SIZES

HEIGHT = 44.0
_LINE = 1.8
_DOT = 4.0
_SHADE_ALPHA = 48


class SpeedCurve(TitledGauge[SpeedReading]):
    """Paints a prediction: title and speed, curve, where it comes from."""

    def body_height(self, width: float) -> float:
        """Return the height of the curve; nothing where there is none."""
        return HEIGHT if self._reading.points else 0.0

    def paint_body(self, painter: QPainter, rect: QRectF) -> None:
        """Paint ground, range, curve, and the place of the slider."""
        reading, theme = self._reading, self._theme
        painter.setPen(QPen(QColor(theme.border), 1))
        ground = rect.bottom() - 0.5
        painter.drawLine(QPointF(rect.left(), ground), QPointF(rect.right(), ground))
        inner = rect.adjusted(0, _DOT, 0, -1)
        low = [self._place(inner, point.budget_bytes, point.low) for point in reading.points]
        middle = [self._place(inner, point.budget_bytes, point.middle) for point in reading.points]
        high = [self._place(inner, point.budget_bytes, point.high) for point in reading.points]
        line, shade = QColor(theme.curve), QColor(theme.curve)
        shade.setAlpha(_SHADE_ALPHA)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
        painter.drawPolygon(QPolygonF([*low, *reversed(high)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(line, _LINE))
        painter.drawPolyline(QPolygonF(middle))
        at = middle[min(reading.point, len(middle) - 1)]
        painter.setPen(QPen(QColor(theme.muted), 1, Qt.PenStyle.DotLine))
        painter.drawLine(at, QPointF(at.x(), ground))
        painter.setPen(QPen(QColor(theme.surface), SIZES.focus_line))
        painter.setBrush(QColor(theme.accent))
        painter.drawEllipse(at, _DOT + 1, _DOT + 1)

    def _place(self, rect: QRectF, budget_bytes: int, tokens_per_second: float) -> QPointF:
        reading = self._reading
        x = rect.left() + rect.width() * min(1.0, budget_bytes / reading.whole_bytes)
        return QPointF(x, rect.bottom() - rect.height() * min(1.0, tokens_per_second / reading.top))
