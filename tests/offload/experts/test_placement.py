"""Placement: kernels find the right bytes for any routes, in slots or staged, and prompts warm the slots."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fakes.staged_world import N_EXPERT, StagedWorld
from fakes.tiny_experts import DOWN, GATE, GATE_UP, UP, layer_layout
from offload.errors import ExpertReadError
from offload.experts.key import ExpertKey
from offload.experts.loader import Loader
from offload.experts.slots import SlotState
from offload.experts.store import WeightKind

EVERYONE = [[0, 1], [2, 3], [4, 5]]
"""A batch that routes to every expert."""


@pytest.fixture
def world() -> StagedWorld:
    return StagedWorld()


def counted(world: StagedWorld) -> tuple[int, int]:
    counts = world.pager.counts()
    return counts.hits, counts.misses


ROUTED = st.lists(st.permutations(range(N_EXPERT)).map(lambda order: order[:2]), max_size=5)
GRAPHS = st.sampled_from([((GATE, UP), (DOWN,)), ((GATE,), (UP,), (DOWN,)), ((GATE, UP, DOWN),)])


@given(st.lists(st.lists(ROUTED, min_size=4, max_size=4), min_size=1, max_size=4), GRAPHS, st.integers(2, 6))
def test_kernels_find_the_routed_experts_whatever_the_routes(
    walks: list[list[list[list[int]]]], graphs: tuple[tuple[WeightKind, ...], ...], n_slots: int
) -> None:
    world = StagedWorld(n_slots=n_slots, n_slots_staged=2)
    for walk in walks:
        for layer, routed in zip(world.store.layers, walk, strict=True):
            world.visit(layer, routed, graphs)
    world.close()


def test_reader_threads_bring_the_same_bytes() -> None:
    world, chance = StagedWorld(loader=Loader(3)), np.random.default_rng(5)
    for n_tokens in (4, 4, 1, 1, 2, 6, 1, 3, 1, 1) * 4:
        for layer in world.store.layers:
            world.visit(layer, [chance.permutation(N_EXPERT)[:2].tolist() for _ in range(n_tokens)])
    world.close()


def test_gate_and_up_in_one_matrix_are_staged_and_paged_alike() -> None:
    world = StagedWorld(layer_layout(0, N_EXPERT, {GATE_UP: 9000, DOWN: 100}))
    for routed in (EVERYONE, [[0, 1]]):
        world.visit(0, routed, ((GATE_UP,), (DOWN,)))


def test_a_batch_that_fits_is_placed_in_slots_in_the_shape_of_its_routes(world: StagedWorld) -> None:
    routed = np.array([[0, 1], [1, 2], [2, 0]], np.int32)
    placed = world.placer.place(0, routed, ["gate", "up"])
    assert placed.racked is None
    assert placed.slots is not None
    assert placed.slots.dtype == np.int32
    assert len(np.unique(placed.slots)) == 3


def test_a_batch_that_does_not_fit_is_staged(world: StagedWorld) -> None:
    for placed in world.visit(0, EVERYONE):
        assert placed.slots is None


def test_experts_in_slots_are_computed_with_where_they_are(world: StagedWorld) -> None:
    world.make_resident(0, 1, 4)
    world.source.begun.clear()
    world.visit(0, EVERYONE)
    assert {key.expert for key, _ in world.source.begun if key.layer == 0} == {0, 2, 3, 5}


def test_no_expert_is_read_twice_for_a_batch(world: StagedWorld) -> None:
    for layer in world.store.layers:
        world.visit(layer, BIG_BATCH)
    world.steps.drain()
    assert len(world.source.begun) == len(set(world.source.begun)) == 3 * N_EXPERT * 4


def test_a_batch_evicts_nothing_before_it_is_done(world: StagedWorld) -> None:
    world.make_resident(0, 0, 1, 2)
    routed = np.array([[3, 4], [3, 4], [3, 5], [0, 1]], np.int32)
    for kinds in (["gate", "up"], ["down"]):
        world.placer.place(0, routed, kinds)
        assert world.resident(0) == {0, 1, 2}
        world.placer.computed(0, kinds)
    assert world.resident(0) == {0, 3, 4}


def test_places_are_free_when_a_batch_is_done(world: StagedWorld) -> None:
    for layer in world.store.layers:
        world.visit(layer, BIG_BATCH)
    world.steps.drain()
    assert {world.n_places_used(layer, kind) for layer in world.store.layers for kind in (GATE, UP, DOWN)} == {0}


def test_a_layer_that_loses_slots_while_it_is_read_ahead_is_staged_all_the_same(world: StagedWorld) -> None:
    world.make_resident(1, 0, 1, 2)
    world.visit(0, BIG_BATCH)
    world.pager.set_ceiling(1, 1)
    world.visit(1, BIG_BATCH)
    world.visit(2, BIG_BATCH)


def test_a_batch_of_no_tokens_needs_nothing(world: StagedWorld) -> None:
    (placed, _) = world.visit(0, [])
    assert placed.slots is not None
    assert placed.slots.size == 0
    assert world.source.begun == []


def test_kernels_that_were_not_placed_may_end(world: StagedWorld) -> None:
    world.placer.computed(2, ["gate"])
    world.visit(2, [[0, 1]])


def test_without_staging_a_batch_that_does_not_fit_is_refused() -> None:
    world = StagedWorld(staged=False)
    with pytest.raises(ValueError, match="6 routed experts of layer 0 fit neither 3 slots nor staging"):
        world.visit(0, EVERYONE)


def test_without_staging_a_ceiling_refuses_no_batch_that_was_planned_for() -> None:
    world = StagedWorld(staged=False)
    world.pager.set_ceiling(0, 1)
    world.visit(0, [[0, 1], [1, 2]])
    assert len(world.resident(0)) == 1


def test_experts_are_pinned_until_the_last_kind_is_computed(world: StagedWorld) -> None:
    routed = np.array([[0, 1]], np.int32)
    world.placer.place(0, routed, ["gate", "up"])
    world.placer.computed(0, ["gate", "up"])
    world.placer.place(0, routed, ["down"])
    assert world.pager.states(0)[:2] == bytes([SlotState.PINNED] * 2)
    world.placer.computed(0, ["down"])
    assert world.pager.states(0)[:2] == bytes([SlotState.READY] * 2)


def test_a_prompt_leaves_its_most_used_experts_in_the_slots(world: StagedWorld) -> None:
    world.make_resident(0, 0, 1, 5)
    world.visit(0, [[5, 0], [5, 3], [5, 3], [2, 4], [1, 4], [3, 4]])
    world.steps.drain()
    assert world.resident(0) == {3, 4, 5}
    assert all(world.slot_whole(0, expert) for expert in (3, 4, 5))


def test_adopted_experts_stay_whole_while_the_prompt_goes_on(world: StagedWorld) -> None:
    for layer in world.store.layers:
        world.visit(layer, EVERYONE)
    world.steps.drain()
    resident = {layer: world.resident(layer) for layer in world.store.layers}
    assert all(len(experts) == 3 for experts in resident.values())
    assert all(world.slot_whole(layer, expert) for layer, experts in resident.items() for expert in experts)


def begun_layers(world: StagedWorld) -> set[int]:
    world.steps.drain()
    return {key.layer for key, _ in world.source.begun}


BIG_BATCH = EVERYONE * 3


def test_a_big_batch_reads_the_next_layer_ahead(world: StagedWorld) -> None:
    world.visit(0, BIG_BATCH)
    assert begun_layers(world) == {0, 1}
    assert {kind for key, kind in world.source.begun if key.layer == 1} == {GATE, UP, DOWN}


def test_a_small_batch_reads_nothing_ahead(world: StagedWorld) -> None:
    world.visit(0, [[0, 1], [2, 3]])
    assert begun_layers(world) == {0}


@pytest.mark.parametrize("n_slots", [3, N_EXPERT])
def test_the_last_layer_is_not_read_ahead(n_slots: int) -> None:
    world = StagedWorld(n_slots=n_slots)
    world.visit(2, BIG_BATCH)
    assert begun_layers(world) == {2}


def test_a_layer_with_a_slot_for_every_expert_is_read_ahead_into_its_slots() -> None:
    world = StagedWorld(n_slots=N_EXPERT)
    world.visit(0, BIG_BATCH)
    assert begun_layers(world) == {0, 1}
    assert world.resident(1) == set(range(N_EXPERT))


def test_read_ahead_that_is_not_needed_holds_no_slots(world: StagedWorld) -> None:
    world.make_resident(1, 0, 1, 2)
    world.visit(0, BIG_BATCH)
    world.visit(1, [[4, 5]])
    assert {4, 5} <= world.resident(1)


def test_only_single_tokens_count_as_hits_and_misses(world: StagedWorld) -> None:
    world.visit(0, [[0, 1], [1, 2]])
    world.visit(0, EVERYONE)
    assert counted(world) == (0, 0)
    world.visit(1, [[3, 4]])
    world.visit(1, [[3, 5]])
    assert counted(world) == (1, 3)


def test_a_model_of_one_layer_counts_every_token() -> None:
    world = StagedWorld(layer_layout(3, N_EXPERT, {GATE: 10, UP: 10, DOWN: 10}))
    for _ in range(3):
        world.visit(3, [[0, 1]])
    assert counted(world) == (4, 2)


def test_a_graph_that_computes_a_kind_again_is_another_visit(world: StagedWorld) -> None:
    for expert in (1, 2):
        routed = np.array([[0, expert]], np.int32)
        world.placer.place(0, routed, ["gate"])
        world.placer.computed(0, ["gate"])
        world.steps.drain()
    assert counted(world) == (1, 3)


@pytest.mark.parametrize("routed", [[[0, 1]], EVERYONE])
def test_after_an_error_and_a_reset_everything_works_again(world: StagedWorld, routed: list[list[int]]) -> None:
    world.source.broken = {ExpertKey(1, 1)}
    world.visit(0, BIG_BATCH)
    with pytest.raises(ExpertReadError):
        world.visit(1, routed)
    world.placer.reset()
    world.steps.drain()
    assert SlotState.PINNED not in b"".join(world.pager.states(layer) for layer in world.store.layers)
    world.source.broken.clear()
    for layer in world.store.layers:
        world.visit(layer, routed)


def test_a_reset_in_the_middle_of_a_layer_lets_go_of_it(world: StagedWorld) -> None:
    for routed in ([[0, 1]], EVERYONE):
        world.placer.place(0, np.array(routed, np.int32), ["gate", "up"])
        world.placer.reset()
        world.steps.drain()
        assert SlotState.PINNED not in world.pager.states(0)
    world.visit(0, [[3, 4]])


def test_layers_have_fewer_slots_while_batches_are_staged() -> None:
    world = StagedWorld(n_slots=5, n_slots_staged=2)
    world.make_resident(1, 0, 1, 2, 3, 4)
    world.visit(0, EVERYONE)
    assert world.pager.capacity(1) == len(world.resident(1)) == 2


def test_slots_come_back_when_decoding_begins() -> None:
    world = StagedWorld(n_slots=5, n_slots_staged=2)
    for layer in world.store.layers:
        world.visit(layer, BIG_BATCH)
    world.visit(1, [[0, 1]])  # a batch may end in a single token
    assert world.pager.capacity(0) == 2
    world.visit(0, [[0, 1]])
    assert [world.pager.capacity(layer) for layer in world.store.layers] == [5] * 4


def test_resizing_changes_both_sizes() -> None:
    world = StagedWorld(n_slots=5, n_slots_staged=3)
    world.placer.resize(dict.fromkeys(world.store.layers, 4), world.staging, dict.fromkeys(world.store.layers, 2))
    assert world.pager.capacity(0) == 4
    world.visit(0, EVERYONE)
    assert world.pager.capacity(0) == 2


def place_together(world: StagedWorld, layer: int, routed: list[list[int]], n_graphs: int) -> None:
    """Compute a layer of several graphs as one."""
    ids = np.array(routed, np.int32)
    for kinds in ([GATE, UP], [DOWN]):
        names = [kind.value for kind in kinds]
        placed = world.placer.place(layer, ids, names, n_graphs=n_graphs)
        assert all(world.placed_whole(layer, ids, kind, placed) for kind in kinds)
        world.placer.computed(layer, names)


def test_tokens_of_several_graphs_count_each_expert_once(world: StagedWorld) -> None:
    place_together(world, 1, [[0, 1], [1, 2]], n_graphs=2)
    place_together(world, 1, [[1, 0], [0, 2]], n_graphs=2)
    assert counted(world) == (3, 3)


def test_a_prompt_among_several_graphs_is_not_counted(world: StagedWorld) -> None:
    place_together(world, 1, [[0, 1], [1, 2], [2, 0]], n_graphs=2)
    assert counted(world) == (0, 0)


def test_decoded_tokens_that_are_staged_count_too(world: StagedWorld) -> None:
    world.make_resident(1, 0, 1)
    place_together(world, 1, EVERYONE, n_graphs=3)
    assert counted(world) == (2, 4)


def test_decoded_tokens_read_nothing_ahead(world: StagedWorld) -> None:
    place_together(world, 0, BIG_BATCH, n_graphs=len(BIG_BATCH))
    assert begun_layers(world) == {0}


def graphs_of(*routed: list[list[int]]) -> list[NDArray[np.int32]]:
    return [np.array(rows, np.int32) for rows in routed]


def test_what_can_be_staged_is_one_group(world: StagedWorld) -> None:
    assert world.placer.groups(1, graphs_of([[0, 1]], [[2, 3]], [[4, 5]])) == [[0, 1, 2]]


def test_without_staging_graphs_are_shared_out_by_their_experts() -> None:
    world = StagedWorld(n_slots=3, staged=False)
    world.make_resident(1, 4, 5)
    assert world.placer.groups(1, graphs_of([[0, 1]], [[4, 5]], [[1, 2]], [[5, 3]])) == [[1, 3], [0, 2]]


def test_decoded_tokens_use_the_slots_that_staging_would_take() -> None:
    world = StagedWorld(n_slots=5, n_slots_staged=2)
    world.visit(0, BIG_BATCH)
    assert world.pager.capacity(0) == 2
    groups = world.placer.groups(0, graphs_of([[0, 1]], [[2, 3]], [[4, 5]]))
    assert sorted(map(len, groups)) == [1, 2]
    place_together(world, 0, [[0, 1], [2, 3]], n_graphs=2)
    assert world.pager.capacity(0) == 5


def test_staging_that_is_under_way_is_not_left_in_the_middle_of_a_step() -> None:
    world = StagedWorld(n_slots=5, n_slots_staged=2)
    for layer in list(world.store.layers)[:-1]:
        world.visit(layer, BIG_BATCH)
    assert world.placer.groups(4, graphs_of([[0, 1]], [[2, 3]], [[4, 5]])) == [[0, 1, 2]]


def test_a_prompt_among_decoded_tokens_is_staged_with_them() -> None:
    world = StagedWorld(n_slots=5, n_slots_staged=2)
    assert world.placer.groups(0, graphs_of([[0, 1]], [[2, 3], [4, 5]])) == [[0, 1]]


def test_a_group_evicts_what_no_later_group_of_the_layer_wants() -> None:
    world = StagedWorld(n_slots=3, staged=False)
    world.make_resident(1, 0, 1, 2)
    assert world.placer.groups(1, graphs_of([[2, 3]], [[0, 4]])) == [[0], [1]]
    place_together(world, 1, [[2, 3]], n_graphs=1)
    assert world.resident(1) == {0, 2, 3}
