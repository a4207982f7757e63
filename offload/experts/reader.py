"""`FileReader`: reads byte ranges of one file into memory it is given.

Direct reads go past the page cache, so that reading a model of any size leaves the memory promised to others alone.
They want file offset, length and memory aligned to a page: a target names a whole page-aligned region around its
payload, and the reader fills the aligned range around the payload. What lies in a region beside the payload is
undefined after a read.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from offload.experts.store import PAGE, page_ceil, page_floor


class Target(NamedTuple):
    """Where a payload goes: `n_bytes` from `start` of `region`, which is writable bytes of whole aligned pages."""

    region: memoryview
    start: int
    n_bytes: int

    @property
    def payload(self) -> memoryview:
        """The payload's bytes alone."""
        return self.region[self.start : self.start + self.n_bytes]


class FileReader(Protocol):
    """Reads ranges of one file. Any number of threads may read at once; nobody may read during or after `close`."""

    @property
    def direct(self) -> bool:
        """Whether reads go past the page cache now; a reader falls back to buffered reads where the system refuses."""
        ...

    def read(self, offset: int, targets: Sequence[Target]) -> None:
        """Fill `targets` in file order from `offset`, with one system call where the system can.

        With several targets each payload starts at a page of the file, as `offset` does, the next at the first page
        behind the one before, and all `start` are 0. While `direct`, `offset` and the first `start` must be equal
        modulo `PAGE`.

        Raises:
            ExpertReadError: the file ends before the last payload does, or the system could not read it.
        """
        ...

    def close(self) -> None:
        """Close the file; again is harmless."""
        ...


def in_place(offset: int, target: Target) -> bool:
    """Say whether a direct read of `target` from `offset` can fill its region without a copy."""
    return offset % PAGE == target.start % PAGE and page_ceil(target.start + target.n_bytes) <= len(target.region)


def aligned_windows(offset: int, targets: Sequence[Target]) -> tuple[int, list[memoryview], int]:
    """Widen `targets` to whole pages: the file offset to read from, the memory to fill, the bytes that must arrive.

    The memory may reach past the end of the file; only the bytes up to the last payload's end are due.
    """
    first = targets[0]
    if offset % PAGE != first.start % PAGE or (len(targets) > 1 and offset % PAGE):
        raise ValueError(f"a read at offset {offset} cannot fill memory at {first.start} of a page in place")
    windows = [target.region[page_floor(target.start) : page_ceil(target.start + target.n_bytes)] for target in targets]
    last = targets[-1]
    due = sum(len(window) for window in windows[:-1]) + last.start - page_floor(last.start) + last.n_bytes
    return page_floor(offset), windows, due


def exact_windows(offset: int, targets: Sequence[Target]) -> tuple[int, list[memoryview], int]:
    """Do as `aligned_windows` for a read that needs no alignment: a lone payload is read exactly."""
    if len(targets) > 1:
        return aligned_windows(offset, targets)
    return offset, [targets[0].payload], targets[0].n_bytes
