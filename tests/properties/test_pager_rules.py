"""The pager's numbered rules, under random routes, slow, reordered and failing reads, and changing capacities.

Each rule has a test of its own, which judges that rule alone: one that fails names the rule that is broken.
"""

from collections.abc import Callable, Sequence
from functools import partial

import hypothesis.strategies as st
from hypothesis import Phase, given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from fakes.pager_world import PagerWorld
from offload.experts.key import ExpertKey

LAYER = st.sampled_from([0, 1])
EXPERT = st.integers(0, 3)
KEY = st.builds(ExpertKey, LAYER, EXPERT)
KEYS = st.lists(KEY, min_size=1, max_size=4, unique=True)
ORDER = st.permutations(range(4))
Happening = Callable[[PagerWorld], object]


def start_read() -> Happening:
    return PagerWorld.start_read


def end_read(index: int) -> Happening:
    return lambda world: world.loader.finish(index)


def break_or_mend(key: ExpertKey) -> Happening:
    return lambda world: world.source.broken.symmetric_difference_update({key})


def prefetch(keys: Sequence[ExpertKey], evict: bool) -> Happening:
    return lambda world: world.prefetch(keys, evict=evict)


def cancel(keys: Sequence[ExpertKey]) -> Happening:
    return lambda world: world.pager.cancel(keys)


def set_capacity(layer: int, capacity: int) -> Happening:
    return lambda world: world.set_capacity(layer, capacity)


def set_ceiling(layer: int, ceiling: int) -> Happening:
    return lambda world: world.set_ceiling(layer, ceiling)


READS = st.one_of(st.builds(start_read), st.builds(end_read, st.integers(0, 3)))
PREFETCHES = st.one_of(st.builds(prefetch, KEYS, st.booleans()), st.builds(cancel, KEYS))
SIZES = st.one_of(st.builds(set_capacity, LAYER, st.integers(1, 4)), st.builds(set_ceiling, LAYER, st.integers(1, 4)))
FAILURES = st.builds(break_or_mend, KEY)
HAPPENINGS = st.one_of(READS, READS, PREFETCHES, SIZES, FAILURES)
"""What other threads, the disk and the system may do at any moment."""


class PagerUse(RuleBasedStateMachine):
    """The compute thread's calls, and what may happen between and during them."""

    watched: Sequence[int] = ()

    def __init__(self) -> None:
        super().__init__()
        self.world = PagerWorld(self.watched)

    @rule(happening=HAPPENINGS)
    def something_happens(self, happening: Happening) -> None:
        happening(self.world)

    @rule(layer=LAYER, order=ORDER, n=st.integers(1, 4), counted=st.booleans(), meanwhile=st.lists(HAPPENINGS))
    def acquire(self, layer: int, order: list[int], n: int, counted: bool, meanwhile: list[Happening]) -> None:
        world = self.world
        if layer in world.acquired:
            world.release(layer)
        self._meanwhile(meanwhile)
        world.acquire(layer, order[: min(n, world.wanted[layer])], counted=counted)

    @precondition(lambda self: self.world.acquired)
    @rule(data=st.data(), meanwhile=st.lists(HAPPENINGS))
    def compute(self, data: st.DataObject, meanwhile: list[Happening]) -> None:
        layer = data.draw(st.sampled_from(sorted(self.world.acquired)))
        kinds = [part.kind for part in self.world.store.layers[layer].parts]
        self._meanwhile(meanwhile)
        self.world.compute(layer, data.draw(st.sampled_from([kinds[:-1], kinds[-1:], kinds])))

    @precondition(lambda self: self.world.acquired)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.world.release(data.draw(st.sampled_from(sorted(self.world.acquired))))

    @rule(key=KEY, keep=st.sets(EXPERT))
    def fill(self, key: ExpertKey, keep: set[int]) -> None:
        self.world.fill(key, keep)

    @rule()
    def all_reads_end(self) -> None:
        self.world.loader.drain()

    @invariant()
    def the_rules_hold(self) -> None:
        self.world.judge()

    def _meanwhile(self, happenings: list[Happening]) -> None:
        self.world.during_waits.clear()
        self.world.during_waits.extend(partial(happening, self.world) for happening in happenings)


SETTINGS = settings(max_examples=120, stateful_step_count=30, phases=(Phase.generate, Phase.shrink))


def judge_rule(number: int) -> None:
    machine = type(f"Rule{number}", (PagerUse,), {"watched": (number,)})
    run_state_machine_as_test(machine, settings=SETTINGS)


def test_computes_only_with_whole_parts() -> None:
    judge_rule(1)


def test_no_victim_is_in_use() -> None:
    judge_rule(2)


def test_failed_read_leaves_it_absent() -> None:
    judge_rule(3)


@given(KEYS, LAYER, ORDER, st.integers(1, 2), st.integers(0, 2))
def read_in_turn(ahead: list[ExpertKey], layer: int, order: list[int], n: int, n_begun: int) -> None:
    """Demand some experts while others, or the same, are queued; start all reads one after the other."""
    world = PagerWorld(watched=(4,))
    world.prefetch(ahead, evict=False)
    for _ in range(n_begun):
        world.start_read()
    world.acquire(layer, order[:n])
    while world.loader.queued:
        world.start_read()


def test_demand_overtakes_prefetch() -> None:
    judge_rule(4)
    read_in_turn()


def test_only_demand_counts() -> None:
    judge_rule(5)


def test_capacity_is_never_exceeded() -> None:
    judge_rule(6)


ROUTE = st.tuples(LAYER, ORDER, st.integers(1, 2))


def computed_with(routes: Sequence[tuple[int, Sequence[int], int]], ahead: Sequence[list[Happening]]) -> list[bytes]:
    """Return every part the kernels see along these routes, while that happens before and during each of them."""
    world, seen = PagerWorld(), []
    for (layer, order, n), happenings in zip(routes, ahead, strict=True):
        for happening in happenings[::2]:
            happening(world)
        world.during_waits.extend(partial(happening, world) for happening in happenings[1::2])
        world.acquire(layer, order[:n])
        for kinds in (
            [part.kind for part in world.store.layers[layer].parts[:-1]],
            [world.store.layers[layer].parts[-1].kind],
        ):
            assert world.compute(layer, kinds) is None
            for kind in kinds:
                seen += [
                    bytes(world.slots.target(layer, kind, slot).payload) for slot in world.acquired[layer].values()
                ]
        world.judge()
        world.release(layer)
    return seen


@given(st.lists(st.tuples(ROUTE, st.lists(st.one_of(READS, PREFETCHES), max_size=6)), min_size=1, max_size=12))
def test_prefetch_changes_no_bytes(steps: list[tuple[tuple[int, list[int], int], list[Happening]]]) -> None:
    routes = [route for route, _ in steps]
    without = computed_with(routes, [[] for _ in steps])
    assert computed_with(routes, [ahead for _, ahead in steps]) == without
