"""`BounceBuffer`: one reader thread's page-aligned scratch memory, for reads that cannot land in place."""

import mmap

from offload.experts.store import page_ceil


class BounceBuffer:
    """Page-aligned memory that grows to the largest read asked of it. For one thread.

    Holds nothing until the first read. Memory goes back to the system when neither the buffer nor a view of it is left.
    """

    def __init__(self) -> None:
        self._memory: mmap.mmap | None = None

    def region(self, n_bytes: int) -> memoryview:
        """Return `n_bytes`, rounded up to whole pages, of scratch memory; its old contents are undefined."""
        size = page_ceil(max(n_bytes, 1))
        if self._memory is None or len(self._memory) < size:
            self._memory = None
            self._memory = mmap.mmap(-1, size)
        return memoryview(self._memory)[:size]
