"""Slots and places in a device's memory: where they are, what goes there, and memory that is not to be had."""

from itertools import pairwise

import pytest

from fakes.byte_blocks import ByteBlock, ByteBlocks
from fakes.tiny_experts import DOWN, GATE, UP, TinyStore, content, layer_layout
from offload.errors import DeviceError
from offload.experts.device_slots import DeviceSlots
from offload.experts.device_target import DeviceTarget
from offload.experts.key import ExpertKey
from offload.experts.store import Span, WeightKind

STORE = TinyStore(
    layer_layout(0, 8, {GATE: 7, UP: 7, DOWN: 11}),
    layer_layout(1, 8, {GATE: 7, UP: 7, DOWN: 5}),
    layer_layout(2, 4, {GATE: 7, UP: 7, DOWN: 11}),
)
CAPACITY = {0: 3, 1: 2, 2: 4}


class Watcher:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, DeviceTarget, Span | None]] = []

    def vacate(self, target: DeviceTarget) -> None:
        self.heard.append(("vacate", target, None))

    def filled(self, target: DeviceTarget, span: Span) -> None:
        self.heard.append(("filled", target, span))


def make_slots(*, staged: bool = True) -> DeviceSlots:
    return DeviceSlots(STORE, CAPACITY, ByteBlocks().make, staged=staged)


def payload(key: ExpertKey, kind: WeightKind, n_bytes: int) -> memoryview:
    return memoryview(content(key, kind, n_bytes))


def all_slots(slots: DeviceSlots) -> list[DeviceTarget]:
    return [
        slots.target(layer, part.kind, slot)
        for layer, layout in STORE.layers.items()
        for part in layout.parts
        for slot in range(CAPACITY[layer])
    ]


def all_places(slots: DeviceSlots) -> list[DeviceTarget]:
    return [
        slots.place(next(iter(rack.first)), rack.kind, place) for rack in slots.racks for place in range(rack.n_places)
    ]


@pytest.mark.parametrize("staged", [False, True], ids=["unstaged", "staged"])
def test_no_two_targets_overlap_and_all_lie_in_their_block(staged: bool) -> None:
    slots = make_slots(staged=staged)
    targets = sorted([*all_slots(slots), *all_places(slots)])
    for one, other in pairwise(targets):
        assert one.block < other.block or one.offset + one.n_bytes <= other.offset
    for number, rack in enumerate(slots.racks):
        last = max(target.offset + target.n_bytes for target in targets if target.block == number)
        assert last == rack.n_bytes


def test_slots_are_told_from_places() -> None:
    slots = make_slots()
    assert all_places(slots)
    assert all(slots.is_slot(target) for target in all_slots(slots))
    assert not any(slots.is_slot(target) for target in all_places(slots))


def test_layers_share_the_places_of_a_rack() -> None:
    slots = make_slots()
    assert slots.place(0, GATE, 1) == slots.place(2, GATE, 1)
    assert slots.place(0, DOWN, 1) == slots.place(2, DOWN, 1) != slots.place(1, DOWN, 1)


def test_a_home_says_where_the_slots_of_a_layer_begin() -> None:
    slots = make_slots()
    home = slots.home(2, DOWN)
    assert slots.racks[home.block] is home.rack
    assert home.n_bytes == 11
    assert slots.target(2, DOWN, 0).offset == home.rack.first[2] * home.rack.stride_bytes


def test_what_was_uploaded_is_downloaded_and_nothing_else_changes() -> None:
    slots = make_slots()
    for target in all_slots(slots):
        slots.upload(target, memoryview(bytes([0x11]) * target.n_bytes))
    key, target = ExpertKey(1, 5), slots.target(1, DOWN, 1)
    slots.upload(target, payload(key, DOWN, 5))
    for other in all_slots(slots):
        found = bytearray(other.n_bytes)
        slots.download(other, memoryview(found))
        assert bytes(found) == (content(key, DOWN, 5) if other == target else bytes([0x11]) * other.n_bytes)


def test_an_expert_is_copied_from_its_place_and_the_watcher_hears_of_both_ends() -> None:
    slots, key = make_slots(), ExpertKey(2, 3)
    slots.watcher = watcher = Watcher()
    slots.upload(slots.place(2, DOWN, 1), payload(key, DOWN, 11))
    slots.adopt(key, DOWN, 1, 2)
    target, found = slots.target(2, DOWN, 2), bytearray(11)
    slots.download(target, memoryview(found))
    assert found == payload(key, DOWN, 11)
    assert watcher.heard == [("vacate", target, None), ("filled", target, STORE.spans(key)[2])]


def test_a_copy_that_fails_fills_nothing() -> None:
    slots = make_slots()
    slots.watcher = watcher = Watcher()

    class Refusing(ByteBlock):
        def copy(self, source: int, target: int, n_bytes: int) -> None:
            raise DeviceError("copy", device="bytes")

    slots.blocks[:] = [Refusing(rack.n_bytes) for rack in slots.racks]
    with pytest.raises(DeviceError):
        slots.adopt(ExpertKey(0, 1), GATE, 0, 0)
    assert [what for what, _, _ in watcher.heard] == ["vacate"]


def test_an_expert_is_copied_without_anybody_who_watches() -> None:
    slots, key = make_slots(), ExpertKey(0, 1)
    slots.upload(slots.place(0, GATE, 0), payload(key, GATE, 7))
    slots.adopt(key, GATE, 0, 2)
    found = bytearray(7)
    slots.download(slots.target(0, GATE, 2), memoryview(found))
    assert found == payload(key, GATE, 7)


def test_letting_slots_and_places_go_keeps_the_memory() -> None:
    slots = make_slots()
    target = slots.target(0, GATE, 1)
    slots.upload(target, memoryview(b"whole!!"))
    slots.release(0, 1)
    slots.release_places()
    found = bytearray(7)
    slots.download(target, memoryview(found))
    assert found == b"whole!!"


@pytest.mark.parametrize("n_blocks", [0, 1, 3])
def test_memory_that_is_not_to_be_had_leaves_none_taken(n_blocks: int) -> None:
    device = ByteBlocks(n_blocks)
    with pytest.raises(DeviceError, match="no room"):
        DeviceSlots(STORE, CAPACITY, device.make, staged=True)
    assert [block.n_closed for block in device] == [1] * n_blocks


def test_closing_frees_every_block() -> None:
    device = ByteBlocks()
    slots = DeviceSlots(STORE, CAPACITY, device.make, staged=False)
    slots.close()
    assert len(device) == len(slots.racks)
    assert all(block.n_closed for block in device)
