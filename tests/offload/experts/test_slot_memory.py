"""Slots in an arena: where parts go, that nothing overlaps, and what is given back."""

import itertools
import mmap
import sys

import numpy as np
import pytest

from fakes.tiny_experts import DOWN, GATE, layer_layout
from offload.experts.arena import Arena
from offload.experts.reader import Target
from offload.experts.slot_memory import ArenaSlots

LAYERS = {
    2: layer_layout(2, 3, {GATE: 5000, DOWN: 100}, phase=64),
    5: layer_layout(5, 2, {DOWN: 4096}),
    6: layer_layout(6, 2, {DOWN: 100}),
}
GIVES_BACK = sys.platform == "linux" and mmap.PAGESIZE == 4096


@pytest.fixture
def slots() -> ArenaSlots:
    return ArenaSlots(LAYERS)


def address_of(target: Target) -> int:
    address: int = np.frombuffer(target.region, np.uint8).__array_interface__["data"][0]
    return address


def every_slot(slots: ArenaSlots) -> list[Target]:
    return [
        slots.target(layout.layer, part.kind, slot)
        for layout in LAYERS.values()
        for part in layout.parts
        for slot in range(layout.n_expert)
    ]


def every_place(slots: ArenaSlots) -> list[Target]:
    return [slots.place(2, GATE, place) for place in range(3)] + [slots.place(6, DOWN, place) for place in range(3)]


def test_a_part_lies_at_its_slots_address_behind_its_phase(slots: ArenaSlots) -> None:
    target = slots.target(2, DOWN, 2)
    assert address_of(target) == slots.address(2, DOWN) + 2 * 4096
    assert (target.start, target.n_bytes, len(target.region)) == (64, 100, 4096)


def test_a_rack_reaches_slots_and_places_by_its_stride(slots: ArenaSlots) -> None:
    rack = slots.rack(6, DOWN)
    assert rack == slots.rack(2, DOWN) == slots.rack(5, DOWN)
    reached = [rack.address + number * rack.stride_bytes for number in range(rack.n_slots)]
    down = [slots.target(layer, DOWN, slot) for layer in LAYERS for slot in range(LAYERS[layer].n_expert)]
    assert reached == [address_of(target) for target in (*every_place(slots)[3:], *down)]


def test_layers_share_places_and_each_has_its_phase(slots: ArenaSlots) -> None:
    one, other = slots.place(2, DOWN, 1), slots.place(6, DOWN, 1)
    assert address_of(one) == address_of(other)
    assert (one.start, other.start) == (64, 0)


def test_regions_are_whole_pages_and_do_not_overlap(slots: ArenaSlots) -> None:
    targets = every_slot(slots) + every_place(slots)
    ranges = sorted((address_of(target), address_of(target) + len(target.region)) for target in targets)
    assert all(first % 4096 == 0 and last % 4096 == 0 for first, last in ranges)
    assert all(last <= first for (_, last), (first, _) in itertools.pairwise(ranges))


def test_releasing_a_slot_leaves_everything_else(slots: ArenaSlots) -> None:
    everything = every_slot(slots) + every_place(slots)
    for target in everything:
        target.payload[:] = b"\x01" * target.n_bytes
    slots.release(2, 1)
    released = [address_of(slots.target(2, kind, 1)) for kind in (GATE, DOWN)] if GIVES_BACK else []
    assert [address_of(target) for target in everything if not target.payload[0]] == released


def test_releasing_places_leaves_the_slots(slots: ArenaSlots) -> None:
    for target in every_slot(slots) + every_place(slots):
        target.payload[:] = b"\x01" * target.n_bytes
    slots.release_places()
    assert all(target.payload[0] for target in every_slot(slots))
    assert not GIVES_BACK or not any(target.payload[0] for target in every_place(slots))


def test_huge_pages_change_nothing_that_is_written(slots: ArenaSlots) -> None:
    slots.target(2, GATE, 1).payload[:] = b"\x07" * 5000
    slots.use_huge_pages({2: 2, 5: 1, 6: 2})
    assert bytes(slots.target(2, GATE, 1).payload) == b"\x07" * 5000


def test_huge_pages_are_asked_for_used_slots_and_places_alone(
    slots: ArenaSlots, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(Arena, "use_huge_pages", lambda arena, address, n_bytes: asked.append((address, n_bytes)))
    slots.use_huge_pages({2: 2, 5: 1, 6: 0})
    used = [(slots.address(2, GATE), 2 * 8192), (slots.address(2, DOWN), 2 * 4096), (slots.address(5, DOWN), 4096)]
    places = [(slots.rack(2, GATE).address, 3 * 8192), (slots.rack(2, DOWN).address, 3 * 4096)]
    assert sorted(asked) == sorted([*used, (slots.address(6, DOWN), 0), *places])
