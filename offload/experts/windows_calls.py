"""`WindowsCalls`: reading on Windows, direct through handles opened with FILE_FLAG_NO_BUFFERING.

Written after Microsoft's "File Buffering" and tested with stand-ins for the system; it has not run on Windows.
CreateFile comes from `_winapi`, the module subprocess stands on, and the C runtime reads straight into the memory it is
given, which unbuffered handles require to be aligned; so this needs no foreign function interface.
"""

import importlib
import io
import itertools
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

_GENERIC_READ = 0x80000000
_SHARE_READ_AND_DELETE = 0x00000001 | 0x00000004
_OPEN_EXISTING = 3
_FLAG_NO_BUFFERING = 0x20000000
_FLAG_RANDOM_ACCESS = 0x10000000
_MAX_READ_BYTES = 1 << 30
"""The C runtime counts a read's bytes in 31 bits."""


class SeekableFile(Protocol):
    """The part of `io.FileIO` that is used."""

    def seek(self, offset: int, /) -> int:
        """Move to `offset` from the start."""
        ...

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill `buffer` as far as the file goes; return how many bytes arrived."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def open_file(path: Path, direct: bool, winapi: Any = None, msvcrt: Any = None) -> io.FileIO:
    """Open `path` to read, unbuffered where `direct`. `winapi` and `msvcrt` stand in for the modules in tests."""
    winapi = winapi if winapi is not None else importlib.import_module("_winapi")
    msvcrt = msvcrt if msvcrt is not None else importlib.import_module("msvcrt")
    flags = _FLAG_NO_BUFFERING if direct else _FLAG_RANDOM_ACCESS
    handle = winapi.CreateFile(os.fspath(path), _GENERIC_READ, _SHARE_READ_AND_DELETE, 0, _OPEN_EXISTING, flags, 0)
    try:
        descriptor = msvcrt.open_osfhandle(handle, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except BaseException:
        winapi.CloseHandle(handle)
        raise
    return io.FileIO(descriptor, "rb")


@dataclass(slots=True)
class _OpenFile:
    """One descriptor handed out: several files behind it, since each reading thread needs a position of its own."""

    path: Path
    direct: bool
    idle: list[SeekableFile]
    every: list[SeekableFile]


class WindowsCalls:
    """The `FileCalls` of Windows. Windows has no positioned read here: every thread at work reads a file of its own."""

    def __init__(self, open_file: Callable[[Path, bool], SeekableFile] = open_file) -> None:
        self._open_file = open_file
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._files: dict[int, _OpenFile] = {}

    def open(self, path: Path, *, direct: bool) -> int:
        """Return a descriptor to read from; EINVAL where `direct` is not to be had."""
        file = self._open_file(path, direct)
        with self._lock:
            number = next(self._numbers)
            self._files[number] = _OpenFile(path, direct, [file], [file])
        return number

    def preadv(self, descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        """Fill `buffers` from `offset`; return how many bytes arrived, 0 at the end of the file."""
        opened, file = self._take(descriptor)
        try:
            file.seek(offset)
            total = 0
            for buffer in buffers:
                window = buffer[:_MAX_READ_BYTES]
                arrived = file.readinto(window) or 0
                total += arrived
                if arrived < len(buffer):
                    break
            return total
        finally:
            with self._lock:
                opened.idle.append(file)

    def forget(self, descriptor: int, offset: int, n_bytes: int) -> None:
        """Do nothing: Windows has no call for it."""

    def close(self, descriptor: int) -> None:
        """Close a descriptor and every file behind it."""
        with self._lock:
            opened = self._files.pop(descriptor)
        for file in opened.every:
            file.close()

    def _take(self, descriptor: int) -> tuple[_OpenFile, SeekableFile]:
        with self._lock:
            opened = self._files[descriptor]
            if opened.idle:
                return opened, opened.idle.pop()
        file = self._open_file(opened.path, opened.direct)
        with self._lock:
            opened.every.append(file)
        return opened, file
