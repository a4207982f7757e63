"""The pager, one behaviour at a time: reads happen when the test says so, except in the last test."""

import random
import threading

import pytest

from fakes.pager_world import PagerWorld
from fakes.tiny_experts import DOWN, GATE, UP, ByteSlots, TinySource, TinyStore, layer_layout
from offload.experts.eviction import LeastRecentlyUsed
from offload.experts.key import ExpertKey
from offload.experts.loader import Loader
from offload.experts.pager import ExpertPager

EVERY_KIND = (GATE, UP, DOWN)


def keys(*experts: int, layer: int = 0) -> list[ExpertKey]:
    return [ExpertKey(layer, expert) for expert in experts]


@pytest.fixture
def world() -> PagerWorld:
    return PagerWorld()


def make_resident(world: PagerWorld, *experts: int, layer: int = 0) -> None:
    world.prefetch(keys(*experts, layer=layer), evict=True)
    world.loader.drain()


def use(world: PagerWorld, *experts: int, layer: int = 0) -> None:
    world.acquire(layer, experts)
    assert world.compute(layer, [part.kind for part in world.store.layers[layer].parts]) is None
    world.judge()
    world.release(layer)


def resident(world: PagerWorld, layer: int = 0) -> set[int]:
    return {expert for expert, state in enumerate(world.pager.states(layer)) if state}


def test_more_experts_than_slots_are_refused_before_anything_is_pinned(world: PagerWorld) -> None:
    with pytest.raises(ValueError, match="4 experts cannot be pinned in 3 slots of layer 0"):
        world.pager.acquire(0, [0, 1, 2, 3])
    assert world.pager.states(0) == bytes(5)


def test_an_unknown_expert_takes_no_slot(world: PagerWorld) -> None:
    with pytest.raises(KeyError):
        world.pager.prefetch(keys(3, 77))
    world.loader.drain()
    assert resident(world) == {3}
    use(world, 0, 1, 3)


def test_gate_and_up_are_computed_while_down_is_still_to_come(world: PagerWorld) -> None:
    world.acquire(0, [2, 1])
    world.compute(0, [GATE, UP])
    assert len(world.loader.queued) == 2
    assert {kind for _, kind in world.source.begun} == {GATE, UP}


def test_an_expert_in_a_slot_is_a_hit_and_not_read_again(world: PagerWorld) -> None:
    use(world, 2)
    use(world, 2)
    counts = world.pager.counts()
    assert (counts.hits, counts.misses, counts.bytes_read) == (1, 1, 7 + 7 + 11)


def test_an_expert_on_its_way_is_a_miss(world: PagerWorld) -> None:
    world.prefetch(keys(2), evict=False)
    use(world, 2)
    counts = world.pager.counts()
    assert (counts.hits, counts.misses) == (0, 1)


def test_uncounted_accesses_change_no_counts(world: PagerWorld) -> None:
    world.acquire(0, [1], counted=False)
    world.pager.wait(0, EVERY_KIND, counted=False)
    counts = world.pager.counts()
    assert (counts.hits, counts.misses, counts.stall_seconds) == (0, 0, 0.0)


def test_bytes_read_ahead_are_told_from_bytes_demanded_meanwhile(world: PagerWorld) -> None:
    make_resident(world, 0)
    use(world, 1)
    world.prefetch(keys(2), evict=False)
    use(world, 2)
    counts = world.pager.counts()
    assert (counts.bytes_read, counts.bytes_prefetched) == (75, 25)


def test_a_failed_read_is_raised_and_the_next_try_may_succeed(world: PagerWorld) -> None:
    world.source.broken = set(keys(1))
    world.acquire(0, [0, 1])
    error = world.compute(0, EVERY_KIND)
    world.loader.drain()
    assert error is not None
    assert world.pager.error(ExpertKey(0, 1)) is error
    assert resident(world) == {0}
    world.source.broken.clear()
    use(world, 0, 1)
    assert world.pager.error(ExpertKey(0, 1)) is None


