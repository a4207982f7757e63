"""The expert pager: brings routed experts into slots, and decides nothing about which ones will be wanted.

States of a slot: FREE, LOADING, READY, PINNED (drawn in `slots`). The compute thread acquires a layer's routed experts,
waits for the parts it needs, computes, and releases them; reader threads fill slots meanwhile.

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
from offload.experts.prefetch_ledger import PrefetchCounts, PrefetchLedger
from offload.experts.slot_memory import SlotMemory, T, into_slots
from offload.experts.slots import LayerSlots, SlotState
from offload.experts.span_source import PartSource
from offload.experts.store import ExpertStore, WeightKind

Work = Callable[[], int]


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


class _Load:
    """An expert on its way into a slot: the kinds not yet there, and the tasks that bring them."""

    __slots__ = ("ahead", "error", "slot", "tasks", "waiting")

    def __init__(self, slot: int, kinds: Iterable[WeightKind], ahead: bool) -> None:
        self.slot = slot
        self.waiting = set(kinds)
        self.tasks: dict[Task, tuple[WeightKind, ...]] = {}
        self.error: BaseException | None = None
        self.ahead = ahead


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
        self._store, self._loader, self._policy = store, loader, policy
        self._read, self._release = into_slots(memory, source), memory.release
        self._layers = {layer: LayerSlots(layout.n_expert, capacity[layer]) for layer, layout in store.layers.items()}
        self._kinds = {layer: tuple(part.kind for part in layout.parts) for layer, layout in store.layers.items()}
        self._wanted = dict(capacity)
        self._ceiling: dict[int, int] = {}
        self._loads: dict[int, dict[int, _Load]] = {layer: {} for layer in store.layers}  # layer -> expert -> load
        self._errors: dict[ExpertKey, BaseException] = {}
        self._acquired: dict[int, list[int]] = {}
        self._changed = threading.Condition()
        self._ledger = PrefetchLedger()
        self._hits = self._misses = self._evictions = self._bytes_read = self._bytes_prefetched = 0
        self._stall_seconds = self._read_seconds = 0.0

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
            if not self._loads[layer] and all(map(slots.slot_of.__contains__, experts)):  # decode's common case
                self._hits += len(experts) if counted else 0
                if self._ledger.open:
                    self._ledger.demanded(layer, experts)
                slots.pin_all(experts)
                self._acquired[layer] = list(experts)
                self._policy.used(layer, reversed(experts))
                return [slots.slot_of[expert] for expert in experts]
            resident = [expert for expert in experts if expert in slots.slot_of and not self._failed(layer, expert)]
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
                        self._begin(ExpertKey(layer, expert), Urgency.DEMAND)
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
        if not self._loads[layer]:  # nothing of the layer is on its way; only this thread demands
            return
        wanted = set(kinds)
        start = time.perf_counter()
        with self._changed:
            while True:
                under_way = self._loads[layer]
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
        if not self._loads[layer]:
            return True
        with self._changed:
            loads = [self._loads[layer].get(expert) for expert in self._acquired[layer]]
            return not any(load is not None and load.waiting.intersection(kinds) for load in loads)

    def release(self, layer: int) -> None:
        """Unpin what the layer has acquired."""
        with self._changed:
            slots = self._layers[layer]
            acquired = self._acquired.pop(layer, ())
            slots.unpin_all(acquired)
            if self._loads[layer]:
                for expert in acquired:
                    self._settle(ExpertKey(layer, expert))
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
    ) -> list[ExpertKey]:
        """Start reading absent experts, in order of preference, and `most` of them; return those that were started.

        Takes free slots; with `evict` also those of victims the policy names, but no expert's of the layer for which
        `keep(key, expert)` holds.
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
                self._begin(key, Urgency.AHEAD)
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
            slot = slots.take(key.expert)
            self._errors.pop(key, None)
            placed(slot)
            load = self._loads[key.layer][key.expert] = _Load(slot, self._kinds[key.layer], ahead=False)
            for kind, work in works.items():
                self._add_task(key, load, (kind,), work, Urgency.NEXT)
            self._policy.admitted(key.layer, key.expert)
            self._loader.submit(*load.tasks)
        return True

    def cancel(self, keys: Iterable[ExpertKey]) -> None:
        """Drop prefetches that are not wanted, where nothing of them is being read; of others that is noted."""
        with self._changed:
            for key in keys:
                if not self._cancel(key):
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
            return self._errors.get(key)

    def counts(self) -> PagerCounts:
        """Return what has been done so far."""
        with self._changed:
            return PagerCounts(
                self._hits,
                self._misses,
                self._evictions,
                self._bytes_read,
                self._bytes_prefetched,
                self._stall_seconds,
                self._read_seconds,
                self._ledger.counts(),
            )

    # -- under the lock

    def _begin(self, key: ExpertKey, urgency: Urgency) -> None:
        """Give an absent expert a slot and have it read: what is computed first comes first."""
        spans = self._store.spans(key)
        slot = self._layers[key.layer].take(key.expert)
        self._errors.pop(key, None)
        load = self._loads[key.layer][key.expert] = _Load(slot, self._kinds[key.layer], ahead=urgency is Urgency.AHEAD)
        self._policy.admitted(key.layer, key.expert)
        if load.ahead:
            self._ledger.begun(key, sum(span.n_bytes for span in spans))
        late = Urgency.NEXT if urgency is Urgency.DEMAND else urgency
        for step, step_urgency in (
            ([span for span in spans if span.kind is not WeightKind.DOWN], urgency),
            ([span for span in spans if span.kind is WeightKind.DOWN], late),
        ):
            if step:
                kinds = tuple(span.kind for span in step)
                self._add_task(key, load, kinds, partial(self._read, key.layer, slot, step), step_urgency)
        self._loader.submit(*load.tasks)

    def _add_task(
        self, key: ExpertKey, load: _Load, kinds: tuple[WeightKind, ...], work: Work, urgency: Urgency
    ) -> None:
        task = Task(work, lambda outcome: self._done(key, load, task, outcome), urgency)
        load.tasks[task] = kinds

    def _done(self, key: ExpertKey, load: _Load, task: Task, outcome: Outcome) -> None:
        with self._changed:
            kinds = load.tasks.pop(task)
            self._bytes_read += outcome.n_bytes
            self._read_seconds += outcome.seconds
            if load.ahead:
                self._bytes_prefetched += outcome.n_bytes
            if outcome.error is None:
                load.waiting.difference_update(kinds)
            elif load.error is None:
                load.error = outcome.error
            self._settle(key)
            self._shed(key.layer)
            self._changed.notify_all()

    def _settle(self, key: ExpertKey) -> None:
        """End a load whose tasks are all done: READY, or absent again once nobody pins it."""
        load = self._loads[key.layer].get(key.expert)
        if load is None or load.tasks:
            return
        slots = self._layers[key.layer]
        if load.error is None:
            del self._loads[key.layer][key.expert]
            slots.arrived(key.expert)
        elif not slots.pinned(key.expert):
            self._errors[key] = load.error
            self._drop(key)

    def _drop(self, key: ExpertKey) -> None:
        """Make an expert absent whose load has failed or was cancelled."""
        self._ledger.dropped(key)
        del self._loads[key.layer][key.expert]
        self._layers[key.layer].vacate(key.expert)
        self._policy.evicted(key.layer, key.expert)

    def _pin(self, layer: int, expert: int) -> None:
        """Pin an expert for the compute thread, and hurry its load if it has one."""
        self._layers[layer].pin(expert)
        self._acquired[layer].append(expert)
        load = self._loads[layer].get(expert)
        if load is None:
            self._ledger.demanded(layer, (expert,))
        else:
            load.ahead = False
            self._ledger.overtaken(ExpertKey(layer, expert))
            for task, kinds in load.tasks.items():
                self._loader.hurry(task, Urgency.NEXT if kinds == (WeightKind.DOWN,) else Urgency.DEMAND)

    def _cancel(self, key: ExpertKey) -> bool:
        """Drop a prefetch of which nothing is being read; return whether it was dropped."""
        load = self._loads[key.layer].get(key.expert)
        if load is None or not load.ahead or not self._loader.cancel(*load.tasks):
            return False
        load.tasks.clear()
        if load.error is not None:  # of the half that was read before
            self._errors[key] = load.error
        self._drop(key)
        return True

    def _apply(self, layer: int) -> None:
        slots = self._layers[layer]
        slots.capacity = min(self._wanted[layer], self._ceiling.get(layer, slots.n_expert))
        self._shed(layer)
        self._changed.notify_all()

    def _failed(self, layer: int, expert: int) -> bool:
        """Say whether the expert's load has failed, but still has its slot because the other half is being read."""
        load = self._loads[layer].get(expert)
        return load is not None and load.error is not None

    def _make_room(self, layer: int, expert: int, soon: Collection[int]) -> None:
        """Wait until there is a free slot, evicting one or dropping a prefetch if need be, or a prefetch came first.

        A load that failed before it was demanded is waited out: the demand has its own try.
        """
        slots = self._layers[layer]
        while self._failed(layer, expert) or not (expert in slots.slot_of or slots.has_room):
            if self._failed(layer, expert) or not (self._evict_sparing(layer, soon) or self._cancel_one(layer)):
                self._changed.wait()

    def _cancel_one(self, layer: int) -> bool:
        ahead = [ExpertKey(layer, expert) for expert, load in self._loads[layer].items() if load.ahead]
        return any(self._cancel(key) for key in reversed(ahead))

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
        while slots.in_use > slots.capacity and (self._evict_one(layer) or self._cancel_one(layer)):
            pass
        while (slot := slots.retire()) is not None:
            self._release(layer, slot)
