"""The pictures of the application: they are there, and Qt can paint them."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from offload_app import icons


@pytest.mark.parametrize("path", [icons.APPLICATION, icons.ARROW_DOWN, icons.ARROW_UP], ids=lambda path: path.stem)
@pytest.mark.parametrize("side", [16, 32, 256])
def test_a_picture_is_painted_at_any_size(qapp: QApplication, path: Path, side: int) -> None:
    image = QIcon(str(path)).pixmap(QSize(side, side), 1.0).toImage()
    assert (image.width(), image.height()) == (side, side)
    assert len({image.pixel(x, y) for x in range(side) for y in range(side)}) > 1


def test_the_cells_of_the_icon_are_told_apart_at_its_smallest(qapp: QApplication) -> None:
    image = QIcon(str(icons.APPLICATION)).pixmap(QSize(16, 16), 1.0).toImage()
    middles = {image.pixelColor(x, y).name() for x in (3, 8, 13) for y in (3, 8, 13)}
    assert middles == {"#3a5870", "#56b4e9", "#f0b429"}
    assert {image.pixelColor(x, 8).name() for x in (5, 10)} == {"#12202c"}
