"""A chat under test: an engine with a scripted worker, a store in a thread, and a session of both."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from fakes.engine_log import WAIT_MS, load
from fakes.scripted_worker import Step, worker
from offload_app.chat_session import ChatSession
from offload_app.conversation import Conversation, MessageState, path
from offload_app.conversation_store import ConversationStore
from offload_app.engine_client import EngineClient
from offload_app.store_opening import OpenedStore, open_store
from offload_app.store_thread import StoreThread

_SIGNALS = ("opened", "changed", "answering_changed", "refusal_changed", "told")


class Clock:
    """Milliseconds since 1970 that go on by one at every look."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


@dataclass
class ChatWorld:
    """A session and what it stands on."""

    qtbot: QtBot
    engine: EngineClient
    store: StoreThread
    session: ChatSession
    told: list[tuple[str, Any]] = field(default_factory=list)
    """Signals of the session: name and value, in order."""

    def watch(self) -> None:
        for name in _SIGNALS:
            getattr(self.session, name).connect(lambda value, name=name: self.told.append((name, value)))

    def all(self, name: str) -> list[Any]:
        """Return the values of one signal."""
        return [value for told, value in self.told if told == name]

    def ask(self, text: str) -> None:
        """Ask and wait for the end of the answer."""
        assert self.session.send(text)
        self.settle()

    def settle(self) -> None:
        """Wait until no answer is being written."""
        self.qtbot.waitUntil(lambda: not self.session.is_answering, timeout=WAIT_MS)

    def await_text(self, text: str) -> None:
        """Wait until the message that is shown last has `text` in it."""
        self.qtbot.waitUntil(lambda: text in self.texts[-1], timeout=WAIT_MS)

    @property
    def texts(self) -> list[str]:
        """Return the texts of the current path."""
        return [message.text for message in path(self.session.conversation)]

    @property
    def state(self) -> MessageState:
        """Return the state of the last message."""
        current = self.session.conversation.current
        assert current is not None
        return current.state

    def stored(self, id: str | None = None) -> Conversation:
        """Return a conversation as the store has it; None: the open one."""
        wanted = self.session.conversation.id if id is None else id
        return self.store.submit(lambda store: store.load(wanted)).result(WAIT_MS / 1000)

    def add(self, conversation: Conversation) -> str:
        """Keep a conversation; return its id."""
        return self.store.submit(lambda store: store.add(conversation)).result(WAIT_MS / 1000).id

    def open(self, id: str) -> None:
        """Open a conversation and wait for it."""
        with self.qtbot.waitSignal(self.session.opened, timeout=WAIT_MS):
            self.session.open(id)


@contextmanager
def chat_world(
    qtbot: QtBot, file: Path | None, *steps: Step | Sequence[Step], loads: bool = True
) -> Iterator[ChatWorld]:
    """Yield a chat whose worker does `steps`; `loads`: its model is loaded. `file` None: nothing is kept."""
    opening = partial(open_store, file) if file is not None else _in_memory
    engine, store = EngineClient(worker(*steps)), StoreThread(opening)
    session = ChatSession(engine, store, Clock())
    world = ChatWorld(qtbot, engine, store, session)
    world.watch()
    try:
        if loads:
            load(qtbot, engine)
        yield world
    finally:
        session.close()
        store.close()
        engine.close()
        session.deleteLater()
        engine.deleteLater()


def _in_memory() -> OpenedStore:
    return OpenedStore(ConversationStore.in_memory())
