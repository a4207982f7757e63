"""`PartialFile`: a large file that appears under its name only when it is whole and on disk."""

import errno
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from offload.errors import NO_ROOM, DiskFullError, OffloadError
from offload.experts.store import PAGE

_FLUSH_BYTES = 64 << 20
"""Written through the page cache, this much may wait there before it is sent to the disk and dropped."""


class PositionedWriter(Protocol):
    """Writes to a file by position. For one thread; all may raise OSError."""

    def write(self, offset: int, data: memoryview) -> None:
        """Write all of `data` at `offset`."""
        ...

    def sync(self) -> None:
        """Return when everything written is on disk."""
        ...

    def close(self) -> None:
        """Close the file; again is harmless."""
        ...


class DiskWriter:
    """Writes pages past the page cache where the system permits, else through it, keeping little there."""

    def __init__(self, path: Path) -> None:
        """Open `path`, which exists, and empty it."""
        binary = getattr(os, "O_BINARY", 0)
        self._buffered = os.open(path, os.O_WRONLY | os.O_TRUNC | binary)
        self._direct = -1
        self._waiting_bytes = 0
        if hasattr(os, "O_DIRECT"):
            with suppress(OSError):
                self._direct = os.open(path, os.O_WRONLY | os.O_DIRECT)

    def write(self, offset: int, data: memoryview) -> None:
        """Write all of `data` at `offset`; goes past the page cache where both, and the memory, are page-aligned."""
        if self._direct >= 0 and offset % PAGE == 0 and len(data) % PAGE == 0:
            try:
                _write_all(self._direct, offset, data)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
            else:
                return
        _write_all(self._buffered, offset, data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= _FLUSH_BYTES:
            self.sync()

    def sync(self) -> None:
        """Return when everything written is on disk."""
        os.fsync(self._buffered)
        self._waiting_bytes = 0
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._buffered, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Close the file; again is harmless."""
        for descriptor in (self._direct, self._buffered):
            if descriptor >= 0:
                os.close(descriptor)
        self._direct = self._buffered = -1


class OpenWriter(Protocol):
    """Opens a file to write."""

    def __call__(self, path: Path, /) -> PositionedWriter:
        """Open `path`, which exists, and empty it."""
        ...


class PartialFile:
    """Writes `<name>.partial` beside `destination` and renames it at the end. For one thread.

    As a context manager: left without `commit`, by an error, Ctrl-C or otherwise, it removes what it wrote, and what
    lay under `destination` before is untouched. A process that is killed leaves the partial file; the next one for
    the same destination takes it over. Two at once: the second is refused.
    """

    def __init__(self, destination: Path, n_bytes: int, *, open_writer: OpenWriter = DiskWriter) -> None:
        """Start a file of about `n_bytes`.

        Raises:
            DiskFullError: the folder's file system has no room for it.
            OffloadError: the folder cannot be written to, or another process writes the same file.
        """
        self._destination = destination
        self._n_bytes = n_bytes
        self._path = destination.with_name(destination.name + ".partial")
        self._committed = False
        try:
            self._lock = _locked(self._path)
            try:
                self._writer = open_writer(self._path)
                free_bytes = shutil.disk_usage(destination.parent).free
                if free_bytes < n_bytes:
                    raise self._full(free_bytes)
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise self._failed(error) from error

    def write(self, offset: int, data: memoryview) -> None:
        """Write all of `data` at `offset`.

        Raises:
            DiskFullError: there is no room left.
            OffloadError: the system could not write it.
        """
        try:
            self._writer.write(offset, data)
        except OSError as error:
            raise self._failed(error) from error

    def commit(self) -> None:
        """Bring everything to disk and put the file under its name, replacing what was there.

        Raises:
            DiskFullError: there is no room left.
            OffloadError: the system could not write or rename it.
        """
        try:
            self._writer.sync()
            self._writer.close()
            if sys.platform == "win32":
                # Windows renames no file that is open.
                os.close(self._lock)
                self._lock = -1
            os.replace(self._path, self._destination)
            self._committed = True
            _sync_folder(self._destination.parent)
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Remove the partial file unless it was committed; again is harmless."""
        writer: PositionedWriter | None = getattr(self, "_writer", None)
        if writer is not None:
            writer.close()
        if self._lock >= 0:
            if not self._committed and sys.platform != "win32":
                self._path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1
        if not self._committed and sys.platform == "win32":
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _full(self, free_bytes: int) -> DiskFullError:
        return DiskFullError(
            f"{self._destination.parent} has {free_bytes} bytes free, {self._destination.name} needs {self._n_bytes}.",
            folder=self._destination.parent,
            needed_bytes=self._n_bytes,
            free_bytes=free_bytes,
            hint="Make room, or write to another disk with -o.",
        )

    def _failed(self, error: OSError) -> OffloadError:
        if error.errno in NO_ROOM:
            return self._full(shutil.disk_usage(self._destination.parent).free)
        return OffloadError(
            f"{self._destination} could not be written: {error.strerror or error}.",
            hint="Choose a folder that can be written to with -o.",
            file=str(self._destination),
        )


def _write_all(descriptor: int, offset: int, data: memoryview) -> None:
    if not hasattr(os, "pwrite"):
        os.lseek(descriptor, offset, os.SEEK_SET)
    while len(data):
        written = os.pwrite(descriptor, data, offset) if hasattr(os, "pwrite") else os.write(descriptor, data)
        data, offset = data[written:], offset + written


def _locked(path: Path) -> int:
    """Open `path`, made where it is missing, and hold it against other processes until the descriptor is closed."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        if sys.platform == "win32":
            return descriptor
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The holder before may have renamed or removed the file between the two calls.
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError as error:
            os.close(descriptor)
            raise OffloadError(
                f"Another process is writing {path}.", hint="Wait until it is done.", file=str(path)
            ) from error
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Bring a rename to disk; systems that cannot open folders see to it themselves."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
