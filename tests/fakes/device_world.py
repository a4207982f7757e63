"""`DeviceWorld`: three tiers of a few bytes, placed into as the walk through a graph does, and what must hold.

Readers are the test's own steps: whoever waits has one task done, which one the test has said before.
"""

import ctypes
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from fakes.byte_blocks import ByteBlocks
from fakes.byte_device import Block
from fakes.step_loader import StepCondition, StepLoader
from fakes.tiny_experts import DOWN, GATE, UP, TinySource, TinyStore, content, layer_layout
from offload.errors import DeviceError, ExpertReadError
from offload.experts.device_slots import DeviceSlots
from offload.experts.eviction import LeastRecentlyUsed
from offload.experts.host_experts import HostExperts
from offload.experts.host_tier import HostTier
from offload.experts.key import ExpertKey
from offload.experts.pager import ExpertPager
from offload.experts.placement import ExpertPlacer, Placed
from offload.experts.row_policy import MembersStay, RowPolicy
from offload.experts.slots import SlotState
from offload.experts.staging import Staging
from offload.experts.store import PAGE, WeightKind
from offload.experts.tiered_source import TieredSource

N_EXPERT, N_USED = 6, 2
PARTS = (("gate", "up"), ("down",))
EXPERT_REGIONS = 3 * 2 * PAGE


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the tiers are, and what becomes of misses."""

    capacity: tuple[int, int]
    """Slots of the layers."""
    n_in_memory: int
    """Experts that the host tier has room for."""
    threshold: float | None
    staged: bool


class DeviceWorld:
    """A model of two layers whose experts say who they are."""

    def __init__(self, sizes: Sizes, order: Sequence[int] = (0,)) -> None:
        """`order`: which of the tasks under way is done next, over and over."""
        self.store = TinyStore(
            layer_layout(0, N_EXPERT, {GATE: 7, UP: 7, DOWN: 11}), layer_layout(1, N_EXPERT, {GATE: 7, UP: 7, DOWN: 5})
        )
        self.capacity = dict(enumerate(sizes.capacity))
        self.disk, self.loader, self.blocks = TinySource(), StepLoader(), ByteBlocks()
        self.tier = HostTier(self.store.layers, sizes.n_in_memory * EXPERT_REGIONS, spare=1, reserve=Block)
        self.slots = DeviceSlots(self.store, self.capacity, self.blocks.make, staged=sizes.staged)
        self.source = self.slots.watcher = TieredSource(self.disk, self.tier, self.slots)
        computes = sizes.threshold is not None
        rows = RowPolicy(dict.fromkeys(self.store.layers, N_EXPERT), self.capacity, sizes.threshold or 0.0)
        policy = MembersStay(rows.members) if computes else LeastRecentlyUsed()
        self.pager = ExpertPager(self.store, self.slots, self.source, self.loader, policy, self.capacity)
        staging = Staging(self.store, self.slots, self.source, self.loader, self.pager) if sizes.staged else None
        self.placer = ExpertPlacer(
            self.store.layers,
            self.pager,
            N_USED,
            capacity=self.capacity,
            staging=staging,
            staged_capacity=self.capacity if sizes.staged else None,
            racks=self.slots.racks,
        )
        host = HostExperts(self.store, self.source, self.loader, rows)
        if computes:
            self.placer.host = host
        self._order: Iterator[int] = cycle(order)
        for waits in (self.pager, staging, host):
            if waits is not None:
                waits._changed = StepCondition(self._meanwhile)
        self.n_on_cpu = self.n_racked = 0

    def compute(self, routes: Iterable[NDArray[np.int32]]) -> BaseException | None:
        """Compute a graph whose layers route so [n_tokens, n_used]; return what it failed with."""
        try:
            for layer, routed in enumerate(routes):
                for kinds in PARTS:
                    placed = self.placer.place(layer, routed, kinds)
                    self._judge(layer, routed, [WeightKind(kind) for kind in kinds], placed)
                    self.placer.computed(layer, kinds)
        except (ExpertReadError, DeviceError) as error:
            self.placer.reset()
            return error
        return None

    def end(self) -> None:
        """See that what has a slot is whole in it, and that nobody holds anything in memory, once all reads ended."""
        self.placer.reset()
        self.loader.drain()
        for layer in self.store.layers:
            states, slot_of = self.pager.states(layer), self.pager._layers[layer].slot_of
            assert SlotState.PINNED not in states
            for expert in (expert for expert, state in enumerate(states) if state != SlotState.FREE):
                for kind in (GATE, UP, DOWN):
                    self._judge_on_device(ExpertKey(layer, expert), kind, self._first(layer, kind) + slot_of[expert])
        assert self.tier._n_above == Counter(self.source._in_slot.values())
        self.tier.resize(0)
        assert self.tier.counts().n_parts == 0, "parts are still held in memory"
        assert self.placer.host is None or not self.placer.host._held

    def _judge(self, layer: int, routed: NDArray[np.int32], kinds: Sequence[WeightKind], placed: Placed) -> None:
        for kind in kinds:
            for place, expert in np.ndenumerate(routed):
                key = ExpertKey(layer, int(expert))
                if key.expert in placed.on_cpu:
                    self.n_on_cpu += 1
                    self._judge_in_memory(key, kind, placed.on_cpu[key.expert][kind.value])
                elif placed.slots is not None:
                    self._judge_on_device(key, kind, self._first(layer, kind) + int(placed.slots[place]))
                else:
                    assert placed.racked is not None
                    self.n_racked += 1
                    self._judge_on_device(key, kind, int(placed.racked[kind.value][place]))

    def _judge_on_device(self, key: ExpertKey, kind: WeightKind, number: int) -> None:
        home = self.slots.home(key.layer, kind)
        start = number * home.rack.stride_bytes
        found = bytes(self.blocks[home.block].memory[start : start + home.n_bytes])
        assert found == content(key, kind, home.n_bytes), f"{key} {kind.value} is not whole on the device"

    def _judge_in_memory(self, key: ExpertKey, kind: WeightKind, address: int) -> None:
        n_bytes = self.slots.home(key.layer, kind).n_bytes
        found = ctypes.string_at(address, n_bytes)
        assert found == content(key, kind, n_bytes), f"{key} {kind.value} is not whole in memory"

    def _first(self, layer: int, kind: WeightKind) -> int:
        return self.slots.home(layer, kind).rack.first[layer]

    def _meanwhile(self) -> None:
        assert self.loader.queued or self.loader.running, "somebody waits for nothing"
        self.loader.start()
        self.loader.finish(next(self._order))
