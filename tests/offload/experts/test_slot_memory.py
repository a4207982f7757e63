"""Slots in an arena: where parts go, and that slots do not overlap."""

import itertools
import mmap
import sys

import numpy as np

from fakes.tiny_experts import DOWN, GATE, layer_layout
from offload.experts.arena import HUGE_PAGE, Arena
from offload.experts.reader import Target
from offload.experts.slot_memory import ArenaSlots

LAYERS = {2: layer_layout(2, 3, {GATE: 5000, DOWN: 100}, phase=64), 5: layer_layout(5, 2, {DOWN: 4096})}
OFFSETS = {(2, "gate"): 0, (2, "down"): 8 * 4096, (5, "down"): 16 * 4096}


def slots_in(arena: Arena) -> ArenaSlots:
    return ArenaSlots(arena, LAYERS, {place: arena.address + offset for place, offset in OFFSETS.items()})


def address_of(target: Target) -> int:
    address: int = np.frombuffer(target.region, np.uint8).__array_interface__["data"][0]
    return address


def test_a_part_lies_at_its_slots_address_behind_its_phase() -> None:
    arena = Arena(HUGE_PAGE)
    target = slots_in(arena).target(2, DOWN, 2)
    assert address_of(target) == arena.address + 8 * 4096 + 2 * 4096
    assert (target.start, target.n_bytes, len(target.region)) == (64, 100, 4096)


def test_regions_are_whole_pages_and_do_not_overlap() -> None:
    arena = Arena(HUGE_PAGE)
    slots = slots_in(arena)
    targets = [
        slots.target(layout.layer, part.kind, slot)
        for layout in LAYERS.values()
        for part in layout.parts
        for slot in range(layout.n_expert)
    ]
    ranges = sorted((address_of(target), address_of(target) + len(target.region)) for target in targets)
    assert all(first % 4096 == 0 and last % 4096 == 0 for first, last in ranges)
    assert all(last <= first for (_, last), (first, _) in itertools.pairwise(ranges))


def test_releasing_a_slot_leaves_the_others() -> None:
    slots = slots_in(Arena(HUGE_PAGE))
    for kind, slot in itertools.product((GATE, DOWN), range(3)):
        slots.target(2, kind, slot).payload[:] = b"\x01" * slots.target(2, kind, slot).n_bytes
    slots.release(2, 1)
    left = {(kind, slot) for kind in (GATE, DOWN) for slot in range(3) if slots.target(2, kind, slot).payload[0]}
    given_back = sys.platform == "linux" and mmap.PAGESIZE == 4096
    assert left == {(kind, slot) for kind in (GATE, DOWN) for slot in range(3) if slot != 1 or not given_back}
