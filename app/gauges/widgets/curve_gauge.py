"""The gauge of one number: title, value, a small curve of the last half minute, and a line for every tier."""

from typing import Protocol

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from offload_app.gauges.readings.tiers import TierLine
from offload_app.gauges.readings.trend import MAX_POINTS, Curve
from offload_app.gauges.readings.words import Words
from offload_app.gauges.widgets.gauge import TitledGauge
from offload_app.gauges.widgets.typeface import draw_line
from offload_app.theme import SIZES

_LINE = 1.6
_DOT = 2.5
_FILL_ALPHA = 40


class CurveReading(Protocol):
    """A reading with a history: of the hit rate, the speed or the disk."""

    @property
    def words(self) -> Words:
        """What the gauge writes."""

    @property
    def curve(self) -> Curve:
        """The points, oldest first."""

    @property
    def lines(self) -> tuple[TierLine, ...]:
        """What is said below the curve."""


class CurveGauge(TitledGauge[CurveReading]):
    """Paints a reading with its curve; the newest point is at the right edge."""

    def body_height(self, width: float) -> float:
        """Return the height of curve and lines; nothing where there is neither."""
        lines = len(self._reading.lines) * self._line_height
        curve = float(SIZES.curve) if self._reading.curve.points else 0.0
        return curve + (SIZES.small_gap if curve and lines else 0) + lines

    def paint_body(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the curve, and the lines below it."""
        height = self._line_height
        if self._reading.curve.points:
            self._paint_curve(painter, QRectF(rect.left(), rect.top(), rect.width(), SIZES.curve))
        top = rect.bottom() - len(self._reading.lines) * height
        for place, line in enumerate(self._reading.lines):
            row = QRectF(rect.left(), top + place * height, rect.width(), height)
            width = self._type.small_measures.horizontalAdvance(line.text) + 1
            name = row.adjusted(0, 0, -width - SIZES.gap, 0)
            draw_line(painter, name, line.name, self._type.small, self._theme.muted)
            draw_line(painter, row, line.text, self._type.small, self._theme.text, align_right=True)

    @property
    def _line_height(self) -> float:
        return float(self._type.small_height)

    def _paint_curve(self, painter: QPainter, rect: QRectF) -> None:
        painter.setPen(QPen(QColor(self._theme.border), 1))
        ground = rect.bottom() - 0.5
        painter.drawLine(QPointF(rect.left(), ground), QPointF(rect.right(), ground))
        points = curve_points(self._reading.curve, rect.adjusted(0, _DOT, -_DOT, -1))
        line = QColor(self._theme.curve)
        fill = QColor(line)
        fill.setAlpha(_FILL_ALPHA)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        # Jagged below the line, which hides it: smoothed, Qt would hand the many spans to other threads and wait.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        area = [QPointF(points[0].x(), ground), *points, QPointF(points[-1].x(), ground)]
        painter.drawPolygon(QPolygonF(area))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(line, _LINE))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(line)
        painter.drawEllipse(points[-1], _DOT, _DOT)


def curve_points(curve: Curve, rect: QRectF) -> list[QPointF]:
    """Return where the points lie in `rect`, which is as wide as the longest history."""
    step = rect.width() / (MAX_POINTS - 1)
    first = rect.right() - (len(curve.points) - 1) * step
    return [
        QPointF(first + index * step, rect.bottom() - rect.height() * min(1.0, value / curve.top))
        for index, value in enumerate(curve.points)
    ]
