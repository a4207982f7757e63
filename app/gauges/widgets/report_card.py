"""The report card: a small table of forecasters and how much of the routing each foresaw."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from offload_app.gauges.readings.report_card import ReportCardReading
from offload_app.gauges.widgets.gauge import TitledGauge
from offload_app.gauges.widgets.typeface import draw_line
from offload_app.theme import SIZES


class ReportCard(TitledGauge[ReportCardReading]):
    """Paints a report card reading; without rows, its title, value and detail only."""

    def body_height(self, width: float) -> float:
        """Return the height of caption, header and rows."""
        return (len(self._reading.rows) + 2) * self._row_height() if self._reading.rows else 0.0

    def paint_body(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the caption, the header and a line for every forecaster."""
        reading, face, height = self._reading, self._type, self._row_height()
        row = QRectF(rect.left(), rect.top(), rect.width(), height)
        draw_line(painter, row, reading.caption, face.small, self._theme.muted)
        row.translate(0, height)
        self._paint_row(painter, row, "", reading.headers, self._theme.muted)
        for line in reading.rows:
            painter.setPen(QPen(QColor(self._theme.border), 1))
            painter.drawLine(QPointF(row.left(), row.bottom() - 0.5), QPointF(row.right(), row.bottom() - 0.5))
            row.translate(0, height)
            self._paint_row(painter, row, line.name, line.texts, self._theme.text)

    def _paint_row(self, painter: QPainter, rect: QRectF, name: str, texts: tuple[str, ...], colour: str) -> None:
        face, right = self._type, rect.right()
        widths = self._column_widths()
        for text, width in zip(reversed(texts), reversed(widths), strict=True):
            cell = QRectF(right - width, rect.top(), width, rect.height())
            draw_line(painter, cell, text, face.small, colour, align_right=True)
            right -= width + SIZES.gap
        if name:
            draw_line(
                painter, QRectF(rect.left(), rect.top(), right - rect.left(), rect.height()), name, face.small, colour
            )

    def _column_widths(self) -> list[float]:
        measure = self._type.small_measures.horizontalAdvance
        columns = zip(self._reading.headers, *(row.texts for row in self._reading.rows), strict=True)
        return [max(measure("000"), *map(measure, texts)) + 1 for texts in columns]

    def _row_height(self) -> float:
        return self._type.small_height + 3
