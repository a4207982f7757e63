"""What is worth reading ahead, of probabilities and of what the disk does."""

import numpy as np
import pytest

from fakes.step_loader import StepLoader
from fakes.tiny_experts import DOWN, GATE, UP, ByteSlots, TinySource, TinyStore, layer_layout
from offload.experts.eviction import LeastRecentlyUsed
from offload.experts.key import ExpertKey
from offload.experts.loader import Outcome
from offload.experts.pager import ExpertPager
from offload.experts.prefetch import Prefetcher
from offload.experts.prefetch_ledger import PrefetchCounts
from offload.experts.slots import SlotState
from offload.stats import ResidentState

N_EXPERT = 6
KINDS = (GATE, UP, DOWN)


class Disk:
    """A pager of one layer with four slots, and the prefetcher over it."""

    def __init__(self) -> None:
        store = TinyStore(layer_layout(0, N_EXPERT, {GATE: 40, UP: 40, DOWN: 20}))
        self.loader = StepLoader()
        self.pager = ExpertPager(store, ByteSlots(store), TinySource(), self.loader, LeastRecentlyUsed(), {0: 4})
        self.prefetcher = Prefetcher(self.pager, {0: 100})

    def use(self, *experts: int) -> None:
        """Have experts computed with: demanded, read, and let go."""
        self.pager.acquire(0, experts)
        self.loader.drain()
        self.pager.wait(0, KINDS)
        self.pager.release(0)

    def token(self, *experts: int, read_seconds: float, seconds: float) -> None:
        """Compute a token whose reads take so long, each half of an expert half of it, and which takes `seconds`."""
        self.pager.acquire(0, experts)
        while self.loader.queued:
            self.loader.start()
            task = self.loader.running.pop()
            task.done(Outcome(task.work(), read_seconds / 2, None))
        self.pager.release(0)
        self.prefetcher.token_done(seconds)

    def on_their_way(self) -> list[int]:
        return [expert for expert, state in enumerate(self.pager.states(0)) if state == SlotState.LOADING]


@pytest.fixture
def disk() -> Disk:
    return Disk()


def chances(*of: float) -> np.ndarray:
    return np.array(of, np.float32)


def test_the_likeliest_absent_expert_is_read_first(disk: Disk) -> None:
    disk.use(0, 1)
    assert disk.prefetcher.offer(0, chances(0.9, 0.1, 0.3, 0.6, 0.2, 0.0), 1) == 1
    assert disk.on_their_way() == [3]


def test_nothing_is_read_ahead_that_has_no_chance(disk: Disk) -> None:
    assert disk.prefetcher.offer(0, chances(0, 0, 0, 0, 0, 0), 1) == 0


def test_as_many_reads_are_begun_as_fit_in_the_time_until_then(disk: Disk) -> None:
    disk.token(0, read_seconds=1.0, seconds=2.5)
    disk.use(0, 1, 2)
    assert disk.prefetcher.offer(0, chances(0, 0, 0, 0.9, 0.9, 0.9), 1) == 2
    assert disk.prefetcher.offer(0, chances(0, 0, 0, 0.9, 0.9, 0.9), 1) == 0


def test_a_busy_disk_reads_ahead_only_what_is_likely(disk: Disk) -> None:
    disk.token(0, read_seconds=1.0, seconds=1.0)
    assert disk.prefetcher.demand_share == 1.0
    assert disk.prefetcher.offer(0, chances(0, 0.49, 0, 0, 0, 0), 1) == 0
    assert disk.prefetcher.offer(0, chances(0, 0.51, 0, 0, 0, 0), 1) == 1


def test_a_likelier_expert_is_never_evicted_for_one_read_ahead(disk: Disk) -> None:
    disk.use(0, 1, 2, 3)
    assert disk.prefetcher.offer(0, chances(0.6, 0.6, 0.6, 0.6, 0.5, 0), 1) == 0
    assert disk.prefetcher.offer(0, chances(0.6, 0.6, 0.4, 0.6, 0.5, 0), 1) == 1
    assert disk.pager.states(0)[2] == SlotState.FREE


def test_what_the_true_route_does_not_want_is_cancelled_where_its_read_has_not_begun(disk: Disk) -> None:
    disk.prefetcher.offer(0, chances(0, 0.9, 0, 0, 0, 0), 1)
    disk.prefetcher.routed(0, [2, 3])
    assert disk.on_their_way() == []


def test_what_the_true_route_wants_stays_on_its_way(disk: Disk) -> None:
    disk.prefetcher.offer(0, chances(0, 0.9, 0, 0, 0, 0), 1)
    disk.prefetcher.routed(0, [1, 3])
    assert disk.on_their_way() == [1]


def test_the_residency_says_which_forecasts_came_true(disk: Disk) -> None:
    disk.prefetcher.offer(0, chances(0, 0.9, 0, 0, 0, 0), 1)
    disk.loader.drain()
    disk.prefetcher.routed(0, [1])
    disk.use(1, 3)
    disk.prefetcher.offer(0, chances(0, 0, 0.9, 0, 0, 0), 1)
    disk.loader.drain()
    disk.prefetcher.routed(0, [1])
    assert [ResidentState(state) for state in disk.pager.residency(0)] == [
        ResidentState.ABSENT,
        ResidentState.FORECAST_RIGHT,
        ResidentState.FORECAST_WRONG,
        ResidentState.READY,
        ResidentState.ABSENT,
        ResidentState.ABSENT,
    ]


def test_what_is_read_ahead_without_a_forecast_is_no_forecast_that_came_true(disk: Disk) -> None:
    disk.pager.prefetch([ExpertKey(0, 1)])
    disk.loader.drain()
    disk.use(1)
    assert disk.pager.residency(0)[1] == ResidentState.READY
    assert disk.pager.counts().prefetch == PrefetchCounts()


def test_bandwidth_and_the_share_of_demand_are_measured(disk: Disk) -> None:
    disk.token(0, 1, read_seconds=0.5, seconds=2.0)
    assert disk.prefetcher.bytes_per_second == 200.0
    assert disk.prefetcher.demand_share == 0.5


def test_a_token_without_reads_changes_no_bandwidth(disk: Disk) -> None:
    disk.token(0, 1, read_seconds=0.5, seconds=2.0)
    disk.token(0, 1, read_seconds=0.5, seconds=1.0)
    assert disk.prefetcher.bytes_per_second == 200.0
    assert disk.prefetcher.demand_share < 0.5
