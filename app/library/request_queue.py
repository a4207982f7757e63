"""`RequestQueue`: the requests of a worker, one of which runs while the others wait; no worker and no clock.

    waiting ──next──▶ (sent) ──begin──▶ running ──end──▶ gone
       ▲                                   └── lost with its worker ──▶ gone
       └────────────── retry, once ──────────────────────────────────────┘

Invariants, each with its test in tests/app/library/test_request_queue.py:
1. At most `MOST_WAITING` requests wait, in the order in which they were added.
2. Of the plans that wait or run only the last is wanted.
3. A request is tried twice at most.

Thread rule: one thread at a time.
"""

from collections import deque

from offload.protocol_files import PlanRequest
from offload_app.library.library_requests import LibraryRequest

MOST_WAITING = 64


class RequestQueue:
    """Holds requests, and what became of the one that runs."""

    def __init__(self) -> None:
        self._last_id = 0
        self._waiting: deque[LibraryRequest] = deque()
        self._running: LibraryRequest | None = None
        self._is_wanted = True
        self._is_stopped = False
        self._retried_id: int | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> LibraryRequest | None:
        """Return the request that was sent and has not ended."""
        return self._running

    @property
    def is_stopped(self) -> bool:
        """Return whether what runs was asked to stop."""
        return self._is_stopped

    def new_id(self) -> int:
        """Return the id of the next request."""
        self._last_id += 1
        return self._last_id

    def add(self, request: LibraryRequest) -> bool:
        """Have `request` wait behind all others; return whether there was room for it."""
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting.append(request)
        return True

    def supersede_plans(self) -> None:
        """Forget the plans that wait; nobody wants to know of one that runs."""
        self._waiting = deque(request for request in self._waiting if not isinstance(request, PlanRequest))
        if isinstance(self._running, PlanRequest):
            self._is_wanted = False

    def withdraw(self, request_id: int) -> LibraryRequest | None:
        """Forget a request that waits, and return it; None: it does not wait."""
        for request in self._waiting:
            if request.id == request_id:
                self._waiting.remove(request)
                return request
        return None

    def next(self) -> LibraryRequest | None:
        """Return the request that has waited longest, which waits no longer; None: none does."""
        return self._waiting.popleft() if self._waiting else None

    def begin(self, request: LibraryRequest) -> None:
        """Note that `request` was sent."""
        self._running, self._is_wanted, self._is_stopped = request, True, False

    def stop(self) -> None:
        """Note that what runs was asked to stop."""
        self._is_stopped = True

    def end(self) -> LibraryRequest | None:
        """Note that nothing runs any more; return what did, where somebody wants to know of it."""
        request = self._running if self._is_wanted else None
        self._running, self._is_wanted, self._is_stopped = None, True, False
        return request

    def retry(self, request: LibraryRequest) -> bool:
        """Have `request` wait before all others; return False where it was retried before."""
        if request.id == self._retried_id:
            return False
        self._retried_id = request.id
        self._waiting.appendleft(request)
        return True

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