def test_filling_a_slot_clears_the_error_of_an_earlier_read(world: PagerWorld) -> None:
    world.source.broken = set(keys(1))
    make_resident(world, 1)
    world.fill(ExpertKey(0, 1), keep=())
    world.loader.drain()
    assert world.pager.error(ExpertKey(0, 1)) is None


def test_a_demand_does_not_inherit_the_failure_of_a_prefetch(world: PagerWorld) -> None:
    world.source.broken = set(keys(1))
    world.prefetch(keys(1), evict=False)
    world.start_read()
    world.start_read()
    world.loader.finish()  # failed; the other half is still being read
    world.source.broken.clear()
    use(world, 1)


def test_prefetches_take_free_slots_only_unless_they_may_evict(world: PagerWorld) -> None:
    make_resident(world, 0, 1, 2)
    assert world.pager.prefetch(keys(3)) == []
    assert world.pager.prefetch(keys(0, 3), evict=True) == keys(3)
    assert resident(world) == {1, 2, 3}


def test_a_demand_takes_the_slot_of_a_prefetch_that_has_not_begun(world: PagerWorld) -> None:
    world.prefetch(keys(0, 1, 2), evict=False)
    world.acquire(0, [4])
    assert resident(world) == {0, 1, 4}


def test_a_demand_waits_for_prefetches_under_way_where_they_have_all_slots(world: PagerWorld) -> None:
    world.prefetch(keys(0, 1, 2), evict=False)
    for _ in range(3):
        world.start_read()
    use(world, 4)


def test_an_expert_prefetched_while_its_demand_awaits_room_is_read_once(world: PagerWorld) -> None:
    def prefetch_comes_first() -> None:
        world.loader.drain()
        world.prefetch(keys(4), evict=True)
        world.start_read()

    world.set_capacity(0, 2)
    world.prefetch(keys(0, 1), evict=False)
    while world.loader.queued:  # all slots are being read into
        world.start_read()
    world.during_waits.append(prefetch_comes_first)
    use(world, 3, 4)
    assert world.source.begun.count((ExpertKey(0, 4), GATE)) == 1


def test_cancelling_drops_what_has_not_begun(world: PagerWorld) -> None:
    world.prefetch(keys(0, 1), evict=False)
    world.start_read()
    world.pager.cancel(keys(0, 1))
    world.loader.drain()
    assert resident(world) == {0}


def test_cancelling_keeps_the_error_of_the_half_that_was_read(world: PagerWorld) -> None:
    world.source.broken = set(keys(1))
    world.prefetch(keys(1), evict=False)
    world.loader.start()
    world.loader.finish()
    world.pager.cancel(keys(1))
    assert resident(world) == set()
    assert world.pager.error(ExpertKey(0, 1)) is not None


def test_cancelling_drops_no_demand(world: PagerWorld) -> None:
    world.acquire(0, [1])
    world.release(0)
    world.pager.cancel(keys(1))
    assert resident(world) == {1}


def test_cancelling_drops_no_slot_that_is_filled_from_elsewhere(world: PagerWorld) -> None:
    assert world.fill(ExpertKey(0, 1), keep=())
    world.pager.cancel(keys(1))
    assert resident(world) == {1}


def test_what_is_wanted_soon_is_evicted_last(world: PagerWorld) -> None:
    make_resident(world, 0, 1, 2)
    world.pager.acquire(0, [3], soon={0, 1})
    assert resident(world) == {0, 1, 3}
    world.loader.drain()
    world.pager.release(0)
    world.pager.acquire(0, [2, 4], soon={0, 1, 3})
    assert {2, 4} <= resident(world)


def test_a_fill_evicts_nobody_worth_keeping(world: PagerWorld) -> None:
    make_resident(world, 0, 1, 2)
    assert not world.fill(ExpertKey(0, 4), keep={0, 1, 2})
    assert world.fill(ExpertKey(0, 4), keep={0, 2})
    assert resident(world) == {0, 2, 4}


