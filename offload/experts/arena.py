"""The memory of slots and staging buffers: address space reserved at once, pages touched as they are first used.

A pool reserves room for a slot per expert; only slots in use take memory, so the number of slots can change while a
model is open. Reserved memory is anonymous and private, and begins on a 2 MiB boundary. Linux backs with huge pages
what it is asked to.
"""

import mmap
import sys
from contextlib import suppress

import numpy as np

HUGE_PAGE = 2 << 20

_NORESERVE = {"linux": 0x4000, "darwin": 0x40}
"""MAP_NORESERVE, which Python names from 3.13 on: without it a system may refuse what is reserved but never used."""


class Arena:
    """One block of reserved memory. Any thread may touch different parts of it; `close` is for the owner."""

    def __init__(self, n_bytes: int) -> None:
        """Reserve `n_bytes` of address space.

        Raises:
            OSError: the system refuses to reserve so much.
        """
        self.n_bytes = n_bytes
        if sys.platform == "win32":
            self._memory = mmap.mmap(-1, n_bytes + HUGE_PAGE)
        else:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE.get(sys.platform, 0)
            self._memory = mmap.mmap(-1, n_bytes + HUGE_PAGE, flags=flags)
        start = np.frombuffer(self._memory, np.uint8).__array_interface__["data"][0]
        self._lead = -start % HUGE_PAGE
        self.address: int = start + self._lead
        self._view = memoryview(self._memory)[self._lead : self._lead + n_bytes]

    def view(self, address: int, n_bytes: int) -> memoryview:
        """Return `n_bytes` of writable memory at `address`, which lies in the arena."""
        start = address - self.address
        return self._view[start : start + n_bytes]

    def release(self, address: int, n_bytes: int) -> None:
        """Give the whole pages of this range back to the system; they read as zero again."""
        if not hasattr(mmap, "MADV_DONTNEED"):
            return
        start = address - self.address + self._lead
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        last = (start + n_bytes) // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first:
            self._memory.madvise(mmap.MADV_DONTNEED, first, last - first)

    def use_small_pages(self) -> None:
        """Have no part of the arena backed by huge pages from now on, whatever the system's default."""
        self._advise("MADV_NOHUGEPAGE", 0, len(self._memory))

    def use_huge_pages(self, address: int, n_bytes: int) -> None:
        """Have the whole huge pages of this range backed as such when they are first touched."""
        start = address - self.address + self._lead
        first = self._lead + -(-(start - self._lead) // HUGE_PAGE) * HUGE_PAGE
        last = self._lead + (start - self._lead + n_bytes) // HUGE_PAGE * HUGE_PAGE
        if last > first:
            self._advise("MADV_HUGEPAGE", first, last - first)

    def _advise(self, advice: str, start: int, n_bytes: int) -> None:
        if hasattr(mmap, advice):
            with suppress(OSError):  # a kernel built without huge pages
                self._memory.madvise(getattr(mmap, advice), start, n_bytes)

    def close(self) -> None:
        """Release all memory; the address space goes when nothing views it any more. Harmless when called twice."""
        if self.n_bytes:
            self.release(self.address, self.n_bytes)
            self._view.release()
            self.n_bytes = 0
