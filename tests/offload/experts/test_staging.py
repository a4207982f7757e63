"""Staging: whole layers in the buffers, whatever is read, copied, dropped or fails in between."""

import threading

import pytest

from fakes.staged_world import LAYERS, N_EXPERT, StagedWorld
from fakes.tiny_experts import DOWN, GATE, LONGEST_WAIT_SECONDS, UP, layer_layout
from offload.errors import ExpertReadError
from offload.experts import staging as staging_module
from offload.experts.arena import HUGE_PAGE
from offload.experts.key import ExpertKey
from offload.experts.loader import Loader, Urgency
from offload.experts.reader import Target
from offload.experts.slots import SlotState
from offload.experts.staging import staging_bytes
from offload.experts.store import WeightKind

DEMAND, AHEAD = Urgency.DEMAND, Urgency.AHEAD
EVERY_EXPERT = range(N_EXPERT)


@pytest.fixture
def world() -> StagedWorld:
    return StagedWorld()


def stage(world: StagedWorld, layer: int, *experts: int) -> None:
    """Have experts staged, all kinds of them, as the only ones wanted."""
    for part in world.store.layers[layer].parts:
        world.staging.begin(layer, part.kind, experts, DEMAND)
    for part in world.store.layers[layer].parts:
        world.staging.wait(layer, part.kind, experts)


def test_memory_is_told_before_it_is_reserved() -> None:
    small = layer_layout(0, 4, {GATE: 100, DOWN: HUGE_PAGE})
    large = layer_layout(1, 2, {GATE: 5000, DOWN: 100})
    assert staging_bytes({0: small, 1: large}) == HUGE_PAGE + 4 * HUGE_PAGE


def test_buffers_lie_side_by_side_with_room_for_every_expert(world: StagedWorld) -> None:
    gate, up, down = (world.staging.shelf(kind) for kind in (GATE, UP, DOWN))
    assert (gate.stride_bytes, up.stride_bytes, down.stride_bytes) == (3 * 4096, 3 * 4096, 4 * 4096)
    assert gate.address % HUGE_PAGE == up.address % HUGE_PAGE == down.address % HUGE_PAGE == 0
    assert gate.address + N_EXPERT * gate.stride_bytes <= up.address
    assert up.address + N_EXPERT * up.stride_bytes <= down.address


@pytest.mark.parametrize("layer", [layout.layer for layout in LAYERS])
def test_wait_returns_whole_experts(world: StagedWorld, layer: int) -> None:
    world.make_resident(layer, 1, 4)
    world.staging.begin(layer, GATE, EVERY_EXPERT, DEMAND)
    world.staging.begin(layer, DOWN, EVERY_EXPERT, DEMAND)
    world.staging.wait(layer, DOWN, [0, 1, 5])
    assert all(world.staged_whole(layer, DOWN, expert) for expert in (0, 1, 5))
    world.staging.wait(layer, GATE, EVERY_EXPERT)
    assert all(world.staged_whole(layer, GATE, expert) for expert in EVERY_EXPERT)


def test_experts_in_slots_are_copied_not_read(world: StagedWorld) -> None:
    world.make_resident(0, 1, 4)
    world.source.begun.clear()
    stage(world, 0, 0, 1, 4)
    assert {key.expert for key, _ in world.source.begun} == {0}
    assert world.staging.bytes_read == 3000 + 3000 + 5000


def test_what_is_asked_twice_is_read_once(world: StagedWorld) -> None:
    world.staging.begin(0, GATE, [1, 2], AHEAD)
    world.staging.begin(0, GATE, [1, 2, 3], DEMAND)
    world.staging.wait(0, GATE, [1, 2, 3])
    assert len(world.source.begun) == 3


def test_read_ahead_that_is_not_wanted_after_all_is_dropped(world: StagedWorld) -> None:
    world.staging.begin(0, GATE, EVERY_EXPERT, AHEAD)
    world.staging.wait(0, GATE, [5])
    world.steps.drain()
    assert world.source.begun == [(ExpertKey(0, 5), GATE)]


