"""Staging: whole experts at their places, whatever is read, dropped, copied out or fails in between."""

import threading

import pytest

from fakes.staged_world import LAYERS, N_EXPERT, StagedWorld
from fakes.tiny_experts import DOWN, GATE, LONGEST_WAIT_SECONDS, UP, layer_layout
from offload.errors import ExpertReadError
from offload.experts.arena import HUGE_PAGE
from offload.experts.key import ExpertKey
from offload.experts.loader import Loader, Urgency
from offload.experts.racks import racks_for
from offload.experts.staging import Notes, noted_bytes, staging_bytes
from offload.experts.store import WeightKind

DEMAND, NEXT, AHEAD = Urgency.DEMAND, Urgency.NEXT, Urgency.AHEAD
EVERY_EXPERT = range(N_EXPERT)
PLANNED = 4
"""Places of a world with three slots a layer: three, and one to spare."""


@pytest.fixture
def world() -> StagedWorld:
    return StagedWorld()


def stage(world: StagedWorld, layer: int, *experts: int) -> None:
    """Have experts staged, all kinds of them."""
    for part in world.store.layers[layer].parts:
        world.staging.begin(layer, part.kind, experts, DEMAND)
    for part in world.store.layers[layer].parts:
        world.staging.wait(layer, part.kind, experts)


TWO_LAYERS = {0: layer_layout(0, 16, {GATE: 4096, DOWN: 8192}), 1: layer_layout(1, 16, {GATE: 4096, DOWN: 4096})}
SHORT = Notes(list_bytes=100)


def test_memory_is_told_for_the_slots_there_are() -> None:
    gate, down_0, down_1 = (16 - 6 + 2) * 4096, (16 - 10 + 2) * 8192, (16 - 6 + 2) * 4096
    noted = noted_bytes(racks_for(TWO_LAYERS), {0: 10, 1: 6}, SHORT)
    assert staging_bytes(racks_for(TWO_LAYERS), {0: 10, 1: 6}, SHORT) == gate + down_0 + down_1 + 3 * HUGE_PAGE + noted
    noted = noted_bytes(racks_for(TWO_LAYERS), {0: 1, 1: 1}, SHORT)
    assert (
        staging_bytes(racks_for(TWO_LAYERS), {0: 1, 1: 1}, SHORT) == 2 * 16 * 4096 + 16 * 8192 + 3 * HUGE_PAGE + noted
    )


def test_kernels_note_a_page_for_every_slot_and_place_of_gate_and_of_down() -> None:
    layers = {layer: layer_layout(layer, 16, {GATE: 100, UP: 100, DOWN: 100}) for layer in (0, 1)}
    assert noted_bytes(racks_for(layers), {0: 10, 1: 6}, SHORT) == 2 * (10 + 6 + 12) * 4096
    assert noted_bytes(racks_for(layers), {0: 10, 1: 6}, Notes(5000)) == 2 * (10 + 6 + 12) * 8192
    assert noted_bytes(racks_for(layers), {0: 10, 1: 6}, Notes(32768)) == 2 * (10 + 6 + 12) * 8192


def test_where_all_memory_is_in_huge_pages_unused_notes_take_memory_too() -> None:
    layers = {layer: layer_layout(layer, 16, {GATE: 100, DOWN: 100}) for layer in (0, 1)}
    assert noted_bytes(racks_for(layers), {0: 10, 1: 6}, Notes(32768, huge_pages=True)) == 2 * (
        3 * 16 * 32768 + HUGE_PAGE
    )


@pytest.mark.parametrize("layer", [layout.layer for layout in LAYERS])
def test_wait_returns_whole_experts(world: StagedWorld, layer: int) -> None:
    world.staging.begin(layer, GATE, [0, 1, 5], DEMAND)
    world.staging.begin(layer, DOWN, [0, 1, 5], NEXT)
    place_of = world.staging.wait(layer, DOWN, [0, 5])
    assert all(world.slots.holds_at(ExpertKey(layer, expert), DOWN, place) for expert, place in place_of.items())
    assert set(place_of) == {0, 5}
    world.staging.wait(layer, GATE, [0, 1, 5])
    assert all(world.staged_whole(layer, GATE, expert) for expert in (0, 1, 5))


def test_experts_have_different_places(world: StagedWorld) -> None:
    stage(world, 0, 1, 3, 4)
    assert len(set(world.place_of(0, GATE).values())) == 3


