"""The store when writing fails: the error says what to do, nothing is half done, and the rest works."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes.conversations import talk
from fakes.store_connections import WatchedConnect, full_disk, read_only
from offload_app.conversation import Conversation, MessageState, ask, begin_answer, write
from offload_app.conversation_store import ConversationStore
from offload_app.storage import database
from offload_app.storage.database import Database
from offload_app.storage.errors import (
    StoreDamagedError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreUnavailableError,
)

LONG = "words " * 5_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


@contextmanager
def locked(file: Path, how: str = "IMMEDIATE") -> Iterator[None]:
    """Hold the lock of a database as another program would."""
    other = sqlite3.connect(file, isolation_level=None)
    try:
        if how == "EXCLUSIVE":
            other.execute("PRAGMA journal_mode = DELETE")
        other.execute(f"BEGIN {how}")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


@pytest.fixture
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)


@pytest.mark.usefixtures("_no_waiting")
def test_a_locked_database_can_be_read_and_written_once_it_is_free(file: Path) -> None:
    with ConversationStore.open(file) as store:
        conversation = store.add(talk("hello"))
        with locked(file):
            with pytest.raises(StoreLockedError, match=r"Another program is using .*chats\.db.*try again"):
                store.set_title(conversation.id, "x")
            assert store.load(conversation.id) == conversation
        store.set_title(conversation.id, "x")
        assert store.load(conversation.id).title == "x"


@pytest.mark.usefixtures("_no_waiting")
def test_a_database_locked_by_a_writer_opens(file: Path) -> None:
    with ConversationStore.open(file) as store:
        conversation = store.add(talk("hello"))
    with locked(file), ConversationStore.open(file) as store:
        assert store.load(conversation.id) == conversation


@pytest.mark.usefixtures("_no_waiting")
def test_a_database_locked_for_readers_does_not_open(file: Path) -> None:
    ConversationStore.open(file).close()
    with locked(file, "EXCLUSIVE"), pytest.raises(StoreLockedError):
        ConversationStore.open(file)


def test_a_full_disk_changes_nothing_and_leaves_reading(file: Path) -> None:
    connect = WatchedConnect()
    with ConversationStore.open(file, connect=connect) as store:
        conversation = store.add(talk("hello"))
        connect.fill_disk()
        with pytest.raises(StoreFullError, match=r"no room left .*chats\.db.*Free some space"):
            store.save_tree(ask(conversation, LONG, 2))
        assert store.load(conversation.id) == conversation
        assert len(store.search("hello")) == 1


def test_a_save_makes_up_for_one_that_failed(file: Path) -> None:
    connect = WatchedConnect()
    with ConversationStore.open(file, connect=connect) as store:
        conversation = begin_answer(store.add(talk("hello")), 2)
        store.save_tree(conversation)
        connect.fill_disk()
        conversation = write(conversation, 2, LONG, MessageState.COMPLETE)
        with pytest.raises(StoreFullError):
            store.save_message(conversation, 2)
        conversation = ask(conversation, "and then?", 3)
        with pytest.raises(StoreFullError):
            store.save_tree(conversation)
        connect.free_disk()
        conversation = begin_answer(conversation, 4)
        store.save_tree(conversation)
        assert store.load(conversation.id) == conversation


def test_a_store_that_can_no_longer_be_written_goes_on_in_memory(file: Path) -> None:
    connect = WatchedConnect()
    with ConversationStore.open(file, connect=connect) as store:
        conversation = store.add(talk("hello"))
        connect.fill_disk()
        with store.copy_in_memory() as memory:
            conversation = ask(conversation, LONG, 2)
            memory.save_tree(conversation)
            assert memory.load(conversation.id) == conversation


def test_a_copy_that_finds_no_room_leaves_nothing(file: Path, tmp_path: Path) -> None:
    filled(file)
    original = Database.open(file)
    with pytest.raises(StoreFullError):
        original.save_copy(tmp_path / "copy.db", full_disk)
    original.close()
    assert not (tmp_path / "copy.db").exists()


def test_a_file_that_may_not_be_written_does_not_open(file: Path) -> None:
    ConversationStore.open(file).close()
    with pytest.raises(StoreReadOnlyError, match=r"chats\.db may be read but not changed.*Allow writing"):
        ConversationStore.open(file, connect=read_only)


def test_a_folder_that_is_a_file_does_not_open(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(StoreUnavailableError, match=r"cannot be opened, read or written: File exists"):
        ConversationStore.open(tmp_path / "data" / "chats.db")


@pytest.mark.parametrize("content", [b"This is no database. " * 400, b"SQLite format 3\0" + b"\xff" * 8192])
def test_a_file_that_is_no_database_does_not_open(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StoreDamagedError, match=r"chats\.db is damaged"):
        ConversationStore.open(file)
    assert file.read_bytes() == content


def test_messages_that_are_no_tree_do_not_load(file: Path) -> None:
    with ConversationStore.open(file) as store:
        conversation = store.add(talk("hello", "hi"))
        other = store.add(talk("good day"))
        spoil(file, "UPDATE messages SET role = 'cat' WHERE text = 'hi'")
        with pytest.raises(StoreDamagedError):
            store.load(conversation.id)
        assert store.load(other.id) == other


def test_a_copy_of_a_locked_database_gives_up(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    filled(file)
    original = Database(database.connect(file), file)
    with locked(file, "EXCLUSIVE"), pytest.raises(StoreLockedError):
        Database.in_memory(original)
    original.close()


def filled(file: Path) -> Conversation:
    with ConversationStore.open(file) as store:
        return store.add(talk("hello", "hi"))


def spoil(file: Path, sql: str) -> None:
    """Change a database behind its store's back."""
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(sql)
    connection.close()


LEAVES_OF_THE_INDEX = "UPDATE messages_index_data SET block = x'00ff' WHERE id > 10"


def test_an_index_found_damaged_at_the_start_is_made_anew(file: Path) -> None:
    conversation = filled(file)
    spoil(file, LEAVES_OF_THE_INDEX)
    with ConversationStore.open(file) as store:
        store.save_tree(ask(conversation, "hello again", 2))
        assert [hit.message_id for hit in store.search("hello")] == [3]
        assert [hit.message_id for hit in store.search("hi")] == [2]


def test_an_index_found_damaged_in_use_is_made_anew(file: Path) -> None:
    conversation = filled(file)
    with ConversationStore.open(file) as store:
        spoil(file, LEAVES_OF_THE_INDEX)
        assert [hit.message_id for hit in store.search("hello")] == [1]
        store.save_tree(ask(conversation, "hello again", 2))
        assert [hit.message_id for hit in store.search("hello")] == [3]


def test_an_index_that_cannot_even_be_dropped_is_damage(file: Path) -> None:
    filled(file)
    spoil(file, "DELETE FROM messages_index_data")
    with pytest.raises(StoreDamagedError):
        ConversationStore.open(file)