def test_what_was_dropped_is_read_when_it_is_wanted_again(world: StagedWorld) -> None:
    world.staging.begin(0, GATE, EVERY_EXPERT, AHEAD)
    world.staging.wait(0, GATE, [5])
    stage(world, 0, 2, 5)
    assert world.staged_whole(0, GATE, 2)


def test_wanted_experts_overtake_what_is_read_ahead(world: StagedWorld) -> None:
    world.staging.begin(0, GATE, EVERY_EXPERT, AHEAD)
    world.staging.begin(0, GATE, [4], DEMAND)
    world.steps.start()
    world.steps.finish()
    assert world.source.begun == [(ExpertKey(0, 4), GATE)]


def test_a_failed_read_is_raised_and_leaves_staging_usable(world: StagedWorld) -> None:
    world.make_resident(0, 1)
    world.source.broken = {ExpertKey(0, 3)}
    with pytest.raises(ExpertReadError):
        stage(world, 0, 1, 2, 3)
    world.staging.reset()
    assert world.pager.states(0)[1] == SlotState.READY
    assert not world.staging.staged(0)
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
    world.staging.begin(0, GATE, EVERY_EXPERT, AHEAD)
    world.steps.start()  # expert 0 is being read, too late to drop it
    world.staging.wait(0, GATE, [1, 2])
    assert world.staged_whole(0, GATE, 1)


def test_a_failure_that_came_too_late_to_matter_is_not_raised_later(world: StagedWorld) -> None:
    world.source.broken = {ExpertKey(0, 0)}
    stage(world, 0, 1)
    world.staging.begin(0, GATE, [0], AHEAD)
    world.steps.drain()
    world.source.broken.clear()
    stage(world, 0, 0, 1)
    assert world.staged_whole(0, GATE, 0)


@pytest.mark.parametrize("kind", [GATE, UP, DOWN])
@pytest.mark.parametrize(("layer", "following"), [(0, 1), (1, 2), (2, 0)])
def test_copies_out_before_place_is_reused(world: StagedWorld, layer: int, following: int, kind: WeightKind) -> None:
    stage(world, layer, *EVERY_EXPERT)
    world.staging.finish(layer, ())
    for expert in (5, 2, 0):
        assert world.staging.adopt(layer, expert, ())
    for part in world.store.layers[following].parts:
        if part.kind is kind:
            world.staging.begin(following, part.kind, EVERY_EXPERT, DEMAND)
            world.staging.wait(following, part.kind, EVERY_EXPERT)
            assert all(world.staged_whole(following, part.kind, expert) for expert in EVERY_EXPERT)
    world.steps.drain()
    assert all(world.slot_whole(layer, expert) for expert in (5, 2, 0))


def test_a_place_is_not_written_while_another_thread_copies_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = layer_layout(0, N_EXPERT, {GATE: 3000, DOWN: 100}), layer_layout(1, N_EXPERT, {GATE: 9000, DOWN: 100})
    world = StagedWorld(*layers, loader=Loader(2))
    stage(world, 0, *EVERY_EXPERT)
    world.staging.finish(0, ())
    copy, copying, too_early = staging_module._copy, threading.Event(), []

    def slow_copy(source: Target, target: Target) -> None:
        if source.n_bytes == 3000:
            copying.set()
            too_early.append(world.source.begins_within(ExpertKey(1, 3), GATE, 0.05))
        copy(source, target)

    monkeypatch.setattr(staging_module, "_copy", slow_copy)
    assert world.staging.adopt(0, 3, ())
    assert copying.wait(LONGEST_WAIT_SECONDS)
    stage(world, 1, 3)
    world.pager.acquire(0, [3])
    world.pager.wait(0, [GATE, DOWN])
    assert too_early == [False]
    assert world.slot_whole(0, 3)
    assert world.staged_whole(1, GATE, 3)
    world.close()


