"""Many threads that read through one host tier."""

import random
import sys
import threading
from collections.abc import Iterator

import pytest

from fakes.span_sources import StumblingSource
from fakes.tiered_world import EXPERT_REGION_BYTES, HALF, SIZES, TieredWorld
from fakes.tiny_experts import DOWN, LONGEST_WAIT_SECONDS, content, key_of
from offload.errors import ExpertReadError
from offload.experts.host_tier import HostTier
from offload.experts.key import ExpertKey
from offload.experts.span_source import RetryingSource
from offload.experts.store import Span, WeightKind
from offload.experts.tiered_source import TieredSource


class WatchedTier(HostTier):
    """Says when somebody waits for a part."""

    waited = threading.Event()

    def wait(self, span: Span) -> None:
        self.waited.set()
        super().wait(span)


def both_want(world: TieredWorld) -> None:
    """Have two threads want expert 0, the second while the first is reading it."""
    WatchedTier.waited = threading.Event()
    gate = world.disk.shut(ExpertKey(0, 0), DOWN)

    def load(slot: int) -> None:
        try:
            world.load(0, slot)
        except ExpertReadError:
            world.disk.broken.clear()

    threads = [threading.Thread(target=load, args=(slot,), daemon=True) for slot in range(2)]
    threads[0].start()
    world.disk.await_begun(ExpertKey(0, 0), DOWN)
    threads[1].start()
    assert WatchedTier.waited.wait(LONGEST_WAIT_SECONDS)
    gate.set()
    for thread in threads:
        thread.join(LONGEST_WAIT_SECONDS)
        assert not thread.is_alive()


def test_it_is_read_once() -> None:
    world = TieredWorld(2, WatchedTier)
    both_want(world)
    assert world.n_reads == 3
    assert world.slot_holds(0, 0)
    assert world.slot_holds(1, 0)


def test_who_waits_for_a_read_that_fails_reads_for_itself() -> None:
    world = TieredWorld(2, WatchedTier)
    world.disk.broken.add(ExpertKey(0, 0))
    world.disk.ended = lambda key, kinds, error: world.disk.broken.discard(key)
    both_want(world)
    assert world.n_reads == 6
    assert not world.slot_holds(0, 0)
    assert world.slot_holds(1, 0)


def hold_and_look(world: TieredWorld, rng: random.Random, wrong: list[Span]) -> None:
    """Hold an expert as the processor does, and note which of its parts are not whole."""
    spans = world.spans(rng.randrange(6), layer=rng.randrange(2))
    held = world.source.hold(spans)
    for span in spans:
        if bytes(held.targets[span.kind].payload) != content(key_of(span), span.kind, span.n_bytes):
            wrong.append(span)
    world.source.release(held)


@pytest.fixture
def _impatient_threads() -> Iterator[None]:
    """Have threads take turns much more often than they would."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_impatient_threads")
@pytest.mark.parametrize("n_in_memory", [0, 1, 3, 6])
def test_many_threads_fill_every_slot_rightly(n_in_memory: int) -> None:
    n_threads, n_slots = 4, 3
    world = TieredWorld(n_in_memory)
    world.source = TieredSource(RetryingSource(StumblingSource(world.disk, 1)), world.tier, world.device)
    start, wrong, failed = threading.Barrier(n_threads), list[Span](), list[BaseException]()
    last: dict[tuple[int, WeightKind, int], ExpertKey] = {}

    def work(number: int) -> None:
        rng = random.Random(number)
        start.wait()
        for _ in range(150):
            layer, expert, slot = rng.randrange(2), rng.randrange(6), number * n_slots + rng.randrange(n_slots)
            kinds = rng.choice([HALF, (DOWN,), tuple(SIZES)])
            targets = {kind: world.device.slot(layer, kind, slot) for kind in kinds}
            world.source.read_spans(world.spans(expert, kinds, layer), targets)
            last.update({(layer, kind, slot): ExpertKey(layer, expert) for kind in kinds})
            hold_and_look(world, rng, wrong)
            world.source.prefetch(world.spans(rng.randrange(6)))
            if number == 0:
                world.tier.resize(rng.randrange(n_in_memory + 1) * EXPERT_REGION_BYTES)

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(number,), daemon=True) for number in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST_WAIT_SECONDS)
        assert not thread.is_alive()
    assert failed == []
    assert wrong == []
    for (layer, kind, slot), key in last.items():
        assert world.device.holds(world.device.slot(layer, kind, slot), key, kind)
    assert world.nothing_is_on_its_way()
