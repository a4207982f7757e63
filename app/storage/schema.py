"""The tables of the database, and the steps that bring an older one up to date.

The version is kept in `user_version`. Steps go forward only: each is done whole or not at all, after a copy of the file
was made beside it. A released step is never changed.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from offload_app.storage.database import Connect, Database, connect
from offload_app.storage.errors import NewerStoreError

Migration = tuple[str, ...]
"""The statements of one step."""
Clock = Callable[[], datetime]
"""Tells the local time, for the names of files."""

_VERSION_1: Migration = (
    """CREATE TABLE conversations (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        created_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL,
        deleted_ms INTEGER,
        title TEXT NOT NULL,
        system_prompt TEXT NOT NULL,
        sampling TEXT NOT NULL,
        draft TEXT NOT NULL,
        leaf INTEGER
    )""",
    "CREATE INDEX conversations_by_use ON conversations (updated_ms DESC, key DESC) WHERE deleted_ms IS NULL",
    """CREATE TABLE messages (
        key INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL REFERENCES conversations (key) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        parent INTEGER CHECK (parent < number),
        role TEXT NOT NULL,
        text TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        state TEXT NOT NULL,
        failure TEXT NOT NULL,
        receipt TEXT NOT NULL,
        UNIQUE (conversation, number),
        FOREIGN KEY (conversation, parent) REFERENCES messages (conversation, number)
    )""",
    "CREATE INDEX messages_by_parent ON messages (conversation, parent)",
)
MIGRATIONS: tuple[Migration, ...] = (_VERSION_1,)
"""Step n brings version n to n + 1."""


def migrate(
    database: Database,
    migrations: tuple[Migration, ...] = MIGRATIONS,
    *,
    clock: Clock = datetime.now,
    connect: Connect = connect,
) -> Path | None:
    """Bring `database` to the newest version; returns the copy that was made before, where one was.

    Raises:
        NewerStoreError: a newer release wrote it; nothing is changed.
        StoreError: the copy or a step could not be written; the database is as it was before that step.
    """
    version = version_of(database)
    if version > len(migrations):
        raise NewerStoreError(path=str(database.path), found=version, known=len(migrations))
    copy = None
    if 0 < version < len(migrations) and database.path is not None:
        copy = dated(database.path, f"version-{version}", clock())
        database.save_copy(copy, connect)
    for step in range(version, len(migrations)):
        with database.transaction() as connection:
            for statement in migrations[step]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step + 1}")
    return copy


def version_of(database: Database) -> int:
    """Return the version of the tables; 0: there are none."""
    row = database.row("PRAGMA user_version")
    return int(row[0]) if row else 0


def dated(path: Path, word: str, now: datetime) -> Path:
    """Return a name beside `path` that nothing has yet: `chats.db` becomes `chats-WORD-20260131-235959.db`."""
    stem = f"{path.stem}-{word}-{now:%Y%m%d-%H%M%S}"
    name, count = path.with_name(stem + path.suffix), 1
    while name.exists():
        count += 1
        name = path.with_name(f"{stem}-{count}{path.suffix}")
    return name
