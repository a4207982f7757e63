"""Ctrl-C: the first asks what runs to stop, the second ends the process the way the system does."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

EXIT_INTERRUPTED = 130
_NOTICE = b"\noffload: stopping; press Ctrl-C again to end at once\n"


class Interrupt:
    """Catches SIGINT while it is entered. `requested` tells that it came; `on_request` is called once when it does.

    Thread rule: used by the main thread; in any other it catches nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._action: Callable[[], None] | None = None
        self._previous: Any = None

    def on_request(self, action: Callable[[], None] | None) -> None:
        """Have `action` called when the interrupt comes, at once if it has come; it runs inside a signal handler."""
        self._action = action
        if self.requested and action is not None:
            action()

    def go_on(self, _fraction: float = 0.0) -> bool:
        """Return whether to go on: what a progress callback answers."""
        return not self.requested

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        # The system's own action needs no interpreter: it works even where native code never returns.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # Not through the buffered stream: the main thread may be in the middle of writing to it.
        with contextlib.suppress(OSError):
            os.write(2, _NOTICE)
        if self._action is not None:
            self._action()
