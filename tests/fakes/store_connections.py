"""Connections to databases that go wrong: a full disk, no permission, a folder in which nothing can be made."""

import sqlite3
from pathlib import Path

from offload_app.storage.database import Access, connect


class WatchedConnect:
    """Opens connections as the program does, and keeps them for the test to spoil."""

    def __init__(self) -> None:
        self.opened: list[sqlite3.Connection] = []

    def __call__(self, path: Path | None, access: Access = Access.WRITE) -> sqlite3.Connection:
        self.opened.append(connect(path, access))
        return self.opened[-1]

    def fill_disk(self) -> None:
        """Leave room for nothing more in the database that was opened last."""
        self.opened[-1].execute("PRAGMA max_page_count = 1")

    def free_disk(self) -> None:
        self.opened[-1].execute("PRAGMA max_page_count = 1000000")


def read_only(path: Path | None, access: Access = Access.WRITE) -> sqlite3.Connection:
    """Open a file as if it might not be written."""
    return connect(path, Access.READ if access is Access.WRITE else access)


def closed_folder(path: Path | None, access: Access = Access.WRITE) -> sqlite3.Connection:
    """Open a file as if nothing could be made beside it: only without locks."""
    if path is not None and access is not Access.FROZEN:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error
    return connect(path, access)


def full_disk(path: Path | None, access: Access = Access.WRITE) -> sqlite3.Connection:
    """Open a file on a disk without any room."""
    connection = connect(path, access)
    if path is not None:
        connection.execute("PRAGMA max_page_count = 1")
    return connection
