"""Opening the conversations whatever has become of their file."""

import sqlite3
from datetime import datetime
from pathlib import Path

import pytest

from fakes.conversations import long_talk, talk
from fakes.store_connections import closed_folder, full_disk, read_only
from offload_app.conversation import Conversation, ask
from offload_app.conversation_store import ConversationStore
from offload_app.storage import database
from offload_app.storage.errors import (
    NewerStoreError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreRescuedError,
    StoreUnavailableError,
)
from offload_app.store_opening import OpenedStore, open_store

NOON = datetime(2026, 1, 31, 12, 0, 5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


def filled(file: Path, *conversations: Conversation) -> bytes:
    with ConversationStore.open(file) as store:
        for conversation in conversations:
            store.add(conversation)
    return file.read_bytes()


def assert_goes_on_in_memory(opened: OpenedStore, trouble: type[StoreError], *conversations: Conversation) -> None:
    """Check that everything is there to be read and searched, and that a chat can go on."""
    assert type(opened.trouble) is trouble
    with opened.store as store:
        assert not store.is_kept
        assert [store.load(conversation.id) for conversation in conversations] == list(conversations)
        assert store.counts()[0] == len(conversations)
        new = store.add(talk("quite new words"))
        store.save_tree(ask(new, "more", 3))
        assert [hit.id for hit in store.search("quite")] == [new.id]


def test_a_sound_file_is_used_without_a_word(file: Path) -> None:
    opened = open_store(file)
    assert opened.trouble is None
    assert (opened.store.path, opened.store.is_kept) == (file, True)
    opened.store.close()


def test_a_file_that_may_only_be_read_is_copied_into_memory(file: Path) -> None:
    conversation = talk("hello", "hi")
    before = filled(file, conversation)
    assert_goes_on_in_memory(open_store(file, connect=read_only), StoreReadOnlyError, conversation)
    assert file.read_bytes() == before


def test_a_file_in_a_closed_folder_is_copied_into_memory(file: Path) -> None:
    conversation = talk("hello", "hi")
    filled(file, conversation)
    assert_goes_on_in_memory(open_store(file, connect=closed_folder), StoreUnavailableError, conversation)


def test_a_full_disk_at_the_start_leaves_an_empty_store_in_memory(file: Path) -> None:
    assert_goes_on_in_memory(open_store(file, connect=full_disk), StoreFullError)


def test_no_folder_leaves_an_empty_store_in_memory(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    assert_goes_on_in_memory(open_store(tmp_path / "data" / "chats.db"), StoreUnavailableError)


def test_a_locked_file_leaves_an_empty_store_in_memory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    filled(file, talk("hello"))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN EXCLUSIVE")
    assert_goes_on_in_memory(open_store(file), StoreLockedError)
    other.close()


def test_a_newer_release_s_file_is_left_as_it_is(file: Path) -> None:
    filled(file, talk("hello"))
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = file.read_bytes()
    opened = open_store(file)
    assert "newer release (version 99; this one knows 1)" in str(opened.trouble)
    assert_goes_on_in_memory(opened, NewerStoreError)
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_moved_aside(file: Path) -> None:
    file.write_bytes(b"no database" * 1_000)
    opened = open_store(file, clock=lambda: NOON)
    assert type(opened.trouble) is StoreRescuedError
    aside = file.with_name("chats-damaged-20260131-120005.db")
    assert str(aside) in opened.trouble.message
    assert aside.read_bytes() == b"no database" * 1_000
    with opened.store as store:
        assert (store.is_kept, store.counts()) == (True, (0, 0))
    assert sorted(entry.name for entry in file.parent.iterdir()) == [aside.name, file.name]


def damage(file: Path, share: float) -> None:
    """Spoil a stretch of a file at that share of its length."""
    content = bytearray(file.read_bytes())
    start = int(len(content) * share) // 4096 * 4096
    content[start : start + 8192] = b"\xa5" * 8192
    file.write_bytes(content)


@pytest.mark.parametrize("share", [0.2, 0.3, 0.4])
def test_what_can_be_read_of_a_damaged_file_is_kept(file: Path, share: float) -> None:
    conversation = long_talk(1_000, "Message {} has this to say. " + "Words and words. " * 20)
    filled(file, conversation)
    damage(file, share)
    opened = open_store(file)
    assert type(opened.trouble) is StoreRescuedError
    with opened.store as store:
        assert store.is_kept
        kept = store.load(conversation.id).messages
        assert 950 < len(kept) < 1_000
        assert opened.trouble.fields["n_messages"] == len(kept)
        assert {message.text for message in kept} < {message.text for message in conversation.messages}
        assert store.search("message 1000")
    assert open_store(file).trouble is None


def test_a_damaged_file_that_cannot_be_moved_is_read_into_memory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = long_talk(1_000, "Message {} has this to say. " + "Words and words. " * 20)
    filled(file, conversation)
    damage(file, 0.3)
    before = file.read_bytes()

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    opened = open_store(file)
    assert type(opened.trouble) is StoreDamagedError
    with opened.store as store:
        assert not store.is_kept
        assert store.counts()[1] > 950
    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir() if "rescued" in entry.name] == []


def test_what_was_deleted_is_rescued_as_deleted(file: Path) -> None:
    live = long_talk(1_000, "Message {} has this to say. " + "Words and words. " * 20)
    deleted = talk("quite forgotten")
    with ConversationStore.open(file) as store:
        store.add(deleted)
        store.delete(deleted.id, 1_234)
        store.add(live)
    damage(file, 0.5)
    opened = open_store(file)
    assert type(opened.trouble) is StoreRescuedError
    with opened.store as store:
        assert [found.id for found in store.conversations()] == [live.id]
        assert [found.id for found in store.deleted()] == [deleted.id]
        assert not store.search("forgotten")
        assert (store.purge(1_234), store.purge(1_235)) == (0, 1)