def test_what_is_read_is_counted(world: StagedWorld) -> None:
    stage(world, 0, 1)
    assert world.staging.bytes_read == 3000 + 3000 + 5000


def test_what_is_asked_twice_is_read_once(world: StagedWorld) -> None:
    world.staging.begin(0, GATE, [1, 2], AHEAD)
    world.staging.begin(0, GATE, [1, 2, 3], DEMAND)
    world.staging.wait(0, GATE, [1, 2, 3])
    assert len(world.source.begun) == 3


def test_what_is_asked_again_overtakes_what_is_read_ahead(world: StagedWorld) -> None:
    world.staging.begin(0, GATE, [1, 2, 4], AHEAD)
    world.staging.begin(0, GATE, [4], DEMAND)
    world.steps.start()
    world.steps.finish()
    assert world.source.begun == [(ExpertKey(0, 4), GATE)]


def test_read_ahead_that_is_not_wanted_is_dropped_and_can_be_asked_for_again(world: StagedWorld) -> None:
    world.staging.begin(0, GATE, EVERY_EXPERT, AHEAD)
    world.staging.want(0, [5])
    world.steps.drain()
    assert world.source.begun == [(ExpertKey(0, 5), GATE)]
    assert world.staging.staged(0) == {5}
    stage(world, 0, 2, 5)
    assert world.staged_whole(0, GATE, 2)


def test_what_was_dropped_while_it_was_read_gives_its_place_back_afterwards(world: StagedWorld) -> None:
    world.staging.begin(0, GATE, [1], AHEAD)
    world.steps.start()
    world.staging.want(0, [])
    assert world.n_places_used(0, GATE) == 1
    world.steps.drain()
    assert world.n_places_used(0, GATE) == 0


def test_experts_wait_for_places_and_take_them_as_kernels_are_done(world: StagedWorld) -> None:
    stage(world, 0, 0, 1, 2)
    world.staging.begin(1, GATE, EVERY_EXPERT, AHEAD)
    world.staging.begin(2, GATE, EVERY_EXPERT, AHEAD)  # in one rack with layer 0
    world.steps.drain()
    assert len(world.place_of(2, GATE)) == PLANNED - 3
    world.staging.computed(0, GATE, keep=[1])
    world.steps.drain()
    assert len(world.place_of(2, GATE)) == PLANNED - 1
    assert all(world.staged_whole(2, GATE, expert) for expert in world.place_of(2, GATE))
    assert world.staged_whole(0, GATE, 1)


def test_no_more_places_than_planned_are_used(world: StagedWorld) -> None:
    for layer in world.store.layers:
        for kind in (GATE, UP, DOWN):
            world.staging.begin(layer, kind, EVERY_EXPERT, AHEAD)
    world.steps.drain()
    assert {world.n_places_used(layer, kind) for layer in world.store.layers for kind in (GATE, UP, DOWN)} == {PLANNED}


def test_a_layer_that_lost_slots_may_use_more_places(world: StagedWorld) -> None:
    stage(world, 0, *EVERY_EXPERT)
    assert all(world.staged_whole(0, DOWN, expert) for expert in EVERY_EXPERT)


def test_more_places_for_one_layer_are_not_there_for_what_is_read_ahead(world: StagedWorld) -> None:
    stage(world, 0, *EVERY_EXPERT)
    world.staging.computed(0, GATE, keep=())
    world.staging.begin(2, GATE, EVERY_EXPERT, AHEAD)  # in one rack with layer 0
    world.steps.drain()
    assert len(world.place_of(2, GATE)) == PLANNED


def test_a_failed_read_is_raised_and_leaves_staging_usable(world: StagedWorld) -> None:
    world.source.broken = {ExpertKey(0, 3)}
    with pytest.raises(ExpertReadError):
        stage(world, 0, 1, 2, 3)
    world.staging.reset()
    assert world.staging.staged(0) == set()
    assert world.n_places_used(0, GATE) == 0
    world.source.broken.clear()
    stage(world, 0, 1, 2, 3)
    assert all(world.staged_whole(0, kind, expert) for kind in (GATE, UP, DOWN) for expert in (1, 2, 3))


def test_a_failed_expert_is_tried_again_without_a_reset(world: StagedWorld) -> None:
    world.source.broken = {ExpertKey(0, 3)}
    with pytest.raises(ExpertReadError):
        stage(world, 0, 3)
    world.source.broken.clear()
    stage(world, 0, 3)
    assert world.staged_whole(0, GATE, 3)


