"""`Svg`: a picture as SVG text, of the few shapes that our figures need."""

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

Point = tuple[float, float]
_FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"


class Svg:
    """A picture that is drawn shape by shape, later ones over earlier ones; lengths are pixels from the top left."""

    def __init__(self, width: int, height: int, *, background: str = "#ffffff") -> None:
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family={quoteattr(_FONT)}>'
        )
        self._shapes: list[str] = []
        self.rect(0, 0, width, height, fill=background)

    def rect(self, x: float, y: float, width: float, height: float, *, fill: str) -> None:
        """Fill a rectangle."""
        size = f'width="{_number(width)}" height="{_number(height)}"'
        self._shapes.append(f'<rect x="{_number(x)}" y="{_number(y)}" {size} fill={quoteattr(fill)}/>')

    def line(self, points: Iterable[Point], *, stroke: str, width: float = 1.0) -> None:
        """Draw a line through `points`."""
        path = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        self._shapes.append(
            f'<polyline points="{path}" fill="none" stroke={quoteattr(stroke)} stroke-width="{_number(width)}" '
            'stroke-linejoin="round"/>'
        )

    def dot(self, x: float, y: float, *, radius: float, fill: str) -> None:
        """Draw a filled circle."""
        self._shapes.append(
            f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" fill={quoteattr(fill)}/>'
        )

    def text(
        self, x: float, y: float, text: str, *, fill: str = "#1f2328", size: int = 12, anchor: str = "start"
    ) -> None:
        """Write `text` with its base line at `y`; `anchor` is start, middle or end."""
        readable = escape("".join(letter for letter in text if letter.isprintable()))
        self._shapes.append(
            f'<text x="{_number(x)}" y="{_number(y)}" font-size="{size}" fill={quoteattr(fill)} '
            f"text-anchor={quoteattr(anchor)}>{readable}</text>"
        )

    def document(self) -> str:
        """Return the picture so far as the text of a file."""
        return "\n".join([self._head, *self._shapes, "</svg>"]) + "\n"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
