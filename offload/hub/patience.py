"""`Patience`: how often a request is tried again, and how long is waited before."""

import time
from collections.abc import Callable

from offload.errors import HubError, HubFailure

_WAITS_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0)
LONGEST_WAIT_SECONDS = 300.0
"""A hub that asks for more is not waited for."""
TRY_AGAIN = "Check the connection and try again."


class PassingError(Exception):
    """A failure that may be over soon: no connection, one that broke off, or a busy hub.

    `wait_seconds` is what the hub asked to wait, if it did.
    """

    def __init__(self, message: str, *, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class Patience:
    """Counts failures since there was progress; `hint` goes with the error at the end. For one thread."""

    def __init__(
        self,
        wait: Callable[[float], None] = time.sleep,
        *,
        tries: int = len(_WAITS_SECONDS),
        hint: str = TRY_AGAIN,
    ) -> None:
        self._wait = wait
        self._tries = tries
        self._hint = hint
        self._failures = 0

    def progressed(self) -> None:
        """Note that something came: failures are counted anew."""
        self._failures = 0

    def failed(self, trouble: PassingError) -> None:
        """Wait as long as makes sense before the next try: the first follows at once, then 1, 2, 4 and 8 seconds.

        Raises:
            HubError: it was tried often enough, or the hub asks for more patience than anybody has.
        """
        wait_seconds = _WAITS_SECONDS[min(self._failures, len(_WAITS_SECONDS) - 1)]
        if trouble.wait_seconds is not None:
            wait_seconds = max(wait_seconds, trouble.wait_seconds)
        self._failures += 1
        if self._failures > self._tries or wait_seconds > LONGEST_WAIT_SECONDS:
            later = f" It asks to wait {wait_seconds:.0f} s." if wait_seconds > LONGEST_WAIT_SECONDS else ""
            raise HubError(
                f"The hub cannot be reached: {trouble}.{later}",
                reason=HubFailure.UNREACHABLE,
                hint=self._hint,
            ) from trouble
        if wait_seconds > 0:
            self._wait(wait_seconds)
