"""The tables, and how an older database is brought up to date."""

import sqlite3
from datetime import datetime
from pathlib import Path

import pytest

from fakes.conversations import talk
from offload.protocol import GenerationParams, Role
from offload_app.conversation import Conversation, Message, MessageState
from offload_app.conversation_store import ConversationStore
from offload_app.storage.database import Access, connect
from offload_app.storage.errors import NewerStoreError, StoreError
from offload_app.storage.schema import MIGRATIONS, dated

NOON = datetime(2026, 1, 31, 12, 0, 5)
NEXT = (*MIGRATIONS, ("ALTER TABLE conversations ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'",))
BROKEN = (*MIGRATIONS, ("ALTER TABLE conversations ADD COLUMN colour TEXT", "ALTER TABLE nothing ADD COLUMN x TEXT"))
VERSION_1 = """
CREATE TABLE conversations (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL, deleted_ms INTEGER, title TEXT NOT NULL, system_prompt TEXT NOT NULL,
    sampling TEXT NOT NULL, draft TEXT NOT NULL, leaf INTEGER);
CREATE INDEX conversations_by_use ON conversations (updated_ms DESC, key DESC) WHERE deleted_ms IS NULL;
CREATE TABLE messages (key INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations (key) ON DELETE CASCADE, number INTEGER NOT NULL,
    parent INTEGER CHECK (parent < number), role TEXT NOT NULL, text TEXT NOT NULL, created_ms INTEGER NOT NULL,
    state TEXT NOT NULL, failure TEXT NOT NULL, receipt TEXT NOT NULL, UNIQUE (conversation, number),
    FOREIGN KEY (conversation, parent) REFERENCES messages (conversation, number));
CREATE INDEX messages_by_parent ON messages (conversation, parent);
INSERT INTO conversations VALUES (7, 'abc', 10, 20, NULL, 'Greeting', 'Be brief.', '{"temperature": 0.5}', 'dr', 2);
INSERT INTO messages VALUES (30, 7, 1, NULL, 'user', 'hello', 10, 'complete', '', '');
INSERT INTO messages VALUES (31, 7, 2, 1, 'assistant', 'hi', 20, 'failed', 'It died.', '{"version":1}');
PRAGMA user_version = 1;
"""
STORED = Conversation(
    "abc",
    10,
    20,
    "Greeting",
    "Be brief.",
    GenerationParams(temperature=0.5),
    "dr",
    2,
    (
        Message(1, None, Role.USER, "hello", 10),
        Message(2, 1, Role.ASSISTANT, "hi", 20, MessageState.FAILED, "It died.", '{"version":1}'),
    ),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database of version 1 as its release wrote it."""
    file = tmp_path / "chats.db"
    connection = sqlite3.connect(file)
    connection.executescript(VERSION_1)
    connection.close()
    return file


def version(file: Path) -> int:
    connection = sqlite3.connect(file)
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    assert isinstance(found, int)
    return found


def columns(file: Path) -> list[str]:
    connection = sqlite3.connect(file)
    names = [row[1] for row in connection.execute("PRAGMA table_info(conversations)")]
    connection.close()
    return names


def test_version_1_is_read_and_searched_for_ever(file: Path) -> None:
    with ConversationStore.open(file) as store:
        assert store.load("abc") == STORED
        assert [hit.message_id for hit in store.search("hel")] == [1]


def test_a_step_is_done_after_a_copy_was_made(file: Path) -> None:
    with ConversationStore.open(file, migrations=NEXT, clock=lambda: NOON) as store:
        assert store.load("abc") == STORED
    assert (version(file), columns(file)[-1]) == (2, "colour")
    copy = file.with_name("chats-version-1-20260131-120005.db")
    assert version(copy) == 1
    with ConversationStore.open(copy) as store:
        assert store.load("abc") == STORED


def test_nothing_is_copied_where_nothing_is_to_be_done(file: Path) -> None:
    ConversationStore.open(file).close()
    ConversationStore.open(file.with_name("new.db"), migrations=NEXT).close()
    assert sorted(entry.name for entry in file.parent.iterdir()) == ["chats.db", "new.db"]


def test_a_step_that_fails_leaves_the_version_before_it(file: Path) -> None:
    with pytest.raises(StoreError):
        ConversationStore.open(file, migrations=BROKEN)
    assert (version(file), "colour" in columns(file)) == (1, False)
    with ConversationStore.open(file) as store:
        assert store.load("abc") == STORED


def test_no_step_is_begun_where_no_copy_can_be_made(file: Path) -> None:
    def only_the_file(path: Path | None, access: Access = Access.WRITE) -> sqlite3.Connection:
        if path != file:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return connect(path, access)

    with pytest.raises(StoreError, match="no room left"):
        ConversationStore.open(file, migrations=NEXT, connect=only_the_file)
    assert version(file) == 1
    assert [entry.name for entry in file.parent.iterdir()] == ["chats.db"]


def test_a_newer_database_is_refused_in_one_sentence(file: Path) -> None:
    ConversationStore.open(file, migrations=NEXT).close()
    with pytest.raises(NewerStoreError, match=r"written by a newer release \(version 2; this one knows 1\)"):
        ConversationStore.open(file)


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "chats.db").touch()
    with ConversationStore.open(tmp_path / "chats.db") as store:
        store.add(talk("hello"))
    assert version(tmp_path / "chats.db") == len(MIGRATIONS)


def test_a_dated_name_is_never_one_that_is_taken(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        names.append(dated(tmp_path / "chats.db", "damaged", NOON))
        names[-1].touch()
    stem = "chats-damaged-20260131-120005"
    assert [name.name for name in names] == [f"{stem}.db", f"{stem}-2.db", f"{stem}-3.db"]
