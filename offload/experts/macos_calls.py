"""`MacosCalls`: reading on macOS, direct through F_NOCACHE.

Written after Apple's fcntl(2) and tested with a stand-in for the system call; it has not run on a Mac.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

_F_NOCACHE = 48
"""Reads of this descriptor leave nothing in the page cache. Source: sys/fcntl.h of macOS."""


def _fcntl(descriptor: int, command: int, argument: int) -> int:
    import fcntl  # absent on Windows

    return fcntl.fcntl(descriptor, command, argument)


class MacosCalls:
    """The `FileCalls` of macOS; `fcntl` is the system call of that name."""

    def __init__(self, fcntl: Callable[[int, int, int], int] = _fcntl) -> None:
        self._fcntl = fcntl

    def open(self, path: Path, *, direct: bool) -> int:
        """Return a descriptor to read from; EINVAL where `direct` is not to be had."""
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        if direct:
            try:
                self._fcntl(descriptor, _F_NOCACHE, 1)
            except OSError:
                os.close(descriptor)
                raise
        return descriptor

    def preadv(self, descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        """Fill `buffers` from `offset`; return how many bytes arrived, 0 at the end of the file."""
        if hasattr(os, "preadv"):
            return os.preadv(descriptor, buffers, offset)
        # macOS has preadv since version 11.
        data = os.pread(descriptor, len(buffers[0]), offset)
        buffers[0][: len(data)] = data
        return len(data)

    def forget(self, descriptor: int, offset: int, n_bytes: int) -> None:
        """Do nothing: macOS has no call for it."""

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)
