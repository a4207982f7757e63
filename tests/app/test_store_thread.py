"""A store in a thread of its own."""

import threading
from functools import partial
from pathlib import Path

import pytest

from fakes.conversations import talk
from fakes.store_connections import read_only
from offload_app.conversation_store import ConversationStore
from offload_app.storage.errors import NoConversationError, StoreError, StoreReadOnlyError
from offload_app.store_opening import OpenedStore, open_store
from offload_app.store_thread import StoreThread


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


def test_work_is_done_in_order_in_one_other_thread(file: Path) -> None:
    seen: list[tuple[int, int]] = []

    def note(number: int, store: ConversationStore) -> None:
        seen.append((number, threading.get_ident()))

    with StoreThread(partial(open_store, file)) as thread:
        for number in range(20):
            thread.submit(partial(note, number))
    assert [number for number, _ in seen] == list(range(20))
    assert len({ident for _, ident in seen} | {threading.get_ident()}) == 2


def test_work_gives_back_what_it_returns(file: Path) -> None:
    conversation = talk("hello")
    with StoreThread(partial(open_store, file)) as thread:
        thread.submit(lambda store: store.add(conversation))
        assert thread.submit(lambda store: store.load(conversation.id)).result() == conversation


def test_closing_waits_for_what_was_given(file: Path) -> None:
    conversation, gate = talk("hello"), threading.Event()
    thread = StoreThread(partial(open_store, file))
    thread.submit(lambda store: gate.wait(60))
    thread.submit(lambda store: store.add(conversation))
    gate.set()
    thread.close()
    with ConversationStore.open(file) as store:
        assert store.load(conversation.id) == conversation


def test_a_failure_belongs_to_its_work_alone(file: Path) -> None:
    with StoreThread(partial(open_store, file)) as thread:
        failed = thread.submit(lambda store: store.load("gone"))
        assert thread.submit(lambda store: store.counts()).result() == (0, 0)
        assert isinstance(failed.exception(), NoConversationError)


def test_trouble_at_the_opening_is_told(file: Path) -> None:
    with StoreThread(partial(open_store, file)) as thread:
        assert thread.opened.result() is None
    with StoreThread(partial(open_store, file, connect=read_only)) as thread:
        assert isinstance(thread.opened.result(), StoreReadOnlyError)
        assert thread.submit(lambda store: store.is_kept).result() is False


def test_where_opening_broke_work_fails_until_it_goes_on_in_memory() -> None:
    def broken() -> OpenedStore:
        raise OSError("no such luck")

    with StoreThread(broken) as thread:
        assert isinstance(thread.opened.exception(), OSError)
        assert isinstance(thread.submit(lambda store: store.counts()).exception(), StoreError)
        thread.go_on_in_memory()
        assert thread.submit(lambda store: store.counts()).result() == (0, 0)


def test_going_on_in_memory_keeps_all_that_was_there(file: Path) -> None:
    conversation = talk("hello")
    with StoreThread(partial(open_store, file)) as thread:
        thread.submit(lambda store: store.add(conversation))
        thread.go_on_in_memory()
        loaded = thread.submit(lambda store: (store.is_kept, store.load(conversation.id))).result()
    assert loaded == (False, conversation)


def test_a_closed_thread_takes_nothing(file: Path) -> None:
    thread = StoreThread(partial(open_store, file))
    thread.close()
    thread.close()
    with pytest.raises(RuntimeError):
        thread.submit(lambda store: store.counts())
