"""Loads: an expert from the slot it takes until it is there or absent again."""

from collections.abc import Sequence

import pytest

from fakes.step_loader import StepLoader
from fakes.tiny_experts import DOWN, GATE, UP, TinyStore, layer_layout
from offload.experts.eviction import LeastRecentlyUsed
from offload.experts.key import ExpertKey
from offload.experts.loader import Outcome, Task, Urgency
from offload.experts.loads import Load, Loads
from offload.experts.prefetch_ledger import PrefetchCounts, PrefetchLedger
from offload.experts.slots import LayerSlots, SlotState
from offload.experts.store import Span, WeightKind

KEY, OTHER = ExpertKey(0, 2), ExpertKey(0, 1)
EXPERT_BYTES = 7 + 7 + 11


class World:
    """Loads of one layer of 5 experts in 3 slots, whose reads happen when the test says so."""

    def __init__(self) -> None:
        self.loader, self.slots, self.ledger = StepLoader(), LayerSlots(5, 3), PrefetchLedger()
        self.policy = LeastRecentlyUsed()
        self.reads: list[tuple[int, list[WeightKind]]] = []
        self.broken: set[WeightKind] = set()
        store = TinyStore(layer_layout(0, 5, {GATE: 7, UP: 7, DOWN: 11}))
        self.loads = Loads(store, {0: self.slots}, self.read, self.loader, self.policy, self.ledger)

    def read(self, layer: int, slot: int, spans: Sequence[Span]) -> int:
        kinds = [span.kind for span in spans]
        self.reads.append((slot, kinds))
        if self.broken.intersection(kinds):
            raise OSError("the disk is gone")
        return sum(span.n_bytes for span in spans)

    def ended(self, key: ExpertKey, load: Load, task: Task, outcome: Outcome) -> None:
        self.loads.done(key, load, task, outcome)

    def begin(self, key: ExpertKey, urgency: Urgency, *, is_forecast: bool = False) -> Load:
        self.loads.begin(key, urgency, self.ended, is_forecast=is_forecast)
        return self.loads.under_way[key.layer][key.expert]

    def step(self) -> None:
        self.loader.start()
        self.loader.finish()


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_computed_first_is_read_first_and_into_the_slot_of_the_expert(world: World) -> None:
    world.begin(KEY, Urgency.DEMAND)
    world.loader.drain()
    slot = world.slots.slot_of[KEY.expert]
    assert world.reads == [(slot, [GATE, UP]), (slot, [DOWN])]


def test_an_expert_is_loading_until_its_last_part_is_there(world: World) -> None:
    load = world.begin(KEY, Urgency.DEMAND)
    world.step()
    assert load.waiting == {DOWN}
    assert world.slots.state(KEY.expert) is SlotState.LOADING
    world.step()
    assert world.slots.state(KEY.expert) is SlotState.READY
    assert world.loads.under_way == {0: {}}


def test_bytes_are_counted_as_read_ahead_only_until_the_expert_is_demanded(world: World) -> None:
    load = world.begin(KEY, Urgency.AHEAD)
    world.step()
    world.loads.hurry(KEY, load)
    world.step()
    assert (world.loads.bytes_read, world.loads.bytes_prefetched) == (EXPERT_BYTES, 7 + 7)


@pytest.mark.parametrize("is_forecast", [False, True])
def test_only_of_what_was_forecast_is_it_told_what_became_of_it(world: World, is_forecast: bool) -> None:
    load = world.begin(KEY, Urgency.AHEAD, is_forecast=is_forecast)
    world.loads.hurry(KEY, load)
    world.loader.drain()
    assert world.ledger.counts() == PrefetchCounts(late_bytes=EXPERT_BYTES if is_forecast else 0)


def test_a_load_that_is_hurried_overtakes_what_was_read_ahead_before_it(world: World) -> None:
    world.begin(OTHER, Urgency.AHEAD)
    load = world.begin(KEY, Urgency.AHEAD)
    world.loads.hurry(KEY, load)
    world.loader.drain()
    first, then = world.slots.slot_of[KEY.expert], world.slots.slot_of[OTHER.expert]
    assert [slot for slot, _ in world.reads] == [first, first, then, then]


def test_a_failed_load_keeps_its_slot_until_the_other_half_is_read_too(world: World) -> None:
    world.broken = {GATE}
    world.begin(KEY, Urgency.DEMAND)
    world.step()
    assert world.loads.failed(0, KEY.expert)
    assert KEY.expert in world.slots.slot_of
    world.step()
    assert not world.loads.failed(0, KEY.expert)
    assert KEY.expert not in world.slots.slot_of
    assert str(world.loads.errors[KEY]) == "the disk is gone"


def test_a_failed_load_that_is_pinned_ends_when_it_is_settled_again(world: World) -> None:
    world.broken = {GATE}
    world.begin(KEY, Urgency.DEMAND)
    world.slots.pin(KEY.expert)
    world.loader.drain()
    assert world.slots.slot_of.keys() == {KEY.expert}
    world.slots.unpin(KEY.expert)
    world.loads.settle(KEY)
    assert world.slots.slot_of == {}
    assert KEY in world.loads.errors


def test_a_new_try_forgets_the_error_of_the_last(world: World) -> None:
    world.broken = {DOWN}
    world.begin(KEY, Urgency.DEMAND)
    world.loader.drain()
    world.broken = set()
    world.begin(KEY, Urgency.DEMAND)
    assert world.loads.errors == {}
    world.loader.drain()
    assert world.slots.state(KEY.expert) is SlotState.READY


def test_a_prefetch_is_dropped_only_while_nothing_of_it_is_being_read(world: World) -> None:
    world.begin(KEY, Urgency.AHEAD)
    world.begin(OTHER, Urgency.AHEAD)
    world.loader.start()
    assert not world.loads.cancel(KEY)
    assert world.loads.cancel(OTHER)
    assert world.slots.slot_of.keys() == {KEY.expert}
    world.loader.finish()
    world.loader.drain()
    assert {slot for slot, _ in world.reads} == {world.slots.slot_of[KEY.expert]}


def test_what_is_demanded_is_never_dropped(world: World) -> None:
    world.begin(KEY, Urgency.DEMAND)
    assert not world.loads.cancel(KEY)
    assert not world.loads.cancel_one(0)


def test_the_prefetch_that_was_begun_last_is_the_first_to_be_dropped(world: World) -> None:
    world.begin(OTHER, Urgency.AHEAD)
    world.begin(KEY, Urgency.AHEAD)
    assert world.loads.cancel_one(0)
    assert world.slots.slot_of.keys() == {OTHER.expert}


def test_a_slot_is_known_before_the_work_that_fills_it_is_done(world: World) -> None:
    told: list[object] = []

    def work() -> int:
        told.append("work")
        return 0

    world.loads.fill(KEY, dict.fromkeys((GATE, UP, DOWN), work), told.append, world.ended)
    world.loader.drain()
    assert told == [world.slots.slot_of[KEY.expert], "work", "work", "work"]
    assert world.slots.state(KEY.expert) is SlotState.READY
    assert world.ledger.counts() == PrefetchCounts()
