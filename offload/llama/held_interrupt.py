"""`HeldInterrupt`: Ctrl-C while native code runs is noted, and raised once it has returned.

Python raises it wherever it gets hold of the main thread next. In a callback of ours that is before the first of its
lines: nothing can catch it there, ctypes prints it and returns 0 to C, which takes that for an answer.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class HeldInterrupt:
    """Entered around a call of native code. Who has a handler of their own keeps it; other threads hold nothing."""

    __slots__ = ("_holds", "came")

    def __init__(self) -> None:
        self.came = False
        self._holds = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._holds = signal.getsignal(signal.SIGINT) is signal.default_int_handler
            if self._holds:
                signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holds:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True