def test_source_slots_are_held(world: StagedWorld) -> None:
    world.make_resident(0, 0, 1, 2)
    world.staging.begin(0, GATE, [0, 1, 2], DEMAND)
    world.pager.set_capacity(0, 1)
    assert world.pager.prefetch([ExpertKey(0, 4)], evict=True) == 0
    world.staging.wait(0, GATE, [0, 1, 2])
    assert all(world.staged_whole(0, GATE, expert) for expert in (0, 1, 2))
    world.staging.finish(0, [2, 0, 1])
    assert world.resident(0) == {1}


def test_letting_go_of_slots_waits_for_a_copy_nobody_wants_any_more(world: StagedWorld) -> None:
    world.make_resident(0, 0, 1, 2)
    world.staging.begin(0, GATE, EVERY_EXPERT, AHEAD)
    while world.steps.queued:  # all are begun, so none can be dropped
        world.steps.start()
    world.staging.wait(0, GATE, [])
    world.staging.finish(0, ())
    world.pager.prefetch([ExpertKey(0, expert) for expert in (3, 4, 5)], evict=True)
    while world.steps.queued:
        world.steps.start()
    while world.steps.running:
        world.steps.finish(-1)
    assert all(world.staged_whole(0, GATE, expert) for expert in (0, 1, 2))


def test_adopting_needs_room_among_those_not_kept(world: StagedWorld) -> None:
    world.make_resident(0, 0, 1, 2)
    stage(world, 0, *EVERY_EXPERT)
    world.staging.finish(0, ())
    assert not world.staging.adopt(0, 5, {0, 1, 2, 5})
    assert world.staging.adopt(0, 5, {0, 2, 5})
    world.steps.drain()
    assert world.resident(0) == {0, 2, 5}
    assert world.slot_whole(0, 5)


def test_dropping_a_layer_lets_go_of_its_slots_and_reads(world: StagedWorld) -> None:
    world.make_resident(0, 0, 1, 2)
    world.staging.begin(0, GATE, EVERY_EXPERT, AHEAD)
    world.staging.drop(0)
    assert (world.staging.staged(0), world.steps.queued) == (False, [])
    assert world.pager.prefetch([ExpertKey(0, 4)], evict=True) == 1


def test_a_layer_whose_buffers_were_taken_by_another_still_counts_as_staged(world: StagedWorld) -> None:
    world.make_resident(0, 0)
    world.staging.begin(0, GATE, [0], AHEAD)
    world.staging.begin(1, GATE, [0], AHEAD)
    assert world.staging.staged(0)
    world.staging.drop(0)
    assert world.pager.states(0)[0] == SlotState.READY


def test_released_memory_can_be_used_again(world: StagedWorld) -> None:
    stage(world, 0, 1, 2)
    world.staging.finish(0, ())
    world.staging.release_memory()
    assert not world.staging.staged(0)
    stage(world, 0, 1, 2)
    assert all(world.staged_whole(0, kind, expert) for kind in (GATE, UP, DOWN) for expert in (1, 2))


def test_releasing_memory_copies_out_first(world: StagedWorld) -> None:
    stage(world, 0, 1)
    world.staging.finish(0, ())
    assert world.staging.adopt(0, 1, ())
    world.staging.release_memory()
    world.steps.drain()
    assert world.slot_whole(0, 1)


def test_releasing_memory_waits_for_what_is_being_read(world: StagedWorld) -> None:
    world.staging.begin(0, GATE, EVERY_EXPERT, AHEAD)
    world.steps.start()
    world.staging.finish(0, ())
    world.staging.release_memory()
    assert world.steps.running == []


def test_closing_waits_for_what_is_being_read_and_is_harmless_twice() -> None:
    world = StagedWorld(loader=Loader(2))
    gate = world.source.shut(ExpertKey(0, 0), GATE)
    world.staging.begin(0, GATE, EVERY_EXPERT, AHEAD)
    world.source.await_begun(ExpertKey(0, 0), GATE)
    gate.set()
    world.staging.close()
    world.staging.close()
    world.close()
    assert (ExpertKey(0, 0), GATE) in world.source.begun
