"""An engine client under watch: what it told, in order, and its end after the test."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pytestqt.qtbot import QtBot

from fakes.scripted_worker import Step, worker
from offload.protocol import Message, Role
from offload_app.engine_client import EngineClient
from offload_app.engine_state import Patience
from offload_app.load_guard import LoadGuard

QUESTION = (Message(Role.USER, "hi"),)
WAIT_MS = 20000
_SIGNALS = ("hello", "loading", "loaded", "tokens", "stats", "done", "failed", "unloaded", "died", "shut_down")


class EngineLog:
    """Records the signals of `client`: name and value, in order."""

    def __init__(self, client: EngineClient) -> None:
        self.entries: list[tuple[str, Any]] = []
        for name in (*_SIGNALS, "unresponsive"):
            getattr(client, name).connect(lambda *values, name=name: self._note(name, values))

    def _note(self, name: str, values: tuple[Any, ...]) -> None:
        self.entries.append((name, values[0] if values else None))

    @property
    def names(self) -> list[str]:
        """Return the names of the signals."""
        return [name for name, _ in self.entries]

    def all(self, name: str) -> list[Any]:
        """Return the values of one signal."""
        return [value for told, value in self.entries if told == name]

    def one(self, name: str) -> Any:
        """Return the value of a signal that came exactly once."""
        (value,) = self.all(name)
        return value

    @property
    def text(self) -> str:
        """Return all pieces of answers put together."""
        return "".join(piece.text for piece in self.all("tokens"))


@contextmanager
def watched(
    *steps: Step | Sequence[Step],
    command: Sequence[str] = (),
    guard: LoadGuard | None = None,
    patience: Patience | None = None,
) -> Iterator[tuple[EngineClient, EngineLog]]:
    """Yield a client of a worker that does `steps`, not started, and its log; end the worker afterwards."""
    client = EngineClient(command or worker(*steps), guard=guard, patience=patience)
    try:
        yield client, EngineLog(client)
    finally:
        client.close()
        client.deleteLater()


def start(qtbot: QtBot, client: EngineClient) -> None:
    """Start the worker and wait for its hello."""
    with qtbot.waitSignal(client.hello, timeout=WAIT_MS):
        client.start()


def load(qtbot: QtBot, client: EngineClient) -> None:
    """Start the worker and load a model."""
    start(qtbot, client)
    with qtbot.waitSignal(client.loaded, timeout=WAIT_MS):
        client.load("/models/m.gguf")


def ask(qtbot: QtBot, client: EngineClient) -> int:
    """Ask and wait for the end of the answer; return the request's id."""
    with qtbot.waitSignal(client.done, timeout=WAIT_MS):
        return client.generate(QUESTION)


def await_death(qtbot: QtBot, client: EngineClient) -> None:
    """Wait until the worker is dead."""
    qtbot.waitUntil(lambda: client.state.value == "dead", timeout=WAIT_MS)


def shut_down(qtbot: QtBot, client: EngineClient) -> None:
    """Shut the worker down and wait for it."""
    with qtbot.waitSignal(client.shut_down, timeout=WAIT_MS):
        client.shutdown()
