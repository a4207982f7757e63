"""Racks: one row for parts of one kind and length, and a number of its own for everything in it."""

import pytest

from fakes.tiny_experts import DOWN, GATE, layer_layout
from offload.experts.racks import device_racks, racks_for, spare_places

LAYERS = {
    layout.layer: layout
    for layout in (
        layer_layout(1, 4, {GATE: 5000, DOWN: 100}),
        layer_layout(2, 6, {GATE: 5000, DOWN: 9000}),
        layer_layout(5, 3, {GATE: 8000, DOWN: 9000}),
    )
}


def test_parts_of_one_kind_and_length_share_a_rack() -> None:
    assert {(rack.kind, rack.stride_bytes, tuple(rack.first)) for rack in racks_for(LAYERS)} == {
        (GATE, 8192, (1, 2, 5)),
        (DOWN, 4096, (1,)),
        (DOWN, 12288, (2, 5)),
    }


def test_slots_of_the_layers_follow_the_places() -> None:
    gate = next(rack for rack in racks_for(LAYERS) if rack.kind is GATE)
    assert (gate.n_places, gate.first, gate.n_slots) == (6, {1: 6, 2: 10, 5: 16}, 19)
    assert gate.n_bytes == 19 * 8192


def test_there_is_a_place_for_every_expert_of_each_layer() -> None:
    for rack in racks_for(LAYERS):
        assert rack.n_places == max(LAYERS[layer].n_expert for layer in rack.first)


def test_a_dense_model_has_none() -> None:
    assert racks_for({}) == []


CAPACITY = {1: 2, 2: 3, 5: 3}


def test_on_a_device_there_are_the_slots_of_the_plan_and_no_gaps() -> None:
    gate = next(rack for rack in device_racks(LAYERS, CAPACITY, staged=False) if rack.first.keys() == {1, 2})
    assert (gate.n_places, gate.first, gate.n_slots, gate.stride_bytes) == (0, {1: 0, 2: 2}, 5, 5000)
    assert {
        (rack.kind, rack.stride_bytes, tuple(rack.first)) for rack in device_racks(LAYERS, CAPACITY, staged=True)
    } == {
        (GATE, 5000, (1, 2)),
        (GATE, 8000, (5,)),
        (DOWN, 100, (1,)),
        (DOWN, 9000, (2, 5)),
    }


def test_on_a_device_there_are_places_for_what_a_batch_may_need_beside_the_slots() -> None:
    for rack in device_racks(LAYERS, CAPACITY, staged=True):
        beside = rack.n_expert - min(CAPACITY[layer] for layer in rack.first)
        assert beside <= rack.n_places <= beside + spare_places(rack.n_expert)
        assert rack.first[min(rack.first)] == rack.n_places
        assert rack.n_slots == rack.n_places + sum(CAPACITY[layer] for layer in rack.first)


def test_no_more_places_are_taken_than_there_are_experts() -> None:
    (rack,) = device_racks({0: layer_layout(0, 16, {GATE: 8})}, {0: 1}, staged=True)
    assert rack.n_places == 16


@pytest.mark.parametrize(("most_bytes", "expected"), [(25_000, [(1, 2)]), (24_999, [(1,), (2,)]), (1, [(1,), (2,)])])
def test_what_a_device_does_not_give_in_one_piece_is_shared_out(
    most_bytes: int, expected: list[tuple[int, ...]]
) -> None:
    racks = device_racks(LAYERS, {1: 2, 2: 3, 5: 1}, staged=False, most_bytes=most_bytes)
    assert [tuple(rack.first) for rack in racks if rack.stride_bytes == 5000] == expected
