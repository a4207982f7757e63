"""Racks: one row for parts of one kind and length, and a number of its own for everything in it."""

import pytest

from fakes.tiny_experts import DOWN, GATE, layer_layout
from offload.experts.racks import SPARE_SHARE, device_racks, racks_for

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


def test_a_device_has_as_many_slots_as_were_asked_for_and_no_gaps() -> None:
    (gate, *_) = device_racks(LAYERS, {1: 2, 2: 3, 5: 1}, staged=False)
    assert (gate.stride_bytes, gate.n_places, gate.first, gate.n_slots) == (5000, 0, {1: 0, 2: 2}, 5)


def test_staging_on_a_device_has_the_places_it_needs_beside_the_slots() -> None:
    (gate, *_) = device_racks(LAYERS, {1: 2, 2: 3, 5: 1}, staged=True)
    assert gate.n_places == min(6, 6 - 2 + round(SPARE_SHARE * 6))
    assert gate.first == {1: gate.n_places, 2: gate.n_places + 2}


@pytest.mark.parametrize(("most_bytes", "expected"), [(25_000, [(1, 2)]), (24_999, [(1,), (2,)]), (1, [(1,), (2,)])])
def test_what_a_device_does_not_give_in_one_piece_is_shared_out(
    most_bytes: int, expected: list[tuple[int, ...]]
) -> None:
    racks = device_racks(LAYERS, {1: 2, 2: 3, 5: 1}, staged=False, most_bytes=most_bytes)
    assert [tuple(rack.first) for rack in racks if rack.stride_bytes == 5000] == expected
