"""`TieredSource`: what a device's pager and staging read with: from memory where a part lies there, else from disk.

A part that is absent is read into the host tier and uploaded from there; where the tier has no region for it, scratch
memory of the reading thread does. What a slot held is offered to the host tier before the slot is overwritten.

Rules (tests/offload/experts/test_tiered_source.py, and for threads test_tiered_threads.py):
 1. What a slot is remembered to hold, it holds whole.        test_a_failed_upload_is_remembered_by_nobody
 2. A failed read leaves no part behind, a failed upload a whole one or none. test_a_failed_read_leaves_the_part_absent,
                                                              test_after_a_failed_upload_the_copy_in_memory_stays
 3. With any number of threads every slot gets the bytes of its expert. test_many_threads_fill_every_slot_rightly

Thread rule: any thread may call anything; two may not write one target at once.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from offload.experts.bounce import BounceBuffer
from offload.experts.device_target import DeviceMemory, DeviceTarget
from offload.experts.host_regions import region_bytes
from offload.experts.host_tier import Claim, HostCounts, HostTier, target_in
from offload.experts.reader import Target
from offload.experts.span_source import SpanSource
from offload.experts.store import LayerLayout, Span, WeightKind

Arrived = Callable[[Span, Target], None]


@dataclass(frozen=True, slots=True)
class TierCounts:
    """Bytes that went each way so far, and what the host tier says of itself."""

    bytes_read: int
    """From disk, in whole pages."""
    bytes_uploaded: int
    bytes_downloaded: int
    host: HostCounts


class Held(NamedTuple):
    """Parts of an expert that lie in memory until they are given back with `release`."""

    targets: Mapping[WeightKind, Target]
    leased: Sequence[Span]
    """Those of them that lie in the host tier."""


def scratch_bytes(layers: Mapping[int, LayerLayout]) -> int:
    """Return how much scratch memory one reading thread may need, an upper bound, in bytes."""
    return max((sum(region_bytes(part.n_bytes) for part in of.parts) for of in layers.values()), default=0)


class TieredSource:
    """Reads spans into device memory through a host tier. Any number of threads may read at once."""

    def __init__(self, source: SpanSource, tier: HostTier, memory: DeviceMemory) -> None:
        """Read what `tier` lacks through `source`; upload to `memory`."""
        self._source, self._tier, self._memory = source, tier, memory
        self._in_slot: dict[DeviceTarget, Span] = {}
        self._lock = threading.Lock()
        self._scratch = threading.local()
        self._bytes_read = self._bytes_uploaded = self._bytes_downloaded = 0

    def use_tier(self, tier: HostTier) -> None:
        """Have another host tier from now on; nothing was read through this one."""
        self._tier = tier

    def read_spans(self, spans: Sequence[Span], targets: Mapping[WeightKind, DeviceTarget]) -> int:
        """Bring `spans` of one expert to `targets`; return the bytes read from disk.

        Raises:
            ExpertReadError: something could not be read or decoded; the targets' contents are then undefined.
            DeviceError: the device refused; the same.
        """
        for span in spans:
            if targets[span.kind].n_bytes != span.n_bytes:
                raise ValueError(f"{span.kind.value} has {span.n_bytes} bytes, its target {targets[span.kind].n_bytes}")
        passing = not any(self._memory.is_slot(targets[span.kind]) for span in spans)
        leased: list[Span] = []

        def arrived(span: Span, target: Target) -> None:
            self._upload(span, target, targets[span.kind])

        try:
            there = self._lease(spans, leased, passing)
            for span in spans:
                self.vacate(targets[span.kind])
            for span, target in there.items():
                arrived(span, target)
            absent = [span for span in spans if span not in there]
            return self._bring(absent, leased, arrived, self._bounce, passing)
        finally:
            self._give_back(leased)

    def prefetch(self, spans: Iterable[Span]) -> int:
        """Read absent parts, of any experts, into the host tier alone, as it has room; return the bytes read.

        What another thread is reading is left to it.

        Raises:
            ExpertReadError: something could not be read or decoded; it and what followed it is absent.
        """
        n_bytes = 0
        for group in _kinds_apart(spans):
            leased: list[Span] = []
            try:
                _, absent, _ = self._claim(group, leased)
                reserved = {span: target for span, target in absent.items() if target is not None}
                n_bytes += self._read(reserved, reserved)
            finally:
                self._give_back(leased)
        return n_bytes

    def hold(self, spans: Sequence[Span]) -> Held:
        """Have `spans` of one expert in memory, for the processor to compute with, until `release`.

        Where the host tier has no room, the memory is theirs alone, and goes with the views of it.

        Raises:
            ExpertReadError: something could not be read or decoded; then nothing is held.
        """
        leased: list[Span] = []
        targets: dict[WeightKind, Target] = {}

        def arrived(span: Span, target: Target) -> None:
            targets[span.kind] = target

        try:
            there = self._lease(spans, leased)
            for span, target in there.items():
                arrived(span, target)
            self._bring([span for span in spans if span not in there], leased, arrived, BounceBuffer)
        except BaseException:
            self._give_back(leased)
            raise
        return Held(targets, leased)

    def release(self, held: Held) -> None:
        """Give back what `hold` returned, once."""
        self._give_back(held.leased)

    def vacate(self, target: DeviceTarget) -> None:
        """Save what a slot holds, if the host tier wants it, and remember it no more.

        For who is about to overwrite a slot, or to give its memory back, other than by `read_spans`.

        Raises:
            DeviceError: it could not be downloaded.
        """
        with self._lock:
            span = self._in_slot.pop(target, None)
        if span is None:
            return
        self._tier.demote(span)
        region = self._tier.keep(span)
        if region is None:
            return
        try:
            self._memory.download(target, region.payload)
            self._tier.commit(span)
        finally:
            self._tier.release(span)
        with self._lock:
            self._bytes_downloaded += span.n_bytes

    def filled(self, target: DeviceTarget, span: Span) -> None:
        """Learn that a slot, vacated before, holds this part, whole: for who fills it other than by `read_spans`."""
        with self._lock:
            self._in_slot[target] = span
        self._tier.promote(span)

    def counts(self) -> TierCounts:
        """Return what went which way so far."""
        host = self._tier.counts()
        with self._lock:
            return TierCounts(self._bytes_read, self._bytes_uploaded, self._bytes_downloaded, host)

    def _lease(self, spans: Sequence[Span], leased: list[Span], passing: bool = False) -> dict[Span, Target]:
        """Pin what is there of `spans` and note it in `leased`; what is there must not leave for what is demoted."""
        there = {}
        for span in spans:
            if (target := self._tier.lease(span, passing=passing)) is not None:
                leased.append(span)
                there[span] = target
        return there

    def _claim(
        self, spans: Sequence[Span], leased: list[Span], passing: bool = False
    ) -> tuple[dict[Span, Target], dict[Span, Target | None], list[Span]]:
        """Claim `spans`; return those there, those absent with their region if any, and those others are reading."""
        there: dict[Span, Target] = {}
        absent: dict[Span, Target | None] = {}
        loading = []
        for span in spans:
            claim, target = self._tier.claim(span, passing=passing)
            if target is not None:
                leased.append(span)
            if claim is Claim.LOADING:
                loading.append(span)
            elif target is not None and claim is Claim.THERE:
                there[span] = target
            else:
                absent[span] = target
        return there, absent, loading

    def _bring(
        self,
        spans: Sequence[Span],
        leased: list[Span],
        arrived: Arrived,
        scratch: Callable[[], BounceBuffer],
        passing: bool = False,
    ) -> int:
        """Have `spans` in memory and hand over each as it arrives; return the bytes read.

        What is absent is read together. Scratch memory is used again once what lay there was handed over.
        """
        n_bytes = 0
        while spans:
            there, absent, loading = self._claim(spans, leased, passing)
            targets = _with_scratch(absent, scratch)
            n_bytes += self._read(targets, [span for span, target in absent.items() if target is not None], passing)
            for span, target in (there | targets).items():
                arrived(span, target)
            if loading:
                self._tier.wait(loading[0])
            spans = loading
        return n_bytes

    def _read(self, targets: Mapping[Span, Target], reserved: Iterable[Span], passing: bool = False) -> int:
        """Read spans in one call, and commit those `reserved` in the host tier."""
        if not targets:
            return 0
        n_bytes = self._source.read_spans(list(targets), {span.kind: target for span, target in targets.items()})
        for span in reserved:
            self._tier.commit(span, passing=passing)
        with self._lock:
            self._bytes_read += n_bytes
        return n_bytes

    def _upload(self, span: Span, source: Target, target: DeviceTarget) -> None:
        self._memory.upload(target, source.payload)
        with self._lock:
            self._bytes_uploaded += span.n_bytes
        if self._memory.is_slot(target):
            self.filled(target, span)

    def _give_back(self, leased: Iterable[Span]) -> None:
        for span in leased:
            self._tier.release(span)

    def _bounce(self) -> BounceBuffer:
        bounce: BounceBuffer | None = getattr(self._scratch, "bounce", None)
        if bounce is None:
            bounce = self._scratch.bounce = BounceBuffer()
        return bounce


def _with_scratch(absent: Mapping[Span, Target | None], scratch: Callable[[], BounceBuffer]) -> dict[Span, Target]:
    """Give those spans scratch memory that have no region, all in one piece."""
    sizes = [region_bytes(span.n_bytes) for span, target in absent.items() if target is None]
    memory = scratch().region(sum(sizes)) if sizes else memoryview(b"")
    targets, start = {}, 0
    for span, target in absent.items():
        if target is None:
            size = region_bytes(span.n_bytes)
            target = target_in(memory[start : start + size], span)
            start += size
        targets[span] = target
    return targets


def _kinds_apart(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Cut `spans` into groups that a source can read in one call: no kind twice."""
    group: list[Span] = []
    for span in spans:
        if any(span.kind is other.kind for other in group):
            yield group
            group = []
        group.append(span)
    if group:
        yield group
