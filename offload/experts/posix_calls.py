"""`PosixCalls`: reading on Linux and the BSDs, direct through O_DIRECT."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path


class PosixCalls:
    """The `FileCalls` of POSIX. Python itself repeats a call that a signal interrupted (PEP 475)."""

    def open(self, path: Path, *, direct: bool) -> int:
        """Return a descriptor to read from; EINVAL where `direct` is not to be had."""
        flags = os.O_RDONLY | os.O_CLOEXEC
        if not direct:
            return os.open(path, flags)
        if not hasattr(os, "O_DIRECT"):
            raise OSError(errno.EINVAL, "this system has no direct reads")
        return os.open(path, flags | os.O_DIRECT)

    def preadv(self, descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        """Fill `buffers` from `offset`; return how many bytes arrived, 0 at the end of the file."""
        return os.preadv(descriptor, buffers, offset)

    def forget(self, descriptor: int, offset: int, n_bytes: int) -> None:
        """Let the page cache drop a range that was read."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, offset, n_bytes, os.POSIX_FADV_DONTNEED)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)
