"""`HostRegions`: the memory of the host tier, cut into regions of a few sizes.

A region holds any part of its size class, at the phase the part has in its file: so a direct read lands in place. A
region that is free takes no memory.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from offload.experts.arena import Arena
from offload.experts.store import PAGE, LayerLayout, page_ceil


def region_bytes(n_bytes: int) -> int:
    """Return the size of the regions that hold parts of `n_bytes`, wherever in a page of their file they begin."""
    return page_ceil(n_bytes) + PAGE


class SizeClass(NamedTuple):
    """Regions of one size, and how many parts of the store go into such."""

    region_bytes: int
    n_parts: int


def size_classes(layers: Mapping[int, LayerLayout]) -> tuple[SizeClass, ...]:
    """Return the size classes of a store's parts, the smallest first."""
    n_parts: Counter[int] = Counter()
    for layout in layers.values():
        for part in layout.parts:
            n_parts[region_bytes(part.n_bytes)] += layout.n_expert
    return tuple(SizeClass(size, n_parts[size]) for size in sorted(n_parts))


def shared_out(classes: Sequence[SizeClass], capacity_bytes: int, spare: int) -> tuple[int, ...]:
    """Return how many regions each class has in `capacity_bytes`, never more than it has parts.

    Each class gets `spare` regions, or one where there is not room for so many; the rest is shared by the bytes that
    the parts have in each. Where not even one of each fits, there are none.
    """
    for of_each in (spare, 1):
        least = [min(of_each, of.n_parts) for of in classes]
        left = capacity_bytes - _total(classes, least)
        if left >= 0:
            break
    else:
        return (0,) * len(classes)
    more = [of.n_parts - n for of, n in zip(classes, least, strict=True)]
    wanted = _total(classes, more)
    share = min(left, wanted)
    counts = [n + (extra * share // wanted if wanted else 0) for n, extra in zip(least, more, strict=True)]
    left = capacity_bytes - _total(classes, counts)
    for i, of in reversed(list(enumerate(classes))):  # what rounding left over: the largest that fits first
        if counts[i] < of.n_parts and of.region_bytes <= left:
            counts[i] += 1
            left -= of.region_bytes
    return tuple(counts)


def _total(classes: Sequence[SizeClass], counts: Sequence[int]) -> int:
    return sum(of.region_bytes * n for of, n in zip(classes, counts, strict=True))


class MemoryBlock(Protocol):
    """One block of page-aligned memory; `Arena` is one. `n_bytes` of 0 is a block too."""

    @property
    def address(self) -> int:
        """Where the block begins."""
        ...

    def view(self, address: int, n_bytes: int) -> memoryview:
        """Return `n_bytes` of writable memory at `address`, which lies in the block."""
        ...

    def release(self, address: int, n_bytes: int) -> None:
        """Give the memory of a range back to the system, where that can be; its contents are lost."""
        ...

    def close(self) -> None:
        """Give everything back; again is harmless."""
        ...


class Region(NamedTuple):
    """One region: `n_bytes`, the size of its class, at `address`."""

    address: int
    n_bytes: int


class _OfSize:
    """The regions of one size class: those free, lowest address first, how many are taken and may be."""

    def __init__(self, address: int, size: int, n_regions: int) -> None:
        self.free = [Region(address + i * size, size) for i in range(n_regions)]
        self.n_regions = self.limit = n_regions
        self.n_taken = 0


class HostRegions:
    """Regions of all size classes in one block of memory.

    For one thread at a time, but for `release_memory`, which any thread may call for a region that is retired.
    """

    def __init__(
        self,
        layers: Mapping[int, LayerLayout],
        capacity_bytes: int,
        spare: int,
        reserve: Callable[[int], MemoryBlock] = Arena,
    ) -> None:
        """Share `capacity_bytes`, the most there will ever be, among the size classes of the parts of `layers`.

        Raises:
            OSError: the system refuses to reserve so much.
        """
        self._classes, self._most_bytes, self._spare = size_classes(layers), capacity_bytes, spare
        counts = shared_out(self._classes, capacity_bytes, spare)
        self._block = reserve(_total(self._classes, counts))
        self._of_size: dict[int, _OfSize] = {}
        address = self._block.address
        for of, n_regions in zip(self._classes, counts, strict=True):
            self._of_size[of.region_bytes] = _OfSize(address, of.region_bytes, n_regions)
            address += n_regions * of.region_bytes

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of regions there are."""
        return tuple(self._of_size)

    @property
    def capacity_bytes(self) -> int:
        """What the regions that may be taken have together."""
        return sum(size * of.limit for size, of in self._of_size.items())

    def take(self, size: int) -> Region | None:
        """Return a free region of this size; None if there is none."""
        of = self._of_size[size]
        if of.n_taken >= of.limit or not of.free:
            return None
        of.n_taken += 1
        return heapq.heappop(of.free)

    def surplus(self, size: int) -> int:
        """Return how many more regions of this size are taken than may be; below 0 if there is room."""
        of = self._of_size[size]
        return of.n_taken - of.limit

    def retire(self, region: Region) -> None:
        """Count a region as taken no more: its memory is to be released, and then it is `freed`."""
        self._of_size[region.n_bytes].n_taken -= 1

    def freed(self, region: Region) -> None:
        """Have a retired region ready to be taken again."""
        heapq.heappush(self._of_size[region.n_bytes].free, region)

    def resize(self, capacity_bytes: int) -> None:
        """Share `capacity_bytes`, or the most there may be, out anew; what is taken already may then be in surplus."""
        counts = shared_out(self._classes, min(capacity_bytes, self._most_bytes), self._spare)
        for of, n_regions in zip(self._of_size.values(), counts, strict=True):
            of.limit = min(n_regions, of.n_regions)

    def view(self, region: Region) -> memoryview:
        """Return the memory of a region."""
        return self._block.view(*region)

    def release_memory(self, region: Region) -> None:
        """Give the memory of a retired region back to the system."""
        self._block.release(*region)

    def close(self) -> None:
        """Give all memory back; again is harmless."""
        self._block.close()
