"""What a widget paints: its picture, and how often it was asked for one."""

from collections import Counter

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget


def picture(widget: QWidget) -> QImage:
    """Return what `widget` paints, hidden or not."""
    return widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


def pixels_by_colour(widget: QWidget) -> Counter[str]:
    """Return how many pixels `widget` paints in each `#rrggbb`."""
    image = picture(widget)
    words = memoryview(image.constBits()).cast("B").cast("I")
    return Counter({f"#{word & 0xFFFFFF:06x}": count for word, count in Counter(words).items()})


def colour_at(image: QImage, x: float, y: float) -> str:
    """Return `#rrggbb` of the pixel that holds the point."""
    return QColor(image.pixel(int(x), int(y))).name()


class PaintCount(QObject):
    """Counts the paint events of `widget` from now on."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.n_painted = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        if event.type() is QEvent.Type.Paint:
            self.n_painted += 1
        return False
