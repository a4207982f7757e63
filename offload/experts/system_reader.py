"""`SystemReader`: the `FileReader` of real files, over the few calls in which systems differ."""

import errno
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from offload.errors import ExpertReadError
from offload.experts.reader import Target, aligned_windows, exact_windows
from offload.experts.store import page_ceil, page_floor


class FileCalls(Protocol):
    """What a `SystemReader` asks of the system. Any thread may call; all may raise OSError."""

    def open(self, path: Path, *, direct: bool) -> int:
        """Return a descriptor to read from; EINVAL where `direct` is not to be had."""
        ...

    def preadv(self, descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        """Fill `buffers` from `offset`; return how many bytes arrived, 0 at the end of the file."""
        ...

    def forget(self, descriptor: int, offset: int, n_bytes: int) -> None:
        """Let the page cache drop a range that was read, where the system can."""
        ...

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        ...


class SystemReader:
    """Reads one file by position; any number of threads may read at once.

    Where the file system refuses direct reads (EINVAL: tmpfs, some network and overlay file systems) it goes on
    buffered, for good, and asks the page cache to drop what was read.
    """

    def __init__(self, path: Path, *, direct: bool, calls: FileCalls) -> None:
        """Open `path`.

        Raises:
            ExpertReadError: the file cannot be opened.
        """
        self._path = path
        self._calls = calls
        self._lock = threading.Lock()
        self._opened: list[int] = []
        self._direct = direct
        self._descriptor = -1
        if direct:
            try:
                self._descriptor = self._open(direct=True)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise self._error(error, 0) from error
                self._fall_back()
        else:
            self._descriptor = self._open_buffered()

    @property
    def direct(self) -> bool:
        """Whether reads go past the page cache now."""
        return self._direct

    def read(self, offset: int, targets: Sequence[Target]) -> None:
        """Fill `targets` in file order from `offset`; see `FileReader.read`.

        Raises:
            ExpertReadError: the file ends before the last payload does, or the system could not read it.
        """
        if self._direct:
            position, windows, due = aligned_windows(offset, targets)
            try:
                self._fill(self._descriptor, position, windows, due, whole_pages=True)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise self._error(error, offset) from error
                self._fall_back()
            else:
                return
        position, windows, due = exact_windows(offset, targets)
        try:
            self._fill(self._descriptor, position, windows, due, whole_pages=False)
            first = page_floor(position)
            self._calls.forget(self._descriptor, first, page_ceil(position + due) - first)
        except OSError as error:
            raise self._error(error, offset) from error

    def close(self) -> None:
        """Close the file; again is harmless."""
        with self._lock:
            opened, self._opened = self._opened, []
        for descriptor in opened:
            self._calls.close(descriptor)

    def _fill(self, descriptor: int, position: int, windows: list[memoryview], due: int, *, whole_pages: bool) -> None:
        done = 0
        while done < due:
            arrived = self._calls.preadv(descriptor, _remaining(windows, done), position + done)
            reached = done + arrived
            if reached >= due:
                return
            if whole_pages:
                reached = page_floor(reached)
            if reached <= done:
                raise self._short(position, due, done + arrived)
            done = reached

    def _fall_back(self) -> None:
        """Go on with a buffered descriptor; the direct one stays open for threads that are reading with it."""
        with self._lock:
            if self._direct:
                self._descriptor = self._open_buffered()
                self._direct = False

    def _open_buffered(self) -> int:
        try:
            return self._open(direct=False)
        except OSError as error:
            raise self._error(error, 0) from error

    def _open(self, *, direct: bool) -> int:
        descriptor = self._calls.open(self._path, direct=direct)
        self._opened.append(descriptor)
        return descriptor

    def _error(self, error: OSError, offset: int) -> ExpertReadError:
        return ExpertReadError(
            f"{self._path}, offset {offset}: could not be read: {error.strerror or error}.",
            file=self._path,
            offset=offset,
            hint="Check the disk and that the file is still there.",
        )

    def _short(self, position: int, due: int, arrived: int) -> ExpertReadError:
        return ExpertReadError(
            f"{self._path}, offset {position}: the file ends after {arrived} of {due} bytes.",
            file=self._path,
            offset=position,
            hint="The file was cut short since it was opened: get it again.",
        )


def _remaining(windows: list[memoryview], done: int) -> list[memoryview]:
    """Return what is left of `windows` once the first `done` bytes are filled."""
    for index, window in enumerate(windows):
        if done < len(window):
            return [window[done:], *windows[index + 1 :]]
        done -= len(window)
    return []
