"""Reader threads: tasks in order of urgency, demand before anything read ahead.

A task runs once, on one of the threads, and reports its end through its own `done`. A queued task can be made more
urgent or cancelled; a running one cannot. The queue holds at most one task per expert part of the slots and the
staging buffers, so it is bounded by them.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple


class Urgency(IntEnum):
    """Order of tasks: lower goes first."""

    DEMAND = 0
    """The compute waits for it."""
    NEXT = 1
    """The compute will wait for it shortly: the second half of an expert, or of a layer."""
    AHEAD = 2
    """It may be wanted later."""


class Outcome(NamedTuple):
    """How a task ended: bytes read from disk, time taken, and the error if it failed."""

    n_bytes: int
    seconds: float
    error: BaseException | None


class Task:
    """One piece of work for a reader thread; `work` returns the bytes it read from disk."""

    __slots__ = ("cancelled", "done", "started", "urgency", "work")

    def __init__(self, work: Callable[[], int], done: Callable[[Outcome], None], urgency: Urgency) -> None:
        self.work = work
        self.done = done
        self.urgency = urgency
        self.started = False
        self.cancelled = False

    def run(self) -> None:
        """Do the work and report its end."""
        n_bytes, failure, start = 0, None, time.perf_counter()
        try:
            n_bytes = self.work()
        except BaseException as error:
            failure = error
        self.done(Outcome(n_bytes, time.perf_counter() - start, failure))


class Loader:
    """A fixed number of reader threads. Any thread may submit; `close` waits for running tasks and drops the rest."""

    def __init__(self, n_threads: int) -> None:
        self._queue: list[tuple[int, int, Task]] = []
        self._sequence = itertools.count()
        self._condition = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"expert-reader-{i}", daemon=True) for i in range(n_threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, *tasks: Task) -> None:
        """Queue tasks; those of equal urgency run in the order of submission. A closed loader drops them."""
        with self._condition:
            if self._closed:
                return
            for task in tasks:
                heapq.heappush(self._queue, (task.urgency, next(self._sequence), task))
            self._condition.notify(len(tasks))

    def hurry(self, task: Task, urgency: Urgency) -> None:
        """Make a queued task more urgent; without effect once it runs."""
        with self._condition:
            if not task.started and not task.cancelled and urgency < task.urgency:
                task.urgency = urgency
                heapq.heappush(self._queue, (urgency, next(self._sequence), task))
                self._condition.notify()

    def cancel(self, *tasks: Task) -> bool:
        """Drop these tasks if none of them has started; return whether they were dropped. Then `done` is not called."""
        with self._condition:
            if any(task.started for task in tasks):
                return False
            for task in tasks:
                task.cancelled = True
            return True

    def close(self) -> None:
        """Drop queued tasks, wait for running ones, end the threads. Harmless when called twice."""
        with self._condition:
            self._closed = True
            self._queue.clear()
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()

    def _next(self) -> Task | None:
        with self._condition:
            while True:
                while self._queue:
                    _, _, task = heapq.heappop(self._queue)
                    if not task.started and not task.cancelled:  # a hurried task stands in the queue twice
                        task.started = True
                        return task
                if self._closed:
                    return None
                self._condition.wait()

    def _run(self) -> None:
        while (task := self._next()) is not None:
            task.run()
            del task
