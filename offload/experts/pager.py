"""The expert pager: brings routed experts into slots, and decides nothing about which ones will be wanted.

States of a slot: FREE, LOADING, READY, PINNED (drawn in `slots`; what LOADING becomes, in `loads`). The compute thread
acquires a layer's routed experts, waits for the parts it needs, computes, and releases them; reader threads fill slots
meanwhile.

Invariants, each proved by the test named (tests/properties/test_pager_rules.py):
 1. A kernel sees a part only while its expert is pinned and the part has arrived.  test_computes_only_with_whole_parts
 2. A LOADING or PINNED slot is never a victim.                                     test_no_victim_is_in_use
 3. A failed read leaves the expert absent, the error kept: never half a slot.      test_failed_read_leaves_it_absent
 4. Demand reads overtake every queued prefetch.                                    test_demand_overtakes_prefetch
 5. Only demand accesses count as hit or miss.                                      test_only_demand_counts
 6. A layer uses no more slots than its capacity, but for those in use as it shrinks. test_capacity_is_never_exceeded
 7. Prefetching may change timing and bytes, never what is computed with.           test_prefetch_changes_no_bytes

Thread rule: `acquire`, `count_misses`, `wait`, `release` for one thread, the compute thread; everything else for any
thread. The lock is never held across I/O.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from offload.experts.eviction import EvictionPolicy
from offload.experts.key import ExpertKey
from offload.experts.loader import Loader, Outcome, Task, Urgency
from offload.experts.loads import Load, Loads, Work
from offload.experts.prefetch_ledger import PrefetchCounts, PrefetchLedger
from offload.experts.slot_memory import SlotMemory, T, into_slots
from offload.experts.slots import LayerSlots, SlotState
from offload.experts.span_source import PartSource
from offload.experts.store import ExpertStore, WeightKind


@dataclass(frozen=True, slots=True)
class PagerCounts:
    """What the pager has done since it was made; hits and misses are of counted demand accesses only."""

    hits: int
    misses: int
    evictions: int
    bytes_read: int
    bytes_prefetched: int
    stall_seconds: float
    read_seconds: float
    prefetch: PrefetchCounts


class ExpertPager:
    """The resident experts of one open model."""

    def __init__(
        self,
        store: ExpertStore,
        memory: SlotMemory[T],
        source: PartSource[T],
        loader: Loader,
        policy: EvictionPolicy,
        capacity: Mapping[int, int],
    ) -> None:
        """Start with all experts absent; `capacity[layer]` slots may be used in each layer."""
        self._policy, self._release, self._ledger = policy, memory.release, PrefetchLedger()
        self._layers = {layer: LayerSlots(layout.n_expert, capacity[layer]) for layer, layout in store.layers.items()}
        self._loads = Loads(store, self._layers, into_slots(memory, source), loader, policy, self._ledger)
        self._under_way = self._loads.under_way  # layer -> expert -> load
        self._wanted = dict(capacity)
        self._ceiling: dict[int, int] = {}
        self._acquired: dict[int, list[int]] = {}
        self._changed = threading.Condition()
        self._hits = self._misses = self._evictions = 0
        self._stall_seconds = 0.0

    # -- the compute thread

    def acquire(
        self, layer: int, experts: Sequence[int], *, counted: bool = True, soon: Collection[int] = ()
    ) -> list[int]:
        """Pin `experts` (distinct, most important first) and start reading the absent ones; return their slots.

        `wait` says when their parts are there. `counted` accesses count as hits and misses. Experts that are wanted
        `soon` are evicted for them only where no other can be. A ceiling on the capacity
        does not count here: what is above it leaves when it is released.

        Raises:
            ValueError: more experts than the layer has slots.
        """
        with self._changed:
            slots = self._layers[layer]
            if len(experts) > self._wanted[layer]:
                raise ValueError(
                    f"{len(experts)} experts cannot be pinned in {self._wanted[layer]} slots of layer {layer}"
                )
            if not self._under_way[layer] and all(map(slots.slot_of.__contains__, experts)):  # decode's common case
                self._hits += len(experts) if counted else 0
                if self._ledger.open:
                    self._ledger.demanded(layer, experts)
                slots.pin_all(experts)
                self._acquired[layer] = list(experts)
                self._policy.used(layer, reversed(experts))
                return [slots.slot_of[expert] for expert in experts]
            resident = [
                expert for expert in experts if expert in slots.slot_of and not self._loads.failed(layer, expert)
            ]
            if counted:
                ready = sum(slots.state(expert) is not SlotState.LOADING for expert in resident)
                self._hits += ready
                self._misses += len(experts) - ready
            self._acquired[layer] = []
            for expert in resident:
                self._pin(layer, expert)
            self._policy.used(layer, reversed(resident))
            slots.reserved = len(experts)
            try:
                for expert in experts:
                    if expert in resident:
                        continue
                    self._make_room(layer, expert, soon)
                    if expert not in slots.slot_of:
                        self._loads.begin(ExpertKey(layer, expert), Urgency.DEMAND, self._ended)
                    self._pin(layer, expert)
            finally:
                slots.reserved = 0
            return [slots.slot_of[expert] for expert in experts]

    def count_misses(self, n_experts: int) -> None:
        """Count demand accesses that were answered without a slot."""
        with self._changed:
            self._misses += n_experts

    def wait(self, layer: int, kinds: Sequence[WeightKind], *, counted: bool = True) -> None:
        """Wait until `kinds` of all acquired experts of the layer have arrived.

        Raises:
            ExpertReadError: one could not be read; it is absent, nothing of the layer is on its way, and the layer
                is released.
        """
        if not self._under_way[layer]:  # nothing of the layer is on its way; only this thread demands
            return
        wanted = set(kinds)
        start = time.perf_counter()
        with self._changed:
            while True:
                under_way = self._under_way[layer]
                loads = [under_way[expert] for expert in self._acquired[layer] if expert in under_way]
                failed = next((load for load in loads if load.error is not None), None)
                if failed is not None:
                    if not any(load.tasks for load in loads):  # what still runs would fail the next try too
                        break
                elif not any(load.waiting & wanted for load in loads):
                    break
                self._changed.wait()
            if counted:
                self._stall_seconds += time.perf_counter() - start
            error = failed.error if failed is not None else None
        if error is not None:
            self.release(layer)
            raise error

    def arrived(self, layer: int, kinds: Sequence[WeightKind]) -> bool:
        """Say whether `wait` would return at once."""
        if not self._under_way[layer]:
            return True
        with self._changed:
            loads = [self._under_way[layer].get(expert) for expert in self._acquired[layer]]
            return not any(load is not None and load.waiting.intersection(kinds) for load in loads)

    def release(self, layer: int) -> None:
        """Unpin what the layer has acquired."""
        with self._changed:
            slots = self._layers[layer]
            acquired = self._acquired.pop(layer, ())
            slots.unpin_all(acquired)
            if self._under_way[layer]:
                for expert in acquired:
                    self._loads.settle(ExpertKey(layer, expert))
            self._shed(layer)
            self._changed.notify_all()

    # -- ahead of the compute

    def prefetch(
        self,
        keys: Iterable[ExpertKey],
        *,
        evict: bool = False,
        keep: Callable[[ExpertKey, int], bool] = lambda key, expert: False,
        most: int | None = None,
        is_forecast: bool = False,
    ) -> list[ExpertKey]:
        """Start reading absent experts, in order of preference, and `most` of them; return those that were started.

        Takes free slots; with `evict` also those of victims the policy names, but no expert's of the layer for which
        `keep(key, expert)` holds. `PagerCounts.prefetch` and `residency` tell of what was forecast alone: that
        a long prompt needs nearly all experts of the next layer is none.
        """
        started: list[ExpertKey] = []
        with self._changed:
            for key in keys:
                if len(started) == most:
                    break
                slots = self._layers[key.layer]
                if key.expert in slots.slot_of:
                    continue
                if not (slots.has_room or (evict and self._evict_one(key.layer, partial(keep, key)))):
                    continue
                self._loads.begin(key, Urgency.AHEAD, self._ended, is_forecast=is_forecast)
                started.append(key)
        return started

    def fill(
        self,
        key: ExpertKey,
        works: Mapping[WeightKind, Work],
        placed: Callable[[int], None],
        keep: Callable[[int], bool],
    ) -> bool:
        """Fill a slot from elsewhere than the store; return False where there was no room.

        `works[kind]` writes one part, on a reader thread, after `placed` has learnt the slot. An expert for which
        `keep` holds is not evicted for it.
        """
        with self._changed:
            slots = self._layers[key.layer]
            if key.expert in slots.slot_of or not (slots.has_room or self._evict_one(key.layer, keep)):
                return False
            self._loads.fill(key, works, placed, self._ended)
        return True

    def cancel(self, keys: Iterable[ExpertKey]) -> None:
        """Drop prefetches that are not wanted, where nothing of them is being read; of others that is noted."""
        with self._changed:
            for key in keys:
                if not self._loads.cancel(key):
                    self._ledger.refuted(key)
                self._shed(key.layer)
            self._changed.notify_all()

    def rank(self, layer: int, worth: Sequence[float]) -> None:
        """Say how much each expert of a layer is worth keeping [n_expert]: the policy is told."""
        with self._changed:
            self._policy.ranked(layer, worth)

    # -- size and state

    def set_capacity(self, layer: int, capacity: int) -> None:
        """Change how many slots a layer may use. Experts above it leave at once, or when they are unpinned."""
        with self._changed:
            self._wanted[layer] = capacity
            self._apply(layer)

    def set_ceiling(self, layer: int, ceiling: int) -> None:
        """Bound the layer's capacity, whatever `set_capacity` says: for when the system runs short of memory."""
        with self._changed:
            self._ceiling[layer] = ceiling
            self._apply(layer)

    def capacity(self, layer: int) -> int:
        """Return how many slots the layer may use."""
        return self._layers[layer].capacity

    def absent(self, layer: int) -> list[int]:
        """Return the experts of a layer that have no slot."""
        with self._changed:
            slots = self._layers[layer]
            return [expert for expert in range(slots.n_expert) if expert not in slots.slot_of]

    def states(self, layer: int) -> bytes:
        """Return one `SlotState` per expert of the layer; FREE stands for absent."""
        with self._changed:
            slots = self._layers[layer]
            return bytes(slots.state(expert) for expert in range(slots.n_expert))

    def residency(self, layer: int) -> bytes:
        """Return one `stats.ResidentState` per expert of the layer: what `states` says, and how it was forecast."""
        with self._changed:
            slots = self._layers[layer]
            return self._ledger.marked(layer, bytes(map(slots.state, range(slots.n_expert))))

    def error(self, key: ExpertKey) -> BaseException | None:
        """Return why the expert could not be read last time; None if it could, or was not tried."""
        with self._changed:
            return self._loads.errors.get(key)

    def counts(self) -> PagerCounts:
        """Return what has been done so far."""
        with self._changed:
            return PagerCounts(
                self._hits,
                self._misses,
                self._evictions,
                self._loads.bytes_read,
                self._loads.bytes_prefetched,
                self._stall_seconds,
                self._loads.read_seconds,
                self._ledger.counts(),
            )

    # -- the reader threads

    def _ended(self, key: ExpertKey, load: Load, task: Task, outcome: Outcome) -> None:
        with self._changed:
            self._loads.done(key, load, task, outcome)
            self._shed(key.layer)
            self._changed.notify_all()

    # -- under the lock

    def _pin(self, layer: int, expert: int) -> None:
        """Pin an expert for the compute thread, and hurry its load if it has one."""
        self._layers[layer].pin(expert)
        self._acquired[layer].append(expert)
        load = self._under_way[layer].get(expert)
        if load is None:
            self._ledger.demanded(layer, (expert,))
        else:
            self._loads.hurry(ExpertKey(layer, expert), load)

    def _apply(self, layer: int) -> None:
        slots = self._layers[layer]
        slots.capacity = min(self._wanted[layer], self._ceiling.get(layer, slots.n_expert))
        self._shed(layer)
        self._changed.notify_all()

    def _make_room(self, layer: int, expert: int, soon: Collection[int]) -> None:
        """Wait until there is a free slot, evicting one or dropping a prefetch if need be, or a prefetch came first.

        A load that failed before it was demanded is waited out: the demand has its own try.
        """
        slots = self._layers[layer]
        while self._loads.failed(layer, expert) or not (expert in slots.slot_of or slots.has_room):
            if self._loads.failed(layer, expert) or not (
                self._evict_sparing(layer, soon) or self._loads.cancel_one(layer)
            ):
                self._changed.wait()

    def _evict_sparing(self, layer: int, soon: Collection[int]) -> bool:
        return bool(soon and self._evict_one(layer, soon.__contains__)) or self._evict_one(layer)

    def _evict_one(self, layer: int, keep: Callable[[int], bool] = lambda expert: False) -> bool:
        slots = self._layers[layer]
        victim = self._policy.victim(layer, lambda expert: slots.evictable(expert) and not keep(expert))
        if victim is None:
            return False
        slots.vacate(victim)
        self._policy.evicted(layer, victim)
        self._ledger.evicted(ExpertKey(layer, victim))
        self._evictions += 1
        return True

    def _shed(self, layer: int) -> None:
        """Let go of what stands above the capacity, as far as it may leave, and give its memory back."""
        slots = self._layers[layer]
        while slots.in_use > slots.capacity and (self._evict_one(layer) or self._loads.cancel_one(layer)):
            pass
        while (slot := slots.retire()) is not None:
            self._release(layer, slot)
