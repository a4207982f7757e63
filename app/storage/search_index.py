"""The search over titles and contents: a full-text index where SQLite has one (FTS5), else a look at every text.

The index is made of the tables and can be made again at any time, so it is no part of the schema: it appears where it
can, and is dropped, with the triggers that feed it, where this SQLite could not feed it.
"""

import re
import sqlite3
import unicodedata
from dataclasses import dataclass

from offload_app.storage.database import Database, Row
from offload_app.storage.errors import StoreDamagedError

_TABLES = (("conversations", "title"), ("messages", "text"))
_MOST_WORDS = 16
_SNIPPET_BEFORE = 30
_SNIPPET_AFTER = 90

_FOUND = """
    SELECT c.id, c.title, c.updated_ms, f.number, m.text
    FROM conversations c LEFT JOIN found f ON f.conversation = c.key
    LEFT JOIN messages m ON m.conversation = c.key AND m.number = f.number
    WHERE c.deleted_ms IS NULL AND (f.number IS NOT NULL OR {title})
    ORDER BY c.updated_ms DESC, c.key DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A conversation in which all words were found, together in its title or in one message."""

    id: str
    title: str
    updated_ms: int
    message_id: int | None
    """The newest message that has them, on any branch; None: only the title has."""
    snippet: str
    """The text around the first word, on one line; of the title where no message has it."""


def has_full_text() -> bool:
    """Return whether this SQLite was built with FTS5."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE probe USING fts5(text)")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def ensure_index(database: Database, *, full_text: bool) -> None:
    """Make the index where it is missing or damaged and wanted, and stop feeding it where it is not.

    Raises:
        StoreError: that could not be written.
        StoreDamagedError: the index is damaged so much that it cannot even be dropped.
    """
    is_fed = database.row("SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'index_messages_new'")
    if full_text and not (is_fed and _is_readable(database)):
        rebuild_index(database)
    elif is_fed and not full_text:
        with database.transaction() as connection:
            for table, _ in _TABLES:
                for event in ("new", "old", "change"):
                    connection.execute(f"DROP TRIGGER IF EXISTS index_{table}_{event}")


def _is_readable(database: Database) -> bool:
    """Return whether the index can be searched at all; far from every damage is found so."""
    try:
        for table, _ in _TABLES:
            database.row(f"SELECT rowid FROM {table}_index WHERE {table}_index MATCH 'any' LIMIT 1")
    except StoreDamagedError:
        return False
    return True


def rebuild_index(database: Database) -> None:
    """Make the index anew from the tables.

    Raises:
        StoreError: that could not be written.
    """
    with database.transaction() as connection:
        for table, column in _TABLES:
            connection.execute(f"DROP TABLE IF EXISTS {table}_index")
            for statement in _statements(table, column):
                connection.execute(statement)
            connection.execute(f"INSERT INTO {table}_index ({table}_index) VALUES ('rebuild')")


def find(database: Database, text: str, limit: int, *, full_text: bool) -> tuple[SearchHit, ...]:
    """Return the conversations with all words of `text`, last used first; the beginning of a word is enough.

    The index finds words from their beginning, whatever their case and accents. Without it, and for scripts that put no
    space between words, any part of a text is found, and case matters beyond ASCII.

    Raises:
        StoreError: it could not be read.
    """
    words = [word for word in text.replace("\0", " ").split() if word][:_MOST_WORDS]
    if not words:
        return ()
    rows = _indexed(database, words, limit) if full_text and _suits_index(words) else _scanned(database, words, limit)
    return tuple(_hit(row, words) for row in rows)


def _statements(table: str, column: str) -> tuple[str, ...]:
    """Return what makes the index of one column and keeps it true."""
    index = f"{table}_index"
    add = f"INSERT INTO {index} (rowid, {column}) VALUES (new.key, new.{column});"
    remove = f"INSERT INTO {index} ({index}, rowid, {column}) VALUES ('delete', old.key, old.{column});"
    options = f"content='{table}', content_rowid='key', tokenize='unicode61 remove_diacritics 2'"
    return (
        f"CREATE VIRTUAL TABLE {index} USING fts5({column}, {options})",
        f"CREATE TRIGGER IF NOT EXISTS index_{table}_new AFTER INSERT ON {table} BEGIN {add} END",
        f"CREATE TRIGGER IF NOT EXISTS index_{table}_old AFTER DELETE ON {table} BEGIN {remove} END",
        f"CREATE TRIGGER IF NOT EXISTS index_{table}_change AFTER UPDATE OF {column} ON {table} "
        f"WHEN old.{column} IS NOT new.{column} BEGIN {remove} {add} END",
    )


def _suits_index(words: list[str]) -> bool:
    """Return whether every word has a letter or digit, and none is of a script without spaces or case."""
    return all(any(c.isalnum() for c in word) for word in words) and not any(
        unicodedata.category(c) == "Lo" for word in words for c in word
    )


def _indexed(database: Database, words: list[str], limit: int) -> list[Row]:
    query = " ".join('"' + word.replace('"', '""') + '"*' for word in words)
    sql = (
        "WITH found (conversation, number) AS (SELECT m.conversation, max(m.number) FROM messages_index i "
        "JOIN messages m ON m.key = i.rowid WHERE i.messages_index MATCH ? GROUP BY m.conversation)"
        + _FOUND.format(title="c.key IN (SELECT rowid FROM conversations_index WHERE conversations_index MATCH ?)")
    )
    return database.rows(sql, (query, query, limit))


def _scanned(database: Database, words: list[str], limit: int) -> list[Row]:
    patterns = ["%" + re.sub(r"([\\%_])", r"\\\1", word) + "%" for word in words]
    text, title = (" AND ".join([f"{column} LIKE ? ESCAPE '\\'"] * len(words)) for column in ("text", "c.title"))
    sql = (
        f"WITH found (conversation, number) AS (SELECT conversation, max(number) FROM messages WHERE {text} "
        "GROUP BY conversation)" + _FOUND.format(title=f"({title})")
    )
    return database.rows(sql, (*patterns, *patterns, limit))


def _hit(row: Row, words: list[str]) -> SearchHit:
    conversation_id, title, updated_ms, number, text = row
    return SearchHit(conversation_id, title, updated_ms, number, _snippet(title if text is None else text, words))


def _snippet(text: str, words: list[str]) -> str:
    found = re.search("|".join(map(re.escape, words)), text, re.IGNORECASE)
    middle = found.start() if found else 0
    start, end = max(middle - _SNIPPET_BEFORE, 0), middle + _SNIPPET_AFTER
    line = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{line}{'…' if end < len(text) else ''}"
