"""A worker in the two threads of a test, with the fake engine's models."""

import queue
import threading
from typing import Any

from fakes.models import FakeModels
from offload.protocol_lines import Event, Request, decode_event, encode
from offload.worker import Worker


class Served:
    """A worker in its two threads: lines are put in, events come out."""

    def __init__(self) -> None:
        self.models = FakeModels()
        self.engines = self.models.opened
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.worker = Worker(lambda line: self._events.put(decode_event(line)), self.models, version="0")
        self._threads = [
            threading.Thread(target=self.worker.run, daemon=True),
            threading.Thread(target=self.worker.feed, args=(iter(self._lines.get, None),), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, *requests: Request) -> None:
        for request in requests:
            self._lines.put(encode(request))

    def say(self, line: bytes) -> None:
        self._lines.put(line)

    def next(self) -> Event:
        return self._events.get(timeout=30)

    def until(self, *kinds: type) -> Any:
        """Return the next event of one of `kinds`."""
        while not isinstance(event := self.next(), kinds):
            pass
        return event

    def end(self) -> None:
        self._lines.put(None)
        self.join()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
