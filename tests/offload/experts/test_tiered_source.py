"""Which way a part takes to the device, what is remembered of it, and what an error leaves behind."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from fakes.byte_device import RefusedError
from fakes.memory_calls import MemoryCalls
from fakes.tiered_world import EXPERT_REGION_BYTES, HALF, SIZES, TieredWorld
from fakes.tiny_experts import DOWN, GATE, UP, TinySource, content, layer_layout
from offload.errors import ExpertReadError
from offload.experts.device_target import DeviceTarget
from offload.experts.host_tier import HostTier
from offload.experts.key import ExpertKey
from offload.experts.reader import Target
from offload.experts.span_reader import SpanReader
from offload.experts.store import PAGE, Codec, LayerLayout, Span, WeightKind
from offload.experts.system_reader import SystemReader
from offload.experts.tiered_source import TieredSource, scratch_bytes


def test_an_absent_expert_is_read_once_and_uploaded() -> None:
    world = TieredWorld(2)
    assert world.load(3, 0) == 5600
    assert world.slot_holds(0, 3)
    assert world.in_memory() == [3]
    assert world.n_reads == 3


def test_what_lies_in_memory_is_not_read_again() -> None:
    world = TieredWorld(2)
    world.load(3, 0)
    assert world.load(3, 1) == 0
    assert world.slot_holds(1, 3)
    assert world.n_reads == 3


def test_only_the_absent_parts_are_read() -> None:
    world = TieredWorld(2)
    world.load(3, 0, (UP,))
    assert world.load(3, 1) == 5300
    assert world.slot_holds(1, 3)
    assert [kind for _, kind in world.disk.begun] == [UP, GATE, DOWN]


class Calls:
    """A source that notes which spans it was asked for together."""

    def __init__(self, source: TinySource) -> None:
        self._source = source
        self.asked: list[list[Span]] = []

    def read_spans(self, spans: Sequence[Span], targets: Mapping[WeightKind, Target]) -> int:
        self.asked.append(list(spans))
        return self._source.read_spans(spans, targets)


@pytest.mark.parametrize("n_in_memory", [0, 2])
def test_absent_parts_are_asked_for_in_one_call(n_in_memory: int) -> None:
    world = TieredWorld(n_in_memory)
    calls = Calls(world.disk)
    TieredSource(calls, world.tier, world.device).read_spans(world.spans(4), world.slots(0))
    assert calls.asked == [world.spans(4)]
    assert world.slot_holds(0, 4)


class OneFile:
    """A store of one file; spans are made by the tests."""

    files = (Path("experts"),)
    layers: Mapping[int, LayerLayout] = {0: layer_layout(0, 1, SIZES)}

    def spans(self, key: ExpertKey) -> tuple[Span, ...]:
        raise KeyError(key)


@pytest.mark.parametrize("capacity_bytes", [0, 1 << 20])
@pytest.mark.parametrize(("lead", "n_reads"), [(0, 1), (777, 3)])
def test_parts_are_read_straight_into_memory(capacity_bytes: int, lead: int, n_reads: int) -> None:
    made = random.Random(0).randbytes(9 * PAGE)
    calls = MemoryCalls(made)
    places = {GATE: PAGE + lead, UP: 2 * PAGE + lead, DOWN: 3 * PAGE + lead}
    spans = [Span(0, places[kind], size, kind, size, Codec.RAW) for kind, size in SIZES.items()]
    world = TieredWorld(0)
    tier = HostTier(OneFile.layers, capacity_bytes, spare=1)
    with SpanReader(OneFile(), [SystemReader(OneFile.files[0], direct=True, calls=calls)]) as reader:
        source = TieredSource(reader, tier, world.device)
        source.read_spans(spans, world.slots(0))
        assert reader.direct
        bounced = hasattr(reader._scratch, "bounce")
    assert len(calls.reads) == n_reads
    assert not bounced
    for span in spans:
        payload = bytearray(span.n_bytes)
        world.device.download(world.slots(0)[span.kind], memoryview(payload))
        assert payload == made[span.offset : span.offset + span.n_bytes]


def test_a_target_of_another_length_is_refused() -> None:
    world = TieredWorld(1)
    with pytest.raises(ValueError, match="gate has 300 bytes, its target 5000"):
        world.source.read_spans(world.spans(0, (GATE,)), {GATE: world.slots(0)[DOWN]})


def test_without_memory_everything_comes_from_disk() -> None:
    world = TieredWorld(0)
    for _ in range(2):
        assert world.load(2, 0) == 5600
        assert world.slot_holds(0, 2)
    assert world.device.downloaded == []


def test_when_all_regions_are_pinned_parts_go_through_scratch_memory() -> None:
    world = TieredWorld(1)
    held = world.source.hold(world.spans(0))
    assert world.load(1, 0) == 5600
    assert world.slot_holds(0, 1)
    assert world.in_memory() == [0]
    world.source.release(held)


def test_scratch_memory_is_enough_for_an_expert() -> None:
    assert scratch_bytes(OneFile.layers) == EXPERT_REGION_BYTES
    assert scratch_bytes({}) == 0


# -- slots and copies


def test_what_was_uploaded_into_a_slot_is_held_above() -> None:
    world = TieredWorld(3)
    world.load(0, 0)
    assert world.tier.counts().n_parts_above == 3


def test_what_was_uploaded_to_a_staging_place_is_not_held_above() -> None:
    world = TieredWorld(3)
    places = {kind: world.device.place(0, kind, 0) for kind in SIZES}
    world.source.read_spans(world.spans(0), places)
    world.source.read_spans(world.spans(1), places)
    assert world.tier.counts().n_parts_above == 0
    assert world.in_memory() == [0, 1]


def test_an_overwritten_part_whose_copy_is_there_is_as_good_as_used() -> None:
    world = TieredWorld(3)
    world.load(0, 0)
    world.load(1, 1)
    world.load(2, 0)  # 0 has lost its slot: its copy is all there is of it
    world.load(3, 2)  # the copy of 1 is the oldest of those held above
    assert world.in_memory() == [0, 2, 3]
    assert world.device.downloaded == []


def test_an_overwritten_part_without_a_copy_is_downloaded_in_place_of_one_held_above() -> None:
    world = TieredWorld(1)
    world.load(0, 0)
    world.load(1, 1)  # takes the region of 0, which is held above
    assert world.in_memory() == [1]
    world.load(2, 0)  # 0 is downloaded in place of 1, then 2 evicts it
    assert set(world.device.downloaded) == set(world.slots(0).values())
    assert world.slot_holds(0, 2)


def test_a_downloaded_part_is_found_in_memory() -> None:
    world = TieredWorld(2)
    for expert in range(3):
        world.load(expert, expert)
    assert world.in_memory() == [1, 2]
    world.load(3, 0)
    assert world.in_memory() == [0, 3]
    n_reads = world.n_reads
    assert world.load(0, 4) == 0
    assert world.slot_holds(4, 0)
    assert world.n_reads == n_reads


def test_an_overwritten_part_is_not_downloaded_in_place_of_what_is_only_in_memory() -> None:
    world = TieredWorld(1)
    world.load(0, 0)
    held = world.source.hold(world.spans(1))
    world.source.release(held)
    world.load(2, 0)
    assert world.device.downloaded == []


def test_an_overwritten_part_is_not_downloaded_while_another_slot_holds_it() -> None:
    world = TieredWorld(1)
    world.load(0, 0)
    world.load(0, 1)
    world.load(1, 2)
    world.load(2, 0)
    assert world.device.downloaded == []


def test_what_a_slot_gets_is_not_evicted_for_what_it_had() -> None:
    world = TieredWorld(1)
    world.load(0, 0)
    world.load(1, 1)
    assert world.load(1, 0) == 0
    assert world.slot_holds(0, 1)


def test_an_overwritten_part_is_saved_before_its_slot_is_written() -> None:
    world = TieredWorld(1)
    world.load(0, 0, HALF)
    world.load(1, 1, HALF)
    ask, seen = world.device.refuses, []

    def note(target: DeviceTarget) -> bool:
        if target == world.slots(0)[GATE]:
            seen.append(world.slot_holds(0, 0, (GATE,)))
        return ask(target)

    world.device.refuses = note
    world.load(2, 0, HALF)
    assert seen == [True, True]  # as it is downloaded, and as the upload begins


def test_a_vacated_slot_is_saved_and_forgotten() -> None:
    world = TieredWorld(2)
    for expert in range(3):
        world.load(expert, expert, HALF)
    for kind in HALF:
        world.source.vacate(world.slots(0)[kind])
        world.device.spoil(world.slots(0)[kind])
    assert len(world.device.downloaded) == 2
    assert world.in_memory() == [0, 2]
    world.load(4, 0, HALF)
    assert len(world.device.downloaded) == 2


def test_a_slot_that_was_filled_otherwise_is_saved_likewise() -> None:
    world = TieredWorld(1)
    target = world.slots(0)[GATE]
    made = content(ExpertKey(0, 5), GATE, 300)
    world.device.upload(target, memoryview(bytearray(made)))
    world.source.filled(target, world.span(5, GATE))
    world.source.vacate(target)
    found = world.tier.lease(world.span(5, GATE))
    assert found is not None
    assert bytes(found.payload) == made


# -- errors


def test_a_failed_read_leaves_the_part_absent() -> None:
    world = TieredWorld(2)
    world.load(0, 0)
    world.disk.broken.add(ExpertKey(0, 1))
    with pytest.raises(ExpertReadError):
        world.load(1, 0)
    assert world.in_memory() == [0]
    assert world.tier.counts().n_parts_above == 0
    world.disk.broken.clear()
    assert world.load(1, 0) == 5600
    assert world.slot_holds(0, 1)
    assert world.nothing_is_on_its_way()


def test_after_a_failed_upload_the_copy_in_memory_stays() -> None:
    world = TieredWorld(2)
    world.device.refuses = lambda target: target.n_bytes == 5000
    with pytest.raises(RefusedError):
        world.load(1, 0)
    world.device.refuses = lambda target: False
    assert world.load(1, 0) == 0
    assert world.slot_holds(0, 1)
    assert world.nothing_is_on_its_way()


def test_a_failed_upload_is_remembered_by_nobody() -> None:
    world = TieredWorld(1)
    world.load(0, 0)
    world.load(1, 1)
    world.device.refuses = lambda target: target == world.slots(1)[GATE]
    with pytest.raises(RefusedError):
        world.load(2, 1)
    world.device.spoil(world.slots(1)[GATE])
    world.device.refuses = lambda target: False
    world.load(3, 1)
    assert world.slots(1)[GATE] not in world.device.downloaded
    assert world.slot_holds(1, 3)


def test_a_failed_download_leaves_the_part_absent() -> None:
    world = TieredWorld(1)
    world.load(0, 0)
    world.load(1, 1)
    world.device.refuses = lambda target: target == world.slots(0)[GATE]
    with pytest.raises(RefusedError):
        world.load(2, 0)
    assert world.in_memory() == []
    world.device.refuses = lambda target: False
    assert world.load(2, 0) == 5600
    assert world.slot_holds(0, 2)
    assert world.nothing_is_on_its_way()


# -- in memory only


def test_prefetched_parts_are_in_memory_only() -> None:
    world = TieredWorld(3)
    assert world.source.prefetch([*world.spans(0), *world.spans(1)]) == 2 * 5600
    assert world.in_memory() == [0, 1]
    assert world.device.uploaded == []
    assert world.load(1, 0) == 0
    assert world.slot_holds(0, 1)


def test_what_is_there_or_being_read_is_not_prefetched() -> None:
    world = TieredWorld(3)
    world.load(0, 0)
    world.tier.claim(world.span(1, GATE))
    assert world.source.prefetch([*world.spans(0), world.span(1, GATE)]) == 0


def test_prefetching_stops_for_want_of_room() -> None:
    world = TieredWorld(1)
    held = world.source.hold(world.spans(0))
    assert world.source.prefetch(world.spans(1)) == 0
    world.source.release(held)
    assert world.source.prefetch(world.spans(1)) == 5600


def test_a_failed_prefetch_leaves_the_part_absent() -> None:
    world = TieredWorld(2)
    world.disk.broken.add(ExpertKey(0, 1))
    with pytest.raises(ExpertReadError):
        world.source.prefetch([*world.spans(0), *world.spans(1)])
    assert world.in_memory() == [0]
    world.tier.resize(0)
    assert world.in_memory() == []


@pytest.mark.parametrize("n_in_memory", [0, 1])
def test_held_parts_lie_in_memory_until_they_are_given_back(n_in_memory: int) -> None:
    world = TieredWorld(n_in_memory)
    world.source.prefetch([world.span(2, UP)])
    held = world.source.hold(world.spans(2))
    for expert in (0, 1, 3):
        world.load(expert, 0)
        world.source.prefetch(world.spans(expert))
    assert {kind: bytes(target.payload) for kind, target in held.targets.items()} == {
        kind: content(ExpertKey(0, 2), kind, size) for kind, size in SIZES.items()
    }
    world.source.release(held)
    world.load(0, 0)
    assert world.in_memory() == [0][:n_in_memory]


def test_what_cannot_be_read_is_not_held() -> None:
    world = TieredWorld(2)
    world.source.prefetch([world.span(2, UP)])
    world.disk.broken.add(ExpertKey(0, 2))
    with pytest.raises(ExpertReadError):
        world.source.hold(world.spans(2))
    assert world.nothing_is_on_its_way()


def test_it_counts_the_bytes_each_way() -> None:
    world = TieredWorld(2)
    for expert in range(3):
        world.load(expert, expert)
    world.load(3, 0)
    world.source.prefetch(world.spans(4))
    counts = world.source.counts()
    assert counts.bytes_read == 5 * 5600
    assert counts.bytes_uploaded == 4 * 5600
    assert counts.bytes_downloaded == 5600
    assert (counts.host.hits, counts.host.misses) == (0, 12)
    world.load(4, 1)
    assert world.source.counts().host.hits == 3


def stage(world: TieredWorld, experts: Sequence[int]) -> int:
    """Bring experts to places one after the other, as a prompt does; return how many parts were read."""
    before = world.n_reads
    for expert in experts:
        targets = {kind: world.device.place(0, kind, expert) for kind in SIZES}
        world.source.read_spans(world.spans(expert), targets)
        assert all(world.device.holds(targets[kind], ExpertKey(0, expert), kind) for kind in SIZES)
    return world.n_reads - before


def test_a_prompt_leaves_in_memory_what_was_warm() -> None:
    world = TieredWorld(2)
    world.load(0, 0)
    world.load(1, 0)
    stage(world, [2, 3, 4, 5])
    assert world.in_memory() == [0, 5]


def test_a_prompt_finds_what_the_one_before_has_left() -> None:
    world = TieredWorld(3)
    assert stage(world, range(6)) == 6 * 3
    assert stage(world, range(6)) == 4 * 3
    assert world.in_memory() == [0, 1, 5]
