"""`Trial`: whether doing something pays, measured against not doing it, in turns."""

import math

WINDOW_TOKENS = 8
_WARMING_WINDOWS = 2
"""Not counted: slots are still being filled, which is nobody's fault."""
_OPENING_WINDOWS = 6
"""With and without alternate for so many windows; then the one that lost is tried again now and then."""
_RETRY_WINDOWS = (8, 64)
"""Until the next try: the first number of windows, and twice as many each time it has lost again, up to the second."""
_KEPT = 0.8
"""Of an arm's mean, a window later."""


class Trial:
    """Two arms, with and without; windows of tokens go to one or the other.

    A window's first token is not counted: what the window before it left behind is still at work.
    Thread rule: none of its own.
    """

    def __init__(self) -> None:
        self.is_on = True
        """Whether the running window is one with it."""
        self._n_windows = 0
        self._until_retry = self._retry_windows = _RETRY_WINDOWS[0]
        self._n_tokens = 0
        self._total = 0.0
        self._means: dict[bool, float] = {}

    @property
    def gain(self) -> float | None:
        """How many times faster a token is with it than without; None before both were tried."""
        return math.exp(self._means[False] - self._means[True]) if len(self._means) == 2 else None

    @property
    def pays(self) -> bool:
        """Whether it is worth doing, as far as is known: innocent until it has lost."""
        gain = self.gain
        return gain is None or gain >= 1.0

    def token(self, seconds: float) -> None:
        """Learn how long a token of the running window took."""
        self._n_tokens += 1
        if self._n_tokens > 1 and seconds > 0:
            self._total += math.log(seconds)
        if self._n_tokens == WINDOW_TOKENS:
            self._end_window()

    def _end_window(self) -> None:
        mean = self._total / (WINDOW_TOKENS - 1)
        if self._n_windows >= _WARMING_WINDOWS:
            before = self._means.get(self.is_on, mean)
            self._means[self.is_on] = _KEPT * before + (1 - _KEPT) * mean
        self._n_windows += 1
        self._n_tokens, self._total = 0, 0.0
        if self._n_windows < _OPENING_WINDOWS:
            self.is_on = not self.is_on
        else:
            self._take_turns()

    def _take_turns(self) -> None:
        was_retry, pays = self._until_retry == 0, self.pays
        if was_retry:
            has_lost = self.is_on is not pays
            self._retry_windows = min(2 * self._retry_windows, _RETRY_WINDOWS[1]) if has_lost else _RETRY_WINDOWS[0]
            self._until_retry = self._retry_windows
        self._until_retry -= 1
        self.is_on = pays is not (self._until_retry == 0)
