"""The host tier: parts of experts in memory, between the slots of a compute device and the disk.

A part is one weight kind of one expert, named by its `Span`. It is absent, on its way (a region is reserved, one thread
fills it, and others wait), or there. What is claimed or leased is pinned until it is given back.

Two tiers that hold the same would be one tier. A part that was uploaded into a slot is held above: its copy here is
the first to leave. When the slot is overwritten the part is demoted: its copy, the only one now, is as good as used.

What a prompt stages it needs in passing: as likely all experts as some. That counts as no use, and what is read for it
is the next to leave: so a prompt leaves the warm parts here, and finds what the one before has left the next time.

Invariants, each proved by the test named (tests/properties/test_host_tier_rules.py):
 1. What is pinned or on its way is never evicted, its region nobody else's.        test_what_is_pinned_stays
 2. A part is found only once it was committed, with the bytes of its span.         test_what_is_found_is_whole
 3. No more regions are taken than fit the capacity, but for those pinned as it shrinks. test_capacity_is_never_exceeded
 4. Copies held above leave before others; of each, those read in passing first,
    the last of them first, then the least recently used.                           test_copies_held_above_leave_first
 5. Every region is free or has one part; after errors and shrinking too.           test_no_region_is_lost
 6. A part that several threads want is read once. tests/offload/experts/test_tiered_threads.py: test_it_is_read_once

Thread rule: any thread may call anything but `close`. Nothing is read, copied or given back to the system under the
lock. Who waits must have committed or released what it has reserved, so that two never wait for each other.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from offload.experts.arena import Arena
from offload.experts.host_regions import HostRegions, MemoryBlock, Region, region_bytes
from offload.experts.reader import Target
from offload.experts.store import PAGE, Codec, LayerLayout, Span


@dataclass(frozen=True, slots=True)
class HostCounts:
    """What the tier has done, and what it holds; bytes are of weights, padding not counted."""

    hits: int
    misses: int
    evictions: int
    n_parts: int
    n_bytes: int
    n_parts_above: int
    """Of the parts held here, those that a slot holds too."""
    n_bytes_above: int


class Claim(Enum):
    """How a claim on a part ended."""

    THERE = "there"
    """Its copy is pinned."""
    RESERVED = "reserved"
    """It was absent: the caller fills the region, and commits it."""
    LOADING = "loading"
    """Another thread fills it: `wait`, and claim again."""
    NO_ROOM = "no room"
    """It is absent, and everything that could leave for it is pinned."""


class Claimed(NamedTuple):
    """A claim's end, and the part's memory where it is THERE or RESERVED: to be given back with `release`."""

    claim: Claim
    target: Target | None


def target_in(region: memoryview, span: Span) -> Target:
    """Return where a span goes in a region of `region_bytes`: where a direct read from its file can land."""
    return Target(region, span.offset % PAGE if span.codec is Codec.RAW else 0, span.n_bytes)


class _Copy:
    """A part's copy, there once `filled`."""

    __slots__ = ("filled", "n_pins", "region", "target")

    def __init__(self, region: Region, target: Target) -> None:
        self.region, self.target = region, target
        self.filled = False
        self.n_pins = 1


class _Order:
    """The copies of one size class that are there, the next to leave first."""

    __slots__ = ("above", "others")

    def __init__(self) -> None:
        self.above: OrderedDict[Span, None] = OrderedDict()
        self.others: OrderedDict[Span, None] = OrderedDict()

    def add(self, span: Span, *, above: bool, last: bool = True) -> None:
        """Make a copy the last to leave of those held above, or of the others; or the first."""
        self.discard(span)
        order = self.above if above else self.others
        order[span] = None
        order.move_to_end(span, last)

    def discard(self, span: Span) -> None:
        self.above.pop(span, None)
        self.others.pop(span, None)


