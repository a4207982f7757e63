"""`Database`: one connection to a SQLite file or to memory, whose failures are the typed ones of `errors`.

    file     WAL, so that readers never wait and a killed process leaves it whole; writes are not forced to the disk one
             by one (`synchronous=NORMAL`): a power cut may lose the last moments, never the file
    memory   the same in all else, gone when it is closed

Thread rule: for the thread that opened it alone; SQLite's module refuses every other.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from offload_app.storage.errors import StoreDamagedError, StoreError, store_error, system_error

BUSY_SECONDS = 1.0
"""How long a write waits for another process, before it is said to be locked."""
Row = tuple[Any, ...]


class Access(Enum):
    """How a file is opened, as SQLite's URI says it."""

    WRITE = "mode=rwc"
    READ = "mode=ro"
    FROZEN = "mode=ro&immutable=1"
    """Without locks and without a look at the log of recent writes: for a folder in which nothing can be made."""


class Connect(Protocol):
    """Opens connections: the seam at which tests fill disks and take away permissions."""

    def __call__(self, path: Path | None, access: Access = Access.WRITE) -> sqlite3.Connection:
        """Return a connection in autocommit mode; `path` None: to a new database in memory."""


def connect(path: Path | None, access: Access = Access.WRITE) -> sqlite3.Connection:
    """Return a connection in autocommit mode; `path` None: to a new database in memory."""
    if path is None:
        return sqlite3.connect(":memory:", isolation_level=None)
    uri = f"{path.absolute().as_uri()}?{access.value}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


class Database:
    """An open database."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        """Take over a connection; `path` is what errors name."""
        self._connection = connection
        self.path = path

    @classmethod
    def open(cls, path: Path, connect: Connect = connect) -> "Database":
        """Open `path` for writing, made where there is none, and check that it is sound and may be written.

        Raises:
            StoreError: it is not, or another process holds it; nothing stays open.
        """
        _make_file(path)
        with translated(path):
            database = cls(connect(path), path)
        try:
            with translated(path):
                database._prepare()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def in_memory(cls, source: "Database | None" = None) -> "Database":
        """Make one in memory, with all that `source` has.

        Raises:
            StoreError: `source` could not be read, or is not sound.
        """
        connection = connect(None)
        try:
            if source is not None:
                with translated(source.path):
                    _copy(source._connection, connection)
                    check_sound(connection, source.path)
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return cls(connection, None)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a query.

        Raises:
            StoreError: it could not be read.
        """
        with translated(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """Return the first row of a query, if there is one.

        Raises:
            StoreError: it could not be read.
        """
        with translated(self.path):
            row: Row | None = self._connection.execute(sql, parameters).fetchone()
            return row

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all that is done inside, or nothing of it.

        Raises:
            StoreError: it could not be written; the database is as it was, and can be used on.
        """
        with translated(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled back already
                    self._connection.execute("ROLLBACK")
                raise

    def save_copy(self, path: Path, connect: Connect = connect) -> None:
        """Write a copy of everything to the new file `path`; no half of one is left where that fails.

        Raises:
            StoreError: it could not be written.
        """
        _make_file(path)
        try:
            with translated(path):
                target = connect(path)
                try:
                    _copy(self._connection, target)
                finally:
                    target.close()
        except StoreError:
            with suppress(OSError):
                path.unlink()
            raise

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        self._connection.close()

    def _prepare(self) -> None:
        run = self._connection.execute
        run("PRAGMA foreign_keys = ON")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        check_sound(self._connection, self.path)
        self._check_writable()

    def _check_writable(self) -> None:
        """Find out at once what SQLite says only at the first write; being locked for a moment is no harm."""
        run = self._connection.execute
        (waits,), (version,) = run("PRAGMA busy_timeout").fetchone(), run("PRAGMA user_version").fetchone()
        run("PRAGMA busy_timeout = 0")
        try:
            run("BEGIN IMMEDIATE")
            run(f"PRAGMA user_version = {version}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        finally:
            if self._connection.in_transaction:
                run("ROLLBACK")
            run(f"PRAGMA busy_timeout = {waits}")


def check_sound(connection: sqlite3.Connection, path: Path | None) -> None:
    """Read the whole database once.

    Raises:
        StoreDamagedError: its pages contradict each other.
    """
    found = connection.execute("PRAGMA quick_check(1)").fetchall()
    if found != [("ok",)]:
        raise StoreDamagedError(path=str(path))


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy everything in one go; left alone, `backup` would try a locked database for ever."""

    def give_up(status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = status
            raise error

    source.backup(target, progress=give_up)


@contextmanager
def translated(path: Path | None) -> Iterator[None]:
    """Raise errors of SQLite as the typed ones, naming `path`."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        raise store_error(error, path) from error


def _make_file(path: Path) -> None:
    """Make an empty file that nobody else may read, where there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise system_error(error, path) from error
