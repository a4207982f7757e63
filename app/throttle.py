"""A throttle: calls a function with the last value it was given, at most so many times a second.

    IDLE ──push: called at once──▶ RESTING ──interval over, nothing came──▶ IDLE
    RESTING ──push: kept──▶ WAITING ──interval over, or flush: called──▶ RESTING

Invariants, each with its test in tests/app/test_throttle.py:
1. The first value of a quiet time is passed on at once.
2. Between two calls that are not flushed lies at least the interval.
3. The last value wins, and it is passed on without another push.
4. A flush passes a waiting value on now, and does nothing where none waits.

Thread rule: the thread of Qt's event loop only.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QTimer

T = TypeVar("T")


class Throttle(Generic[T]):
    """Passes values on to `call` at most `per_second` times a second; lives as long as `parent`."""

    def __init__(self, call: Callable[[T], object], *, per_second: float, parent: QObject) -> None:
        self._call = call
        # A tuple of none or one, because None may be a value.
        self._waiting: tuple[T] | tuple[()] = ()
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setInterval(round(1000 / per_second))
        self._timer.timeout.connect(self.flush)

    @property
    def is_waiting(self) -> bool:
        """Return whether a value waits to be passed on."""
        return bool(self._waiting)

    def push(self, value: T) -> None:
        """Pass `value` on, now where the last call is an interval ago, else when it is; it replaces a waiting one."""
        self._waiting = (value,)
        if not self._timer.isActive():
            self.flush()

    def flush(self) -> None:
        """Pass a waiting value on now."""
        if self._waiting:
            (value,) = self._waiting
            self._waiting = ()
            # Before the call, which may push again.
            self._timer.start()
            self._call(value)

    def cancel(self) -> None:
        """Forget a waiting value."""
        self._waiting = ()