def test_an_expert_that_has_a_slot_is_not_filled(world: PagerWorld) -> None:
    make_resident(world, 0)
    assert not world.fill(ExpertKey(0, 0), keep=())


def test_shrinking_evicts_the_least_recently_used_and_releases_their_memory(world: PagerWorld) -> None:
    make_resident(world, 0, 1, 2)
    world.set_capacity(0, 1)
    assert resident(world) == {2}
    assert len(world.slots.with_memory) == 1


def test_pinned_experts_leave_when_they_are_released(world: PagerWorld) -> None:
    world.acquire(0, [0, 1, 2])
    world.compute(0, EVERY_KIND)
    world.pager.set_ceiling(0, 1)
    assert resident(world) == {0, 1, 2}
    world.release(0)
    assert len(resident(world)) == len(world.slots.with_memory) == 1


def test_shrinking_drops_prefetches_that_have_not_begun(world: PagerWorld) -> None:
    world.prefetch(keys(0, 1, 2), evict=False)
    world.set_capacity(0, 1)
    assert len(resident(world)) == 1


def test_memory_stays_within_the_capacity_however_experts_change_after_shrinking(world: PagerWorld) -> None:
    make_resident(world, 0, 1, 2)
    world.set_capacity(0, 2)
    for expert in (3, 4, 0, 1, 2, 3):
        use(world, expert)
    assert len(world.slots.with_memory) == 2


def test_shrinking_while_room_is_awaited_does_not_stop_the_acquisition(world: PagerWorld) -> None:
    world.prefetch(keys(0), evict=False)
    world.start_read()
    world.during_waits.append(lambda: world.pager.set_ceiling(0, 1))
    use(world, 1, 2, 3)
    assert len(resident(world)) == 1


def test_a_ceiling_does_not_refuse_what_the_capacity_promised(world: PagerWorld) -> None:
    world.pager.set_ceiling(0, 1)
    use(world, 0, 1, 2)
    assert len(resident(world)) == len(world.slots.with_memory) == 1


def test_capacity_is_the_lower_of_what_was_wanted_and_the_ceiling(world: PagerWorld) -> None:
    world.pager.set_ceiling(0, 2)
    assert world.pager.capacity(0) == 2
    world.pager.set_ceiling(0, 5)
    assert world.pager.capacity(0) == 3


def test_absent_experts_are_those_without_a_slot(world: PagerWorld) -> None:
    make_resident(world, 3)
    world.prefetch(keys(1), evict=False)
    assert world.pager.absent(0) == [0, 2, 4]


def test_threads_that_read_prefetch_and_resize_change_no_bytes() -> None:
    store = TinyStore(*(layer_layout(layer, 8, {GATE: 30, UP: 30, DOWN: 50}) for layer in range(3)))
    slots, loader = ByteSlots(store), Loader(3)
    pager = ExpertPager(store, slots, TinySource(), loader, LeastRecentlyUsed(), dict.fromkeys(range(3), 5))
    over = threading.Event()

    def meddle() -> None:
        chance = random.Random(1)
        while not over.is_set():
            wanted = [ExpertKey(chance.randrange(3), chance.randrange(8)) for _ in range(3)]
            pager.prefetch(wanted, evict=True)
            pager.set_ceiling(chance.randrange(3), chance.randint(1, 8))
            pager.cancel(wanted[1:])

    meddler = threading.Thread(target=meddle)
    meddler.start()
    chance, n_wrong = random.Random(2), 0
    try:
        for step in range(2000):
            layer, experts = step % 3, chance.sample(range(8), chance.randint(1, 5))
            numbers = pager.acquire(layer, experts)
            for kinds in ((GATE, UP), (DOWN,)):
                pager.wait(layer, kinds)
                for kind in kinds:
                    for expert, slot in zip(experts, numbers, strict=True):
                        n_wrong += not slots.holds(ExpertKey(layer, expert), kind, slot)
            pager.release(layer)
    finally:
        over.set()
        meddler.join()
        loader.close()
    counts = pager.counts()
    assert n_wrong == 0
    assert counts.hits + counts.misses > 4000
