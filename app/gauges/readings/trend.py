"""The course of one value: a few points for a small curve.

Points are taken at most twice a second and only while something happens, so an idle application paints nothing.
"""

from dataclasses import dataclass

STEP_SECONDS = 0.5
MAX_POINTS = 60
_NOTHING = 1e-6
"""No rate is as small: drawn as zero."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Points, oldest first, at least `STEP_SECONDS` apart."""

    points: tuple[float, ...] = ()
    last_seconds: float = 0.0

    def extended(self, at_seconds: float, value: float | None) -> "Trend":
        """Return the trend with `value`, or as it is where there is none or the last point is too young."""
        if value is None or (self.points and at_seconds - self.last_seconds < STEP_SECONDS):
            return self
        return Trend((*self.points[1 - MAX_POINTS :], value), at_seconds)


@dataclass(frozen=True, slots=True)
class Curve:
    """Points to draw between 0 and `top`."""

    points: tuple[float, ...] = ()
    top: float = 1.0


NO_CURVE = Curve()


def curve_of(trend: Trend) -> Curve:
    """Return the points with a top that leaves the highest a little room; steady, so that the curve does not jump."""
    highest = max(trend.points, default=0.0)
    return Curve(trend.points, _round_above(highest) if highest > _NOTHING else 1.0)


def _round_above(value: float) -> float:
    """Return the least of 1, 1.5, 2, 3, 5, 7 times a power of ten that is not below `value`."""
    power = 10.0 ** _exponent(value)
    return next((step * power for step in (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if step * power >= value), 10.0 * power)


def _exponent(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])
