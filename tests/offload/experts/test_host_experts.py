"""Experts held in RAM for the CPU: there when waited for, given back when let go of, whatever fails."""

import ctypes
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pytest

from fakes.step_loader import StepCondition, StepLoader
from fakes.tiered_world import SIZES, TieredWorld
from fakes.tiny_experts import DOWN, content
from offload.errors import ExpertReadError
from offload.experts.host_experts import HostExperts
from offload.experts.host_tier import HostCounts
from offload.experts.key import ExpertKey
from offload.experts.row_policy import RowPolicy


class World:
    """Experts of the first layer, read by the test's own steps: while somebody waits, `meanwhile` happens."""

    def __init__(self, n_in_memory: int = 3, threshold: float = np.inf) -> None:
        self.tiers, self.loader = TieredWorld(n_in_memory), StepLoader()
        policy = RowPolicy({0: 6, 1: 6}, {0: 2, 1: 2}, threshold)
        self.experts = HostExperts(self.tiers.store, self.tiers.source, self.loader, policy)
        self.meanwhile: deque[Callable[[], object]] = deque()
        self.experts._changed = StepCondition(self._happen)

    def reads(self, n_tasks: int) -> None:
        """Have so many tasks done while somebody waits, the first begun the last to end."""
        self.meanwhile += [self.loader.start] * n_tasks + [partial(self.loader.finish, -1)] * n_tasks

    def _happen(self) -> None:
        self.meanwhile.popleft()()

    def held(self, experts: Sequence[int]) -> bool:
        """Say whether the addresses are of these experts, each whole."""
        addresses = self.experts.wait()
        return set(addresses) == set(experts) and all(
            memory_at(addresses[expert][kind.value], size) == content(ExpertKey(0, expert), kind, size)
            for expert in experts
            for kind, size in SIZES.items()
        )

    def counts(self) -> HostCounts:
        return self.tiers.tier.counts()


def memory_at(address: int, n_bytes: int) -> bytes:
    return ctypes.string_at(address, n_bytes)


def test_who_waits_gets_every_expert_whole() -> None:
    world = World()
    world.experts.begin(0, [4, 1])
    world.reads(2)
    assert world.held([4, 1])
    world.experts.end()
    assert world.tiers.nothing_is_on_its_way()


@pytest.mark.parametrize("n_in_memory", [0, 1])
def test_experts_that_find_no_room_lie_in_memory_of_their_own(n_in_memory: int) -> None:
    world = World(n_in_memory)
    world.experts.begin(0, [4, 1, 2])
    world.reads(3)
    assert world.held([4, 1, 2])
    world.experts.end()
    assert world.tiers.nothing_is_on_its_way()


def test_what_is_held_does_not_leave_the_tier() -> None:
    world = World(1)
    world.experts.begin(0, [4])
    world.reads(1)
    assert world.held([4])
    world.tiers.load(2, 0)
    assert world.tiers.in_memory() == [4]
    world.experts.end()
    world.tiers.load(3, 1)
    assert world.tiers.in_memory() == [3]


def test_nothing_is_waited_for_where_nothing_was_begun() -> None:
    world = World()
    world.experts.begin(0, [])
    assert world.experts.wait() == {}
    world.experts.end()
    world.experts.end()


@pytest.mark.parametrize("broken", [{4}, {1, 4}, {1, 2, 4}])
def test_an_error_is_told_and_what_was_read_is_given_back(broken: set[int]) -> None:
    world = World()
    world.tiers.disk.broken = {ExpertKey(0, expert) for expert in broken}
    world.experts.begin(0, [4, 1, 2])
    world.reads(3)
    with pytest.raises(ExpertReadError):
        world.experts.wait()
    world.experts.end()
    assert not world.loader.running
    assert world.tiers.nothing_is_on_its_way()


def test_after_an_error_the_same_experts_can_be_had() -> None:
    world = World()
    world.tiers.disk.broken = {ExpertKey(0, 4)}
    world.experts.begin(0, [4])
    world.reads(1)
    with pytest.raises(ExpertReadError):
        world.experts.wait()
    world.experts.end()
    world.tiers.disk.broken.clear()
    world.experts.begin(0, [4, 1])
    world.reads(2)
    assert world.held([4, 1])


def test_letting_go_waits_for_what_is_being_read_and_drops_the_rest() -> None:
    world = World()
    world.experts.begin(0, [4, 1, 2])
    world.loader.start()
    world.meanwhile.append(world.loader.finish)
    world.experts.end()
    assert world.tiers.disk.begun[-1] == (ExpertKey(0, 4), DOWN)
    assert not world.loader.queued
    assert world.tiers.nothing_is_on_its_way()


def test_letting_go_returns_where_the_readers_have_gone() -> None:
    world = World()
    world.loader.close()
    world.experts.begin(0, [4, 1])
    world.experts.end()
    assert world.counts().n_parts == 0


def test_letting_go_while_interrupted_may_be_done_again() -> None:
    world = World()
    world.experts.begin(0, [4, 1])
    world.loader.start()

    def interrupt() -> None:
        raise KeyboardInterrupt

    world.meanwhile += [interrupt, world.loader.finish]
    with pytest.raises(KeyboardInterrupt):
        world.experts.end()
    world.experts.end()
    assert not world.meanwhile
    assert world.tiers.nothing_is_on_its_way()


def test_the_policy_says_who_computes() -> None:
    world = World()
    assert world.experts.choose(0, [3, 4]) == []
    assert world.experts.choose(0, [3, 5]) == [5]
    world.experts.learn(0, np.array([[5, 1], [5, 1], [5, 1]], np.int32))
    assert world.experts.choose(0, [5, 1, 2]) == [2]
