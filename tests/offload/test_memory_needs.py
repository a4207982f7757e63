"""What a model needs: of its slots, of several sequences, and the least budgets that follow."""

from collections.abc import Mapping
from dataclasses import replace

from offload.experts.store import LayerLayout, PartLayout, WeightKind, WeightLayout
from offload.memory_needs import SEQUENCE_BYTES, Needs, slots_bytes

KINDS = (WeightKind.GATE, WeightKind.UP, WeightKind.DOWN)


def layer_layout(layer: int, n_expert: int, n_bytes: int) -> LayerLayout:
    return LayerLayout(layer, n_expert, tuple(PartLayout(kind, n_bytes, WeightLayout.PLAIN, 0) for kind in KINDS))


def needs(layers: Mapping[int, LayerLayout]) -> Needs:
    return Needs(
        runtime_bytes=10_000_000,
        dense_bytes=1_000_000,
        kv_bytes=100_000,
        compute_bytes=10_000,
        reading_bytes=1_000,
        n_ctx=4096,
        n_ubatch=512,
        n_expert_used=8,
        layers=layers,
    )


LAYERS = {0: layer_layout(0, 4, 4096), 1: layer_layout(1, 64, 4096)}
"""The first layer has fewer experts than a token is routed to elsewhere."""


def test_slots_are_counted_in_pages_per_kind() -> None:
    layers = {0: layer_layout(0, 64, 100)}
    assert slots_bytes(layers, {0: 1}) == 3 * 4096
    assert slots_bytes(layers, {0: 64}) == 3 * 64 * 4096


def test_the_floor_has_a_slot_for_each_routed_expert_and_the_whole_one_for_every_expert() -> None:
    given = needs(LAYERS)
    assert given.floor_bytes == given.fixed_bytes + (4 + 8) * 3 * 4096
    assert given.whole_bytes == given.fixed_bytes + (4 + 64) * 3 * 4096


def test_the_floor_of_a_dense_model_is_the_whole() -> None:
    given = needs({})
    assert given.floor_bytes == given.whole_bytes == given.fixed_bytes == 11_111_000


def test_further_sequences_take_a_context_each_and_share_the_weights() -> None:
    given = needs(LAYERS)
    assert given.of_sequences(3) == replace(
        given,
        n_parallel=3,
        runtime_bytes=10_000_000 + 2 * SEQUENCE_BYTES,
        kv_bytes=300_000,
        compute_bytes=30_000,
    )
