"""`TransferRate`: how fast bytes have been coming of late."""

from collections import deque

WINDOW_SECONDS = 8.0
LEAST_SECONDS = 1.0
"""Before that nothing is said: the first bytes come in bursts."""


class TransferRate:
    """Notes how many bytes are there at which time, and forgets what is old. For one thread."""

    def __init__(self) -> None:
        self._notes: deque[tuple[float, int]] = deque()

    def note(self, seconds: float, n_bytes: int) -> None:
        """Note that at `seconds` (of any clock that only rises) `n_bytes` are there; fewer than before: begin anew."""
        if self._notes and n_bytes < self._notes[-1][1]:
            self._notes.clear()
        self._notes.append((seconds, n_bytes))
        while len(self._notes) > 2 and seconds - self._notes[1][0] >= WINDOW_SECONDS:
            self._notes.popleft()

    @property
    def bytes_per_second(self) -> float | None:
        """Return the rate; None while that is not known."""
        if len(self._notes) < 2:
            return None
        (first, before), (last, now) = self._notes[0], self._notes[-1]
        return (now - before) / (last - first) if last - first >= LEAST_SECONDS else None
