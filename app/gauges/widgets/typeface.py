"""The fonts of the gauges, derived from the widget's own, with their measures."""

from math import ceil

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

_LINE = int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextSingleLine)
_LEFT, _RIGHT = _LINE | int(Qt.AlignmentFlag.AlignLeft), _LINE | int(Qt.AlignmentFlag.AlignRight)
_SMALL = 0.88
"""Size of small text beside that of the widget's font."""


class Typeface:
    """The plain, the strong and the small font made of one `font`."""

    def __init__(self, font: QFont) -> None:
        self.plain = QFont(font)
        self.strong = QFont(font)
        self.strong.setWeight(QFont.Weight.DemiBold)
        self.small = QFont(font)
        if font.pointSizeF() > 0:
            self.small.setPointSizeF(font.pointSizeF() * _SMALL)
        else:
            self.small.setPixelSize(max(1, round(font.pixelSize() * _SMALL)))
        self.plain_measures = QFontMetricsF(self.plain)
        self.strong_measures = QFontMetricsF(self.strong)
        self.small_measures = QFontMetricsF(self.small)
        # Whole pixels: what lies below a line of text stays sharp.
        self.strong_height = ceil(self.strong_measures.height())
        self.small_height = ceil(self.small_measures.height())


def draw_line(
    painter: QPainter, rect: QRectF, text: str, font: QFont, colour: str, *, align_right: bool = False
) -> None:
    """Draw one line of text into `rect`, cut with an ellipsis where it is too long."""
    measures = QFontMetricsF(font)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    shown = measures.elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.drawText(rect, _RIGHT if align_right else _LEFT, shown)
