"""`PagerWorld`: a pager whose reader threads are the test's own steps, beside a simple model of its rules.

The model knows what was asked of the pager, which parts the source has delivered, and what the policy was told; from
that it judges the rules numbered in the pager's docstring. Only the rules in `watched` are judged.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence

from fakes.step_loader import StepCondition, StepLoader
from fakes.tiny_experts import DOWN, GATE, GATE_UP, UP, ByteSlots, TinySource, TinyStore, content, layer_layout
from offload.errors import ExpertReadError
from offload.experts.eviction import LeastRecentlyUsed
from offload.experts.key import ExpertKey
from offload.experts.loads import Work
from offload.experts.pager import ExpertPager
from offload.experts.slots import SlotState
from offload.experts.store import WeightKind

MOST_WAITS = 500
"""More waits than that in one call: nothing moves any more."""


class WatchedPolicy(LeastRecentlyUsed):
    """Least recently used, telling a world what it hears and what it decides."""

    def __init__(self, world: "PagerWorld") -> None:
        super().__init__()
        self._world = world

    def admitted(self, layer: int, expert: int) -> None:
        super().admitted(layer, expert)
        self._world.learn_admitted(ExpertKey(layer, expert))

    def evicted(self, layer: int, expert: int) -> None:
        super().evicted(layer, expert)
        self._world.learn_evicted(ExpertKey(layer, expert))

    def victim(self, layer: int, evictable: Callable[[int], bool]) -> int | None:
        victim = super().victim(layer, evictable)
        if victim is not None:
            self._world.judge_victim(ExpertKey(layer, victim))
        return victim


class PagerWorld:
    """A pager of two small layers, everything that may happen to it, and what must hold."""

    def __init__(self, watched: Collection[int] = range(1, 7)) -> None:
        self._watched = watched
        self.store = TinyStore(
            layer_layout(0, 5, {GATE: 7, UP: 7, DOWN: 11}), layer_layout(1, 4, {GATE_UP: 9, DOWN: 5}, phase=32)
        )
        self.wanted = {0: 3, 1: 2}
        self.slots, self.source, self.loader = ByteSlots(self.store), TinySource(), StepLoader()
        self.source.ended = self._learn_read
        self.pager = ExpertPager(
            self.store, self.slots, self.source, self.loader, WatchedPolicy(self), dict(self.wanted)
        )
        self.pager._changed = StepCondition(self._meanwhile)
        self.during_waits: deque[Callable[[], object]] = deque()
        self._n_waits = 0
        # The model.
        self.missing: dict[ExpertKey, set[WeightKind]] = {}
        self.acquired: dict[int, dict[int, int]] = {}  # layer -> expert -> slot
        self.seen: dict[int, set[WeightKind]] = {}  # layer -> kinds a kernel may look at
        self._pinned: set[ExpertKey] = set()  # of acquired experts, those the pager surely has pinned
        self._prefetched: set[ExpertKey] = set()
        self._failed: dict[ExpertKey, list[BaseException]] = {}
        self._prefetching = False
        self._waits_for: int | None = None
        self._hits = self._misses = 0
        self._most_used = dict(self.wanted)

    # -- what may happen

    def acquire(self, layer: int, experts: Sequence[int], *, counted: bool = True) -> None:
        whole = [expert for expert in experts if self.missing.get(ExpertKey(layer, expert)) == set()]
        if counted:
            self._hits += len(whole)
            self._misses += len(experts) - len(whole)
        present = {ExpertKey(layer, expert) for expert in experts} & self.missing.keys()
        self._pin(key for key in present if key not in self._failed)
        self._most_used[layer] = max(self._most_used[layer], len(experts))
        self._n_waits = 0
        numbers = self.pager.acquire(layer, experts, counted=counted)
        self.acquired[layer] = dict(zip(experts, numbers, strict=True))
        self.seen[layer] = set()
        self._pin(ExpertKey(layer, expert) for expert in experts)

    def compute(self, layer: int, kinds: Iterable[WeightKind]) -> ExpertReadError | None:
        """Wait for parts as the compute thread does before its kernels look at them; return why they cannot."""
        self._n_waits = 0
        wanted = list(kinds)
        self._waits_for = layer
        try:
            self.pager.wait(layer, wanted)
        except ExpertReadError as error:
            errors = [self._failed.get(ExpertKey(layer, expert), ()) for expert in self.acquired[layer]]
            self._judge(3, any(error in of for of in errors), f"{error} is of no acquired expert")
            self._let_go(layer)
            return error
        finally:
            self._waits_for = None
        self.seen[layer].update(wanted)
        return None

    def release(self, layer: int) -> None:
        self._let_go(layer)
        self.pager.release(layer)

    def prefetch(self, keys: Sequence[ExpertKey], *, evict: bool) -> None:
        self._prefetching = True
        self.pager.prefetch(keys, evict=evict)
        self._prefetching = False

    def fill(self, key: ExpertKey, keep: Collection[int]) -> bool:
        """Fill a slot from elsewhere, as staging does."""
        slot_of: list[int] = []

        def work(kind: WeightKind, n_bytes: int) -> Work:
            def write() -> int:
                self.slots.target(key.layer, kind, slot_of[0]).payload[:] = content(key, kind, n_bytes)
                self._learn_read(key, [kind], None)
                return 0

            return write

        works = {part.kind: work(part.kind, part.n_bytes) for part in self.store.layers[key.layer].parts}
        return self.pager.fill(key, works, slot_of.append, keep.__contains__)

    def set_capacity(self, layer: int, capacity: int) -> None:
        self._note_use(layer)
        self.wanted[layer] = capacity
        self.pager.set_capacity(layer, capacity)

    def set_ceiling(self, layer: int, ceiling: int) -> None:
        self._note_use(layer)
        self.pager.set_ceiling(layer, ceiling)

    def start_read(self) -> None:
        self._judge_next_read()
        self.loader.start()

    def _meanwhile(self) -> None:
        self._n_waits += 1
        assert self._n_waits < MOST_WAITS, "the compute thread waits for ever while others are busy"
        if self.during_waits:
            self.during_waits.popleft()()
            return
        assert self.loader.running or self.loader.queued, "the compute thread waits, and nothing is under way"
        if not self.loader.running:
            self.start_read()
        self.loader.finish()

    # -- what the model learns

    def learn_admitted(self, key: ExpertKey) -> None:
        self.missing[key] = {part.kind for part in self.store.layers[key.layer].parts}
        self._failed.pop(key, None)
        if self._prefetching:
            self._prefetched.add(key)

    def learn_evicted(self, key: ExpertKey) -> None:
        self._judge(2, not self._in_use(key), f"{key} has lost its slot while in use")
        del self.missing[key]
        self._prefetched.discard(key)

    def _learn_read(self, key: ExpertKey, kinds: Sequence[WeightKind], error: BaseException | None) -> None:
        if error is None:
            self.missing[key] -= set(kinds)
        else:
            self._failed.setdefault(key, []).append(error)

    def _pin(self, keys: Iterable[ExpertKey]) -> None:
        self._pinned.update(keys)
        self._prefetched -= self._pinned  # what has been demanded once is read ahead no more

    def _let_go(self, layer: int) -> None:
        del self.acquired[layer], self.seen[layer]
        self._pinned = {key for key in self._pinned if key.layer != layer}

    def _in_use(self, key: ExpertKey) -> bool:
        failed = {other.layer for other in self._pinned & self._failed.keys()}
        if key.layer == self._waits_for and key.layer in failed:
            return False  # `wait` tells of the failure once it has let the layer go
        return key in self._pinned

    # -- what must hold

    def judge_victim(self, key: ExpertKey) -> None:
        self._judge(2, not self._in_use(key), f"{key} is a victim while in use")
        self._judge(2, self.missing[key] == set(), f"{key} is a victim while loading")

    def judge(self) -> None:
        """Judge the state between two steps."""
        for layer, experts in self.acquired.items():
            for kind in self.seen[layer]:
                for expert, slot in experts.items():
                    whole = self.slots.holds(ExpertKey(layer, expert), kind, slot)
                    self._judge(1, whole, f"a kernel sees wrong {kind} of {layer}, {expert}")
        counts = self.pager.counts()
        self._judge(5, (counts.hits, counts.misses) == (self._hits, self._misses), f"{counts}, but {self._hits} hits")
        for layer in self.store.layers:
            self._judge_layer(layer, self.pager.states(layer))

    def _judge_layer(self, layer: int, states: bytes) -> None:
        in_use = {expert for expert, state in enumerate(states) if state != SlotState.FREE}
        slot_of = self.pager._layers[layer].slot_of
        for expert in in_use:
            if states[expert] != SlotState.LOADING:
                key = ExpertKey(layer, expert)
                parts = self.store.layers[layer].parts
                whole = all(self.slots.holds(key, part.kind, slot_of[expert]) for part in parts)
                self._judge(3, whole, f"{key} counts as resident, but is not whole")
        if not (self.loader.queued or self.loader.running):
            for key, errors in self._failed.items():
                if key.layer == layer and key not in self._pinned:
                    self._judge(3, key.expert not in in_use, f"{key} could not be read, but has a slot")
                    self._judge(3, self.pager.error(key) in errors, f"the error of {key} is lost")
        capacity = self.pager.capacity(layer)
        allowed = max(capacity, self._most_used[layer])
        self._judge(6, len(in_use) <= allowed, f"{len(in_use)} of {allowed} slots of layer {layer} are in use")
        above = len(in_use) > capacity and SlotState.READY in states
        self._judge(6, not above, f"experts of layer {layer} stay above its capacity of {capacity}")
        n_with_memory = sum(of == layer for of, _ in self.slots.with_memory)
        self._judge(6, n_with_memory <= max(capacity, len(in_use)), f"{n_with_memory} slots of {layer} have memory")
        self._most_used[layer] = max(capacity, len(in_use))

    def _note_use(self, layer: int) -> None:
        """Learn what is in use as a layer may shrink, in the middle of a step too."""
        in_use = self.pager._layers[layer].in_use
        allowed = max(self.pager.capacity(layer), self._most_used[layer])
        self._judge(6, in_use <= allowed, f"{in_use} of {allowed} slots of layer {layer} are in use as it changes")
        self._most_used[layer] = max(self._most_used[layer], in_use)

    def _judge_next_read(self) -> None:
        queued = self.loader.queued
        if not queued:
            return
        owner = {
            task: ExpertKey(layer, expert)
            for layer, loads in self.pager._under_way.items()
            for expert, load in loads.items()
            for task in load.tasks
        }
        ahead = owner[queued[0]] in self._prefetched
        demanded = [owner[task] for task in queued if owner[task] in self._pinned]
        self._judge(4, not (ahead and demanded), f"{owner[queued[0]]} is read ahead while {demanded} are demanded")

    def _judge(self, rule: int, holds: bool, message: str) -> None:
        if rule in self._watched:
            assert holds, message
