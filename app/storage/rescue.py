"""The rescue of a damaged database: it is moved aside, and what can be read of it is read.

The rows of a table are read in the order of their keys; where that fails, the keys left are halved and read again from
the middle, until nothing more comes of it. What is lost are the rows of the damaged pages.
"""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from offload.protocol import GenerationParams
from offload_app.conversation import Conversation, Message
from offload_app.sampling import stored_settings
from offload_app.storage.database import Access, Connect, Row
from offload_app.storage.errors import system_error
from offload_app.storage.records import CONVERSATION_COLUMNS, MESSAGE_COLUMNS, mended, message_from
from offload_app.storage.schema import Clock, dated

_BESIDE = ("-wal", "-shm", "")
"""SQLite's files of one database. The log goes first: a new database must never find it and take it for its own."""
_MOST_FRUITLESS = 16
"""How often keys are halved in a row without a row being read."""
_LEAST_ROW_BYTES = 16


@dataclass(frozen=True, slots=True)
class Readable:
    """A conversation as far as it can be read, and when it was deleted."""

    conversation: Conversation
    deleted_ms: int | None
    """Milliseconds since 1970; None: it was not."""


def set_aside(path: Path, clock: Clock) -> Path:
    """Move a database, which nobody has open, to a name with the date; returns that name.

    Raises:
        StoreError: it could not be moved.
    """
    target = dated(path, "damaged", clock())
    try:
        for suffix in _BESIDE:
            with suppress(FileNotFoundError):
                Path(f"{path}{suffix}").rename(f"{target}{suffix}")
    except OSError as error:
        raise system_error(error, path) from error
    return target


def readable_conversations(path: Path, connect: Connect) -> tuple[Readable, ...]:
    """Return what can be read of a damaged database, oldest first; nothing is raised, and nothing is changed."""
    try:
        connection = connect(path, Access.READ)
    except sqlite3.Error:
        return ()
    try:
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        most = _file_bytes(path) // _LEAST_ROW_BYTES
        kept = _rows(connection, "conversations", f"deleted_ms, {CONVERSATION_COLUMNS}", most)
        messages = _rows(connection, "messages", f"conversation, {MESSAGE_COLUMNS}", most)
    finally:
        connection.close()
    by_conversation: dict[int, dict[int, Message]] = {}
    for conversation, *row in messages.values():
        with suppress(ValueError, TypeError):
            message = message_from(_typed_message(tuple(row)))
            by_conversation.setdefault(conversation, {})[message.id] = message
    return tuple(
        _readable(_conversation(key, row, by_conversation.get(key, {})), deleted)
        for key, (deleted, *row) in kept.items()
    )


def _rows(connection: sqlite3.Connection, table: str, columns: str, most: int) -> dict[int, Row]:
    """Return the rows that can be read, by key and in its order; no key is above `most`."""
    rows: dict[int, Row] = {}
    spans = [(1, most, 0)]
    while spans:
        low, high, fruitless = spans.pop()
        n_before = len(rows)
        try:
            query = f"SELECT key, {columns} FROM {table} WHERE key BETWEEN ? AND ? ORDER BY key"
            for key, *row in connection.execute(query, (low, high)):
                rows[key] = tuple(row)
                low = key + 1
        except sqlite3.DatabaseError:
            fruitless = fruitless + 1 if len(rows) == n_before else 0
            if low < high and fruitless < _MOST_FRUITLESS:
                middle = (low + high) // 2
                spans += [(low, middle, fruitless), (middle + 1, high, fruitless)]
    return dict(sorted(rows.items()))


def _file_bytes(path: Path) -> int:
    """Return how large a database is, with the log of its last writes."""
    return sum(file.stat().st_size for file in (path, Path(f"{path}-wal")) if file.exists())


def _typed_message(row: Row) -> Row:
    """Return `row` where every value is of the type it has in a sound table.

    Raises:
        TypeError: one is not.
    """
    number, parent, *texts = row
    created_ms = texts.pop(2)
    whole = isinstance(number, int) and isinstance(created_ms, int) and isinstance(parent, int | None)
    if not whole or not all(isinstance(text, str) for text in texts):
        raise TypeError("a damaged row")
    return row


def _readable(conversation: Conversation, deleted: object) -> Readable:
    """Return a conversation that is deleted where its row says so, though it does not say when."""
    if deleted is None or isinstance(deleted, int):
        return Readable(conversation, deleted)
    return Readable(conversation, conversation.updated_ms)


def _conversation(key: int, row: list[object], messages: dict[int, Message]) -> Conversation:
    """Return a conversation of whatever of its row makes sense."""
    texts = [value if isinstance(value, str) else "" for value in row]
    numbers = [value if isinstance(value, int) else 0 for value in row]
    leaf = row[7] if isinstance(row[7], int) else None
    return mended(
        Conversation(
            id=texts[0] or f"damaged-{key}",
            created_ms=numbers[1],
            updated_ms=numbers[2],
            title=texts[3],
            system_prompt=texts[4],
            sampling=stored_settings(texts[5]) if texts[5] else GenerationParams(),
            draft=texts[6],
            leaf=leaf,
            messages=tuple(message for _, message in sorted(messages.items())),
        )
    )
