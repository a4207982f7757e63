"""The poll of statistics: at most one question is unanswered, until patience is over."""

import time


class StatsPoll:
    """Knows whether the worker owes an answer; one thread."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._id: int | None = None
        self._asked_at = 0.0

    @property
    def overdue_seconds(self) -> float | None:
        """Return how long the answer has been waited for where that is too long; None where it is not."""
        if self._id is None:
            return None
        waited = time.monotonic() - self._asked_at
        return waited if waited >= self._patience_seconds else None

    @property
    def may_ask(self) -> bool:
        """Return whether no answer is owed, or it has been waited for too long."""
        return self._id is None or self.overdue_seconds is not None

    def ask(self, request_id: int) -> None:
        """Note that request `request_id` asks now."""
        self._id = request_id
        self._asked_at = time.monotonic()

    def answer(self, request_id: int | None) -> bool:
        """Return whether `request_id` is the question that is owed an answer; it is not any more."""
        if self._id is None or request_id != self._id:
            return False
        self._id = None
        return True

    def forget(self) -> None:
        """Owe nothing: the worker is another one."""
        self._id = None
