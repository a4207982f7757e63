"""The legend's squares: their shape tells states apart without colour."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import QApplication

from offload_app.gauges.widgets.legend import LegendEntry, Swatch, paint_legend
from offload_app.gauges.widgets.typeface import Typeface
from offload_app.theme import LIGHT, SIZES


def drawn(swatch: Swatch) -> set[str]:
    """Return the colours in the square of an entry."""
    image = QImage(200, 30, QImage.Format.Format_RGB32)
    image.fill(QColor(LIGHT.surface))
    painter = QPainter(image)
    paint_legend(painter, QRectF(0, 0, 200, 30), [LegendEntry("#000000", "n", "1", swatch)], Typeface(QFont()), LIGHT)
    painter.end()
    middle = range(2, SIZES.swatch - 2)
    rows = [y for y in range(30) if image.pixelColor(2, y).name() == "#000000"]
    return {image.pixelColor(x, y).name() for y in rows for x in middle}


def test_shapes_show_the_ground(qapp: QApplication) -> None:
    assert drawn(Swatch.FULL) == {"#000000"}
    assert LIGHT.surface in drawn(Swatch.HOLLOW)
    assert len(drawn(Swatch.CROSSED)) > 1
