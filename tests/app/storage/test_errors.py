"""The errors of keeping conversations: one sentence, what to do, and which error of SQLite is which."""

import errno
import sqlite3
from pathlib import Path

import pytest

from offload_app.storage import errors
from offload_app.storage.errors import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreUnavailableError,
    store_error,
    system_error,
)

FIELDS: dict[str, str | int] = {
    name: f"<{name}>"
    for name in ("path", "moved_to", "n_conversations", "n_messages", "reason", "id", "name", "problem")
} | {"found": 2, "known": 1}


def kinds(base: type[StoreError] = StoreError) -> list[type[StoreError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_is_one_sentence_and_says_what_to_do(kind: type[StoreError]) -> None:
    error = kind(**FIELDS)
    for sentence in (error.message, error.hint):
        assert sentence[0].isupper() or sentence[0] == "<"
        assert sentence.endswith(".")
        assert ". " not in sentence
        assert "{" not in sentence
    assert str(error) == f"{error.message} {error.hint}"


def test_the_tree_that_is_drawn_is_the_tree() -> None:
    assert errors.__doc__ is not None
    for kind in kinds():
        assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, StoreLockedError),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreLockedError),
        (sqlite3.SQLITE_LOCKED, StoreLockedError),
        (sqlite3.SQLITE_READONLY, StoreReadOnlyError),
        (sqlite3.SQLITE_READONLY_DIRECTORY, StoreReadOnlyError),
        (sqlite3.SQLITE_FULL, StoreFullError),
        (sqlite3.SQLITE_CORRUPT, StoreDamagedError),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreDamagedError),
        (sqlite3.SQLITE_NOTADB, StoreDamagedError),
        (sqlite3.SQLITE_CANTOPEN, StoreUnavailableError),
        (sqlite3.SQLITE_IOERR_READ, StoreUnavailableError),
    ],
)
def test_an_error_of_sqlite_becomes_its_kind(code: int, kind: type[StoreError]) -> None:
    error = sqlite3.OperationalError("as SQLite says")
    error.sqlite_errorcode = code
    assert type(store_error(error, Path("/"))) is kind


def test_an_io_error_on_a_full_disk_is_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Usage:
        free = 100

    monkeypatch.setattr("offload_app.storage.errors.shutil.disk_usage", lambda folder: Usage)
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    assert type(store_error(error, tmp_path / "chats.db")) is StoreFullError


def test_an_error_without_a_code_keeps_its_words() -> None:
    assert "no such thing" in store_error(sqlite3.OperationalError("no such thing"), None).message


@pytest.mark.parametrize(
    ("code", "kind"),
    [(errno.ENOSPC, StoreFullError), (errno.EROFS, StoreReadOnlyError), (errno.ENOTDIR, StoreUnavailableError)],
)
def test_an_error_of_the_system_becomes_its_kind(code: int, kind: type[StoreError]) -> None:
    assert type(system_error(OSError(code, "words"), Path("/x"))) is kind