def test_a_failure_nobody_wants_is_not_raised(world: StagedWorld) -> None:
    world.source.broken = {ExpertKey(0, 0)}
    world.staging.begin(0, GATE, [0, 1, 2], AHEAD)
    world.steps.start()  # expert 0 is being read, too late to drop it
    world.staging.want(0, [1, 2])
    world.staging.wait(0, GATE, [1, 2])
    assert world.staged_whole(0, GATE, 1)


def test_a_failure_that_came_before_it_mattered_is_not_raised_later(world: StagedWorld) -> None:
    world.source.broken = {ExpertKey(0, 0)}
    world.staging.begin(0, GATE, [0], AHEAD)
    world.steps.drain()
    world.source.broken.clear()
    stage(world, 0, 0, 1)
    assert world.staged_whole(0, GATE, 0)


@pytest.mark.parametrize("kind", [GATE, UP, DOWN])
def test_a_place_is_not_written_while_in_use(
    world: StagedWorld, monkeypatch: pytest.MonkeyPatch, kind: WeightKind
) -> None:
    """In use until its expert was computed with; where it is kept, until it has been copied out."""
    stage(world, 4, 0, 1, 2)
    for layer in world.store.layers:  # everything that may ask for the place asks for it
        world.staging.begin(layer, kind, EVERY_EXPERT, AHEAD)
    world.steps.drain()
    assert all(world.staged_whole(4, kind, expert) for expert in (0, 1, 2))
    for computed in (GATE, UP, DOWN):
        world.staging.computed(4, computed, keep=[1])
    world.steps.drain()
    assert world.staged_whole(4, kind, 1)
    assert world.staging.adopt(4, 1, ())
    world.steps.drain()
    assert world.slot_whole(4, 1)


def test_a_place_is_not_written_while_another_thread_copies_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [layer_layout(layer, 1, {GATE: 3000, DOWN: 100}) for layer in (0, 1)]
    world = StagedWorld(*layers, n_slots=1, loader=Loader(2))
    stage(world, 0, 0)
    world.staging.begin(1, GATE, [0], AHEAD)
    copy, copying, too_early = world.slots.adopt, threading.Event(), []

    def slow_copy(key: ExpertKey, kind: WeightKind, place: int, slot: int) -> None:
        if kind is GATE:
            copying.set()
            too_early.append(world.source.begins_within(ExpertKey(1, 0), GATE, 0.05))
        copy(key, kind, place, slot)

    monkeypatch.setattr(world.staging, "_adopt", slow_copy)
    assert world.staging.adopt(0, 0, ())
    assert copying.wait(LONGEST_WAIT_SECONDS)
    stage(world, 1, 0)
    world.pager.acquire(0, [0])
    world.pager.wait(0, [GATE, DOWN])
    assert too_early == [False]
    assert world.slot_whole(0, 0)
    assert world.staged_whole(1, GATE, 0)
    world.close()


def test_adopting_needs_room_among_those_not_kept(world: StagedWorld) -> None:
    world.make_resident(0, 0, 1, 2)
    stage(world, 0, 4, 5)
    assert not world.staging.adopt(0, 4, {0, 1, 2, 4})
    assert world.staging.adopt(0, 5, {0, 2, 5})
    world.steps.drain()
    assert world.resident(0) == {0, 2, 5}
    assert world.slot_whole(0, 5)
    assert world.n_places_used(0, GATE) == 0


def test_releasing_memory_copies_out_first(world: StagedWorld) -> None:
    stage(world, 0, 1)
    assert world.staging.adopt(0, 1, ())
    world.staging.release_memory()
    assert world.slot_whole(0, 1)
    assert world.slots.places_with_memory == set()


def test_released_memory_can_be_used_again(world: StagedWorld) -> None:
    stage(world, 0, 1, 2)
    world.staging.release_memory()
    assert world.staging.staged(0) == set()
    stage(world, 0, 1, 2)
    assert all(world.staged_whole(0, kind, expert) for kind in (GATE, UP, DOWN) for expert in (1, 2))


def test_resetting_drops_what_is_queued_and_waits_for_what_is_being_read(world: StagedWorld) -> None:
    for layer in (0, 2):
        world.staging.begin(layer, GATE, EVERY_EXPERT, AHEAD)
    world.steps.start()
    world.staging.reset()
    assert (world.steps.running, world.steps.queued) == ([], [])
    assert len(world.source.begun) == 1
