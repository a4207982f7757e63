"""Memory pressure: ceilings fall while the system is short, rise again after, and stay between floor and plan."""

import threading
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.experts.host_tier import HostTier
from offload.experts.pager import ExpertPager
from offload.experts.pressure import LOW_SHARE, ElasticSlots, ElasticTier, PressureWatch
from offload.machine import MachineMemory

TOTAL = 1_000_000
SHORT = int(LOW_SHARE * TOTAL) - 1
ENOUGH = int(2 * LOW_SHARE * TOTAL)
PLENTY = int(3 * LOW_SHARE * TOTAL) + 1
NEVER = 1e6
"""Seconds between two looks of the watch's own thread: the tests look."""


class CeilingsOnly:
    """A pager that only remembers its ceilings, and every change of them."""

    def __init__(self) -> None:
        self.ceilings: dict[int, int] = {}
        self.changes: list[tuple[int, int]] = []

    def set_ceiling(self, layer: int, ceiling: int) -> None:
        self.ceilings[layer] = ceiling
        self.changes.append((layer, ceiling))


class Readings:
    """Memory that is available, as told."""

    def __init__(self, available: int) -> None:
        self.available = available

    def __call__(self) -> MachineMemory:
        return MachineMemory(total_bytes=TOTAL, available_bytes=self.available)


Watching = Callable[[dict[int, int], int, int], tuple[PressureWatch, CeilingsOnly, Readings]]


@pytest.fixture
def watching() -> Iterator[Watching]:
    opened: list[PressureWatch] = []

    def watch(planned: dict[int, int], floor: int, available: int) -> tuple[PressureWatch, CeilingsOnly, Readings]:
        pager, readings = CeilingsOnly(), Readings(available)
        slots = ElasticSlots(cast(ExpertPager, pager), planned, floor)
        made = PressureWatch(slots, memory=readings, interval_seconds=NEVER)
        opened.append(made)
        return made, pager, readings

    yield watch
    for made in opened:
        made.close()


def test_enough_memory_changes_nothing(watching: Watching) -> None:
    for available in (ENOUGH, PLENTY):
        watch, pager, _ = watching({0: 20, 1: 10}, 2, available)
        watch.look()
        assert pager.changes == []


def test_slots_shrink_step_by_step_while_memory_is_short(watching: Watching) -> None:
    watch, pager, _ = watching({0: 20, 1: 10}, 2, SHORT)
    watch.look()
    assert pager.ceilings == {0: 17, 1: 8}
    watch.look()
    assert pager.ceilings == {0: 14, 1: 6}


def test_slots_never_fall_below_the_floor(watching: Watching) -> None:
    watch, pager, _ = watching({0: 20, 1: 3, 2: 2}, 3, SHORT)
    for _ in range(50):
        watch.look()
    assert pager.ceilings == {0: 3}  # the others have no more than the floor to begin with


def test_a_layer_planned_with_fewer_experts_than_the_floor_keeps_them(watching: Watching) -> None:
    watch, pager, _ = watching({0: 2}, 8, SHORT)
    watch.look()
    assert pager.changes == []


def test_slots_grow_back_to_the_plan(watching: Watching) -> None:
    watch, pager, readings = watching({0: 20, 1: 10}, 2, SHORT)
    for _ in range(50):
        watch.look()
    readings.available = PLENTY
    watch.look()
    assert pager.ceilings == {0: 5, 1: 4}
    for _ in range(50):
        watch.look()
    assert pager.ceilings == {0: 20, 1: 10}


def test_between_the_marks_slots_stay_as_they_are(watching: Watching) -> None:
    watch, pager, readings = watching({0: 20}, 2, SHORT)
    watch.look()
    readings.available = ENOUGH
    watch.look()
    assert pager.changes == [(0, 17)]


def test_the_smallest_step_is_one_slot(watching: Watching) -> None:
    watch, pager, _ = watching({0: 3}, 1, SHORT)
    watch.look()
    assert pager.ceilings == {0: 2}


@given(
    st.dictionaries(st.integers(0, 5), st.integers(1, 128), min_size=1),
    st.integers(1, 16),
    st.lists(st.sampled_from([SHORT, ENOUGH, PLENTY]), max_size=30),
)
def test_ceilings_stay_between_floor_and_plan(planned: dict[int, int], floor: int, readings: list[int]) -> None:
    pager, memory = CeilingsOnly(), Readings(PLENTY)
    watch = PressureWatch(ElasticSlots(cast(ExpertPager, pager), planned, floor), memory=memory, interval_seconds=NEVER)
    try:
        for memory.available in readings:
            watch.look()
            for layer, ceiling in pager.ceilings.items():
                assert min(floor, planned[layer]) <= ceiling <= planned[layer]
    finally:
        watch.close()


def test_it_looks_by_itself_and_stops_when_closed() -> None:
    looked = threading.Semaphore(0)
    readings = chain([SHORT, SHORT], repeat(ENOUGH))

    def memory() -> MachineMemory:
        looked.release()
        return MachineMemory(total_bytes=TOTAL, available_bytes=next(readings))

    pager = CeilingsOnly()
    watch = PressureWatch(ElasticSlots(cast(ExpertPager, pager), {0: 20}, 2), memory=memory, interval_seconds=0.001)
    for _ in range(3):
        assert looked.acquire(timeout=30)
    watch.close()
    watch.close()
    assert pager.changes == [(0, 17), (0, 14)]
    assert not any(thread.name == "memory-pressure" for thread in threading.enumerate())


class FakeTier:
    """Remembers the sizes it was given."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def resize(self, capacity_bytes: int) -> None:
        self.sizes.append(capacity_bytes)


def test_experts_kept_behind_a_device_shrink_to_the_least_and_grow_back() -> None:
    tier = FakeTier()
    elastic = ElasticTier(cast(HostTier, tier), 1000, 600)
    for direction in (-1, -1, -1, -1, +1, +1, +1, +1):
        elastic.step(direction)
    assert tier.sizes == [850, 700, 600, 750, 900, 1000]
