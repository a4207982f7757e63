"""`TransferRate`: bytes a second of late, and the time that is left at that rate."""

from collections import deque

_WINDOW_SECONDS = 10.0
_LEAST_SECONDS = 0.5


class TransferRate:
    """Watches a growing number of bytes. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._notes: deque[tuple[float, int]] = deque()

    def note(self, now: float, n_bytes: int) -> None:
        """Note that at `now` there are `n_bytes`; fewer than before begin anew."""
        if self._notes and n_bytes < self._notes[-1][1]:
            self._notes.clear()
        self._notes.append((now, n_bytes))
        while now - self._notes[0][0] > _WINDOW_SECONDS and len(self._notes) > 2:
            self._notes.popleft()

    @property
    def bytes_per_second(self) -> float | None:
        """The rate over the last 10 seconds; None while it is too early to tell."""
        if not self._notes:
            return None
        (first, before), (last, after) = self._notes[0], self._notes[-1]
        return (after - before) / (last - first) if last - first >= _LEAST_SECONDS else None

    def seconds_left(self, total_bytes: int) -> float | None:
        """Return how long it takes until there are `total_bytes`; None while nobody can tell."""
        rate = self.bytes_per_second
        return (total_bytes - self._notes[-1][1]) / rate if rate else None


def shown_time(seconds: float) -> str:
    """Return a time for a person: `45 s`, `12 min`, `3:20 h`."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"
