"""`TurnWindow`: which turns of a long conversation are shown; pure.

Only so many messages are widgets at a time: near an end of what is shown more is added there, and as much is taken
away at the other end.
"""

from dataclasses import dataclass

MOST_SHOWN = 40
STEP = 10


@dataclass(frozen=True, slots=True)
class TurnWindow:
    """The turns `first` to `last - 1` of `count`."""

    first: int = 0
    last: int = 0
    count: int = 0

    @property
    def is_at_start(self) -> bool:
        """Whether the first turn is shown."""
        return self.first == 0

    @property
    def is_at_end(self) -> bool:
        """Whether the last turn is shown."""
        return self.last == self.count

    def earlier(self) -> "TurnWindow":
        """Return the window a step nearer to the beginning."""
        first = max(0, self.first - STEP)
        return TurnWindow(first, min(self.last, first + MOST_SHOWN), self.count)

    def later(self) -> "TurnWindow":
        """Return the window a step nearer to the end."""
        last = min(self.count, self.last + STEP)
        return TurnWindow(max(self.first, last - MOST_SHOWN), last, self.count)


def at_end(count: int) -> TurnWindow:
    """Return the window on the last of `count` turns."""
    return TurnWindow(max(0, count - STEP), count, count)


def at_start(count: int) -> TurnWindow:
    """Return the window on the first of `count` turns."""
    return TurnWindow(0, min(count, STEP), count)
