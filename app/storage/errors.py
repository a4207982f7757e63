"""Every error of keeping conversations, one tree, and which error of SQLite becomes which.

    StoreError
    ├── StoreLockedError        another process writes to the database
    ├── StoreReadOnlyError      the file or its folder may not be written
    ├── StoreFullError          no room to write
    ├── StoreDamagedError       the file is no sound database
    │   └── StoreRescuedError   it was one, and was moved aside
    ├── NewerStoreError         a newer release wrote the database
    ├── StoreUnavailableError   it cannot be opened, read or written for another reason
    ├── NoConversationError     no conversation of that id is stored
    ├── FileAccessError         an exported file cannot be read or written
    └── ConversationFileError   an exported file cannot be read as a conversation

`MESSAGE` says what failed and `HINT` what to do, each one sentence with the places of the fields in braces: a face that
speaks another language translates these two and fills in `fields`.
"""

import errno
import shutil
import sqlite3
from pathlib import Path
from typing import ClassVar

_FULL_BELOW_BYTES = 1 << 20
"""With less room than that, an I/O error is taken for a full disk."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class StoreError(Exception):
    """Base of the tree."""

    MESSAGE: ClassVar[str] = "The conversations could not be opened."
    HINT: ClassVar[str] = "Start again."

    def __init__(self, **fields: str | int) -> None:
        super().__init__(fields)
        self.fields = fields

    @property
    def message(self) -> str:
        """Return what failed, in English."""
        return self.MESSAGE.format(**self.fields)

    @property
    def hint(self) -> str:
        """Return what to do, in English."""
        return self.HINT.format(**self.fields)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class StoreLockedError(StoreError):
    """Another process holds the lock of the database for longer than was waited."""

    MESSAGE = "Another program is using the conversations in {path}."
    HINT = "Close the other program, then try again."


class StoreReadOnlyError(StoreError):
    """The database or its folder may not be written."""

    MESSAGE = "The conversations in {path} may be read but not changed."
    HINT = "Allow writing to the file and its folder, then start again; until then nothing new is kept."


class StoreFullError(StoreError):
    """There is no room to write; what was stored before is as it was."""

    MESSAGE = "There is no room left to keep conversations in {path}."
    HINT = "Free some space on that disk, then try again."


class StoreDamagedError(StoreError):
    """The file is no sound database."""

    MESSAGE = "The file of conversations {path} is damaged."
    HINT = "Start again: it is then moved aside, and a new file is made with what can be read of it."


class StoreRescuedError(StoreDamagedError):
    """The damaged file was moved aside, and a new one has what could be read of it."""

    MESSAGE = (
        "The file of conversations was damaged and is now {moved_to}; what could be read of it is kept: "
        "{n_messages} messages in {n_conversations} conversations."
    )
    HINT = "Keep that file, or restore {path} from a backup, if something is missing."


class NewerStoreError(StoreError):
    """A newer release wrote the database; it is left as it is."""

    MESSAGE = "The conversations in {path} were written by a newer release (version {found}; this one knows {known})."
    HINT = "Install the newer release to see them; until then nothing is kept."


class StoreUnavailableError(StoreError):
    """The database cannot be opened, read or written; `reason` is what the system says."""

    MESSAGE = "The conversations in {path} cannot be opened, read or written: {reason}."
    HINT = "Check the disk and the folder, then start again."


class NoConversationError(StoreError):
    """No conversation of that id is stored: it was purged, or never was."""

    MESSAGE = "The conversation {id} is not among those kept."
    HINT = "Make a new one."


class FileAccessError(StoreError):
    """A file to export to or to import from cannot be opened, read or written; `reason` is what the system says."""

    MESSAGE = "The file {path} cannot be read or written: {reason}."
    HINT = "Choose another file or folder."


class ConversationFileError(StoreError):
    """A text or file is not an exported conversation."""

    MESSAGE = "{name} is not a conversation that can be imported: {problem}."
    HINT = "Choose a file that was exported from here, as JSON or as Markdown."


def store_error(error: sqlite3.Error, path: Path | None) -> StoreError:
    """Return what an error of SQLite on the database `path` means; None: the one in memory."""
    place = "memory" if path is None else str(path)
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    match extended & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreLockedError(path=place)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreReadOnlyError(path=place)
        case sqlite3.SQLITE_FULL:
            return StoreFullError(path=place)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreDamagedError(path=place)
        case sqlite3.SQLITE_IOERR if path is not None and _is_full(path.parent):
            return StoreFullError(path=place)
    return StoreUnavailableError(path=place, reason=str(error) or "no reason is given")


def system_error(error: OSError, path: Path) -> StoreError:
    """Return what an error of the system on `path` means."""
    if error.errno in _NO_ROOM:
        return StoreFullError(path=str(path))
    if error.errno in _NOT_ALLOWED:
        return StoreReadOnlyError(path=str(path))
    return StoreUnavailableError(path=str(path), reason=error.strerror or type(error).__name__)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _FULL_BELOW_BYTES
    except OSError:
        return False
