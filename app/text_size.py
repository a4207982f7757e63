"""Text sizes: the next larger and the next smaller one; pure."""

from PySide6.QtGui import QFont

from offload_app.settings import LARGEST_FONT_POINTS, SMALLEST_FONT_POINTS


def larger(font: QFont) -> int:
    """Return the points of the next larger text."""
    return min(_points(font) + 1, LARGEST_FONT_POINTS)


def smaller(font: QFont) -> int:
    """Return the points of the next smaller text."""
    return max(_points(font) - 1, SMALLEST_FONT_POINTS)


def _points(font: QFont) -> int:
    # A font that is given in pixels has no points.
    return font.pointSize() if font.pointSize() > 0 else 10