class HostTier:
    """Copies of experts' parts in memory. Any thread may call anything but `close`."""

    def __init__(
        self,
        layers: Mapping[int, LayerLayout],
        capacity_bytes: int,
        *,
        spare: int,
        reserve: Callable[[int], MemoryBlock] = Arena,
    ) -> None:
        """Hold nothing yet of `layers`, and never more than `capacity_bytes`, padding counted.

        Each size of parts has `spare` regions before the capacity is shared by bytes: as many as are read at once.
        With a capacity below a region of each size nothing is held ever.

        Raises:
            OSError: the system refuses to reserve so much.
        """
        self._regions = HostRegions(layers, capacity_bytes, spare, reserve)
        self._copies: dict[Span, _Copy] = {}
        self._orders = {size: _Order() for size in self._regions.sizes}
        self._n_above: dict[Span, int] = {}  # how many slots hold a part, whether it has a copy or not
        self._changed = threading.Condition()
        self._hits = self._misses = self._evictions = 0

    @property
    def capacity_bytes(self) -> int:
        """How much may be held now, padding counted, in whole regions."""
        with self._changed:
            return self._regions.capacity_bytes

    def holds(self, span: Span) -> bool:
        """Say whether a part is there; it counts neither as wanted nor as used."""
        with self._changed:
            copy = self._copies.get(span)
            return copy is not None and copy.filled

    def lease(self, span: Span, *, passing: bool = False) -> Target | None:
        """Pin a part that is wanted now, if it is there: a hit, else a miss. In `passing` it counts as no use."""
        with self._changed:
            copy = self._copies.get(span)
            if copy is None or not copy.filled:
                self._misses += 1
                return None
            self._hits += 1
            return self._pinned(span, copy, passing)

    def claim(self, span: Span, *, passing: bool = False) -> Claimed:
        """Pin a part that is there, or reserve a region for one that is absent, evicting another if need be."""
        with self._changed:
            copy = self._copies.get(span)
            if copy is None:
                target = self._reserve(span, sparing=False)
                return Claimed(Claim.NO_ROOM if target is None else Claim.RESERVED, target)
            if not copy.filled:
                return Claimed(Claim.LOADING, None)
            return Claimed(Claim.THERE, self._pinned(span, copy, passing))

    def keep(self, span: Span) -> Target | None:
        """Reserve a region for a part that leaves the slots, if it is absent and no other slot holds it.

        Only a free region will do, or that of a copy that is held above: what is only here does not leave for it.
        """
        with self._changed:
            if span in self._copies or span in self._n_above:
                return None
            return self._reserve(span, sparing=True)

    def commit(self, span: Span, *, passing: bool = False) -> None:
        """Let a reserved part, filled now, be found; it stays pinned until it is given back.

        Read in `passing` it is then the first to leave of those that are held above, or of the others.
        """
        with self._changed:
            self._copies[span].filled = True
            self._use(span, last=not passing)
            self._changed.notify_all()

    def release(self, span: Span) -> None:
        """Give back what was leased, claimed or kept: unpin it, or drop it if it was not committed."""
        with self._changed:
            copy = self._copies[span]
            if copy.filled:
                copy.n_pins -= 1
                leaving = self._shed(copy.region.n_bytes)
            else:
                del self._copies[span]
                self._regions.retire(copy.region)
                leaving = [copy.region]
                self._changed.notify_all()
        self._give_back(leaving)

    def wait(self, span: Span) -> None:
        """Wait until nobody is filling this part. Not for a thread that has reserved regions itself."""
        with self._changed:
            self._changed.wait_for(lambda: (copy := self._copies.get(span)) is None or copy.filled)

    def promote(self, span: Span) -> None:
        """Learn that one more slot holds this part."""
        with self._changed:
            self._n_above[span] = self._n_above.get(span, 0) + 1
            self._use(span)

    def demote(self, span: Span) -> None:
        """Learn that a slot is about to lose this part. Raises KeyError if none was said to hold it."""
        with self._changed:
            n_left = self._n_above.pop(span) - 1
            if n_left:
                self._n_above[span] = n_left
            else:
                self._use(span)

    def resize(self, capacity_bytes: int) -> None:
        """Hold no more than that from now on, nor more than in the beginning; memory goes back to the system.

        What is pinned leaves when it is given back.
        """
        with self._changed:
            self._regions.resize(capacity_bytes)
            leaving = [region for size in self._regions.sizes for region in self._shed(size)]
        self._give_back(leaving)

    def counts(self) -> HostCounts:
        """Return what was done so far, and what is held now."""
        with self._changed:
            above = [span for order in self._orders.values() for span in order.above]
            held = [*above, *(span for order in self._orders.values() for span in order.others)]
            return HostCounts(
                self._hits, self._misses, self._evictions, len(held), _n_bytes(held), len(above), _n_bytes(above)
            )

    def close(self) -> None:
        """Give all memory back; again is harmless. Nobody may be using the tier any more."""
        self._regions.close()

    # -- under the lock

    def _pinned(self, span: Span, copy: _Copy, passing: bool) -> Target:
        copy.n_pins += 1
        if not passing:
            self._use(span)
        return copy.target

    def _use(self, span: Span, *, last: bool = True) -> None:
        """Make a part's copy, if it is there, the last of its kind to leave; or the first."""
        copy = self._copies.get(span)
        if copy is not None and copy.filled:
            self._orders[copy.region.n_bytes].add(span, above=span in self._n_above, last=last)

    def _reserve(self, span: Span, *, sparing: bool) -> Target | None:
        """Give an absent part a region; if `sparing`, evict only a copy that is held above."""
        size = region_bytes(span.n_bytes)
        region = self._regions.take(size)
        if region is None:
            region = self._evict_one(size, sparing=sparing)
        if region is None:
            return None
        copy = self._copies[span] = _Copy(region, target_in(self._regions.view(region), span))
        return copy.target

    def _evict_one(self, size: int, *, sparing: bool = False) -> Region | None:
        """Let the first copy in order leave that may; return its region, which is still taken."""
        order = self._orders[size]
        for spans in (order.above,) if sparing else (order.above, order.others):
            victim = next((span for span in spans if not self._copies[span].n_pins), None)
            if victim is not None:
                self._evictions += 1
                order.discard(victim)
                return self._copies.pop(victim).region
        return None

    def _shed(self, size: int) -> list[Region]:
        """Let go of what is above the capacity, as far as it may leave; return the regions, retired."""
        leaving = []
        while self._regions.surplus(size) > 0 and (region := self._evict_one(size)) is not None:
            self._regions.retire(region)
            leaving.append(region)
        return leaving

    # -- without the lock

    def _give_back(self, leaving: Iterable[Region]) -> None:
        for region in leaving:
            self._regions.release_memory(region)
            with self._changed:
                self._regions.freed(region)


def _n_bytes(spans: Iterable[Span]) -> int:
    return sum(span.n_bytes for span in spans)
