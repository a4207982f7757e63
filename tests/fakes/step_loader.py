"""A loader and a condition without threads: a test explores interleavings by saying what happens next."""

import threading
from collections.abc import Callable

from offload.experts.loader import Loader, Task


class StepLoader(Loader):
    """The real queue, no threads. The test starts the most urgent task, and ends started ones in any order."""

    def __init__(self) -> None:
        super().__init__(0)
        self.running: list[Task] = []

    @property
    def queued(self) -> list[Task]:
        """Tasks not started nor cancelled, the one to be started next first."""
        tasks = dict.fromkeys(task for _, _, task in sorted(self._queue))
        return [task for task in tasks if not task.started and not task.cancelled]

    def start(self) -> None:
        """Start the task whose turn it is, if there is one."""
        if self.queued:
            task = self._next()
            assert task is not None
            self.running.append(task)

    def finish(self, index: int = 0) -> None:
        """Do and report a started task, if there are any; 0 is the one started first."""
        if self.running:
            self.running.pop(index % len(self.running)).run()

    def drain(self) -> None:
        """Run everything, whatever it leads to."""
        while self.running or self.queued:
            self.start()
            self.finish()


class StepCondition(threading.Condition):
    """Where the only thread would wait, it does the part of the others: `meanwhile`, with the lock let go."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__(threading.RLock())
        self._meanwhile = meanwhile

    def wait(self, timeout: float | None = None) -> bool:
        self.release()
        try:
            self._meanwhile()
        finally:
            self.acquire()
        return True
