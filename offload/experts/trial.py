"""`Trial`: whether doing something pays, measured against not doing it, in turns."""

import math

WINDOW_TOKENS = 8
_OPENING_WINDOWS = 5
"""With and without alternate for so many windows; then the one that lost is tried again now and then."""
_RETRY_WINDOWS = (8, 64)
"""Until the next try: the first number of windows, and twice as many each time it has lost again, up to the second."""
_LEAST_WEIGHT = 0.25
"""Of the newest comparison; the first few count alike."""


class Trial:
    """Two arms, with and without; windows of tokens go to one or the other.

    Windows are compared with the one right before where that was of the other arm, as often in one order as in the
    other: so it does not matter that tokens come sooner and sooner, or later and later, for reasons of their own. A
    window's first token is not counted: what the window before it left behind is still at work.
    Thread rule: none of its own.
    """

    def __init__(self) -> None:
        self.is_on = True
        """Whether the running window is one with it."""
        self._n_windows = 0
        self._until_retry = self._retry_windows = _RETRY_WINDOWS[0]
        self._n_tokens = 0
        self._total = 0.0
        self._last: tuple[bool, float] | None = None
        """Arm of the window before, and its mean logarithm of seconds."""
        self._n_compared = 0
        self._log_gain = 0.0

    @property
    def gain(self) -> float | None:
        """How many times faster a token is with it than without; None before both were tried."""
        return math.exp(self._log_gain) if self._n_compared else None

    @property
    def pays(self) -> bool:
        """Whether it is worth doing, as far as is known: innocent until it has lost."""
        return self._log_gain >= 0.0

    def token(self, seconds: float) -> None:
        """Learn how long a token of the running window took."""
        self._n_tokens += 1
        if self._n_tokens > 1 and seconds > 0:
            self._total += math.log(seconds)
        if self._n_tokens == WINDOW_TOKENS:
            self._end_window()

    def _end_window(self) -> None:
        mean = self._total / (WINDOW_TOKENS - 1)
        if self._last is not None and self._last[0] is not self.is_on:
            self._compare(self._last[1] - mean if self.is_on else mean - self._last[1])
        self._last = self.is_on, mean
        self._n_windows += 1
        self._n_tokens, self._total = 0, 0.0
        if self._n_windows < _OPENING_WINDOWS:
            self.is_on = not self.is_on
        else:
            self._take_turns()

    def _compare(self, log_gain: float) -> None:
        self._n_compared += 1
        self._log_gain += max(_LEAST_WEIGHT, 1 / self._n_compared) * (log_gain - self._log_gain)

    def _take_turns(self) -> None:
        pays = self.pays
        if self._until_retry == 0:  # the retry has ended
            has_lost = self.is_on is not pays
            self._retry_windows = min(2 * self._retry_windows, _RETRY_WINDOWS[1]) if has_lost else _RETRY_WINDOWS[0]
            self._until_retry = self._retry_windows
        self._until_retry -= 1
        self.is_on = pays is not (self._until_retry == 0)
