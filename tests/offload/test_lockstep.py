"""Lockstep: graphs wait for each other, are computed together, and nobody stays behind."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from offload.errors import ExpertReadError
from offload.ggml import abi
from offload.ggml.paged_weights import ComputeNative, GraphOutcome
from offload.lockstep import Lockstep


class FakeCompute:
    """Computes nothing, and remembers what it was asked for, and with which backend."""

    def __init__(self) -> None:
        self.steps: list[list[int]] = []
        self.natives: list[int] = []
        self.errors: dict[int, BaseException] = {}

    def __call__(self, graphs: Sequence[int], natives: Sequence[ComputeNative]) -> list[GraphOutcome]:
        self.steps.append(list(graphs))
        self.natives += [native(0) for native in natives]
        return [
            GraphOutcome(abi.STATUS_FAILED if graph in self.errors else abi.STATUS_SUCCESS, self.errors.get(graph))
            for graph in graphs
        ]


@pytest.fixture
def compute() -> FakeCompute:
    return FakeCompute()


@contextmanager
def sequences(lockstep: Lockstep, *works: Callable[[], None]) -> Iterator[None]:
    """Run each work on a thread that is a sequence's."""

    def run(number: int, work: Callable[[], None]) -> None:
        lockstep.enter(number)
        try:
            work()
        finally:
            lockstep.leave()

    threads = [threading.Thread(target=run, args=work) for work in enumerate(works)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        lockstep.close()
        for thread in threads:
            thread.join()


def native_of(number: int) -> ComputeNative:
    return lambda _graph: number


def parking(
    lockstep: Lockstep, graphs: Sequence[int], found: list[tuple[int, BaseException | None]]
) -> Callable[[], None]:
    def work() -> None:
        for graph in graphs:
            status = lockstep.park(graph, native_of(graph))
            found.append((status, lockstep.take_error()))

    return work


def test_a_step_waits_for_every_running_sequence(compute: FakeCompute) -> None:
    lockstep = Lockstep(compute, 3)
    found: list[tuple[int, BaseException | None]] = []
    works = [parking(lockstep, graphs, found) for graphs in ([10, 11, 12], [20], [30, 31])]
    with sequences(lockstep, *works):
        while lockstep.step():
            pass
    assert compute.steps == [[10, 20, 30], [11, 31], [12]]
    assert found == [(abi.STATUS_SUCCESS, None)] * 6


def test_one_backend_computes_for_all(compute: FakeCompute) -> None:
    lockstep = Lockstep(compute, 2)
    with sequences(lockstep, parking(lockstep, [10, 11], []), parking(lockstep, [20, 21], [])):
        while lockstep.step():
            pass
    assert len(set(compute.natives)) == 1


def test_on_a_device_each_context_computes_its_own_graphs(compute: FakeCompute) -> None:
    lockstep = Lockstep(compute, 2, one_backend=False)
    with sequences(lockstep, parking(lockstep, [10, 11], []), parking(lockstep, [20, 21], [])):
        while lockstep.step():
            pass
    assert compute.natives == [10, 20, 11, 21]


def test_an_error_is_of_its_own_sequence_and_taken_once(compute: FakeCompute) -> None:
    lockstep = Lockstep(compute, 2)
    error = ExpertReadError("gone", file="disk", offset=1)
    compute.errors[20] = error
    one: list[tuple[int, BaseException | None]] = []
    other: list[tuple[int, BaseException | None]] = []
    with sequences(lockstep, parking(lockstep, [10], one), parking(lockstep, [20, 21], other)):
        while lockstep.step():
            pass
    assert one == [(abi.STATUS_SUCCESS, None)]
    assert other == [(abi.STATUS_FAILED, error), (abi.STATUS_SUCCESS, None)]


def test_closing_lets_everybody_go(compute: FakeCompute) -> None:
    lockstep = Lockstep(compute, 2)
    found: list[tuple[int, BaseException | None]] = []
    with sequences(lockstep, parking(lockstep, [10, 11], found), parking(lockstep, [20], found)):
        pass
    assert found == [(abi.STATUS_ABORTED, None)] * 3
    assert compute.steps == []


def test_an_interrupt_in_a_step_is_raised_where_the_steps_are_made(compute: FakeCompute) -> None:
    lockstep = Lockstep(compute, 1)
    compute.errors[10] = KeyboardInterrupt()
    found: list[tuple[int, BaseException | None]] = []
    with sequences(lockstep, parking(lockstep, [10], found)), pytest.raises(KeyboardInterrupt):
        lockstep.step()
    assert found == [(abi.STATUS_ABORTED, None)]


def test_a_sequence_may_rejoin(compute: FakeCompute) -> None:
    lockstep = Lockstep(compute, 2)
    left, rejoined = threading.Event(), threading.Event()

    def pauses() -> None:
        lockstep.leave()
        left.set()
        rejoined.wait()
        lockstep.park(20, native_of(20))

    def goes_on() -> None:
        left.wait()
        lockstep.park(10, native_of(10))
        lockstep.rejoin(1)
        rejoined.set()
        lockstep.park(11, native_of(11))

    with sequences(lockstep, goes_on, pauses):
        while lockstep.step():
            pass
    assert compute.steps == [[10], [11, 20]]
