"""`Loads`: the experts of a pager that are on their way into slots, from the slot they take to its end.

    begin, fill ──► tasks, queued ──► the last is done ──┬── READY, or PINNED
                         │                               └── one has failed ──► absent, once nobody pins it
                         └── cancel, before any has started ──► absent

An expert of the store comes in two tasks, what is computed first before the rest. Who is to come, and who leaves for
it, is the pager's affair: there is room where a load begins.

Thread rule: none of its own; the pager's lock guards it. Reader threads do the tasks without that lock, and tell of the
end of each to `ended`, which is to take the lock and call `done`.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeAlias

from offload.experts.eviction import EvictionPolicy
from offload.experts.key import ExpertKey
from offload.experts.loader import Loader, Outcome, Task, Urgency
from offload.experts.prefetch_ledger import PrefetchLedger
from offload.experts.slot_memory import Reading
from offload.experts.slots import LayerSlots
from offload.experts.store import ExpertStore, WeightKind

Work: TypeAlias = Callable[[], int]
Ended: TypeAlias = Callable[[ExpertKey, "Load", Task, Outcome], None]


class Load:
    """An expert on its way into a slot: the kinds not yet there, and the tasks that bring them."""

    __slots__ = ("ahead", "error", "slot", "tasks", "waiting")

    def __init__(self, slot: int, kinds: Iterable[WeightKind], ahead: bool) -> None:
        self.slot = slot
        self.waiting = set(kinds)
        self.tasks: dict[Task, tuple[WeightKind, ...]] = {}
        self.error: BaseException | None = None
        self.ahead = ahead


class Loads:
    """The loads of all layers; `slots`, `policy` and `ledger` are the pager's, and learn what becomes of each."""

    def __init__(
        self,
        store: ExpertStore,
        slots: Mapping[int, LayerSlots],
        read: Reading,
        loader: Loader,
        policy: EvictionPolicy,
        ledger: PrefetchLedger,
    ) -> None:
        """Start with none."""
        self._store, self._slots, self._read, self._loader = store, slots, read, loader
        self._policy, self._ledger = policy, ledger
        self._kinds = {layer: tuple(part.kind for part in layout.parts) for layer, layout in store.layers.items()}
        self.under_way: dict[int, dict[int, Load]] = {layer: {} for layer in store.layers}
        """By layer and expert."""
        self.errors: dict[ExpertKey, BaseException] = {}
        """Why an expert could not be read last time."""
        self.bytes_read = self.bytes_prefetched = 0
        self.read_seconds = 0.0

    def begin(self, key: ExpertKey, urgency: Urgency, ended: Ended, *, is_forecast: bool = False) -> None:
        """Give an absent expert a slot and have it read: what is computed first comes first.

        Of what was forecast it is told later whether it was right.
        """
        spans = self._store.spans(key)
        slot = self._slots[key.layer].take(key.expert)
        self.errors.pop(key, None)
        ahead = urgency is Urgency.AHEAD
        load = self.under_way[key.layer][key.expert] = Load(slot, self._kinds[key.layer], ahead)
        self._policy.admitted(key.layer, key.expert)
        if is_forecast:
            self._ledger.begun(key, sum(span.n_bytes for span in spans))
        late = Urgency.NEXT if urgency is Urgency.DEMAND else urgency
        for step, step_urgency in (
            ([span for span in spans if span.kind is not WeightKind.DOWN], urgency),
            ([span for span in spans if span.kind is WeightKind.DOWN], late),
        ):
            if step:
                kinds = tuple(span.kind for span in step)
                work = partial(self._read, key.layer, slot, step)
                load.tasks[_task(key, load, work, step_urgency, ended)] = kinds
        self._loader.submit(*load.tasks)

    def fill(
        self, key: ExpertKey, works: Mapping[WeightKind, Work], placed: Callable[[int], None], ended: Ended
    ) -> None:
        """Give an absent expert a slot and have `works[kind]` write each part, after `placed` has learnt the slot."""
        slot = self._slots[key.layer].take(key.expert)
        self.errors.pop(key, None)
        placed(slot)
        load = self.under_way[key.layer][key.expert] = Load(slot, self._kinds[key.layer], ahead=False)
        for kind, work in works.items():
            load.tasks[_task(key, load, work, Urgency.NEXT, ended)] = (kind,)
        self._policy.admitted(key.layer, key.expert)
        self._loader.submit(*load.tasks)

    def hurry(self, key: ExpertKey, load: Load) -> None:
        """Have a load come before all that is read ahead: its expert is demanded."""
        load.ahead = False
        self._ledger.overtaken(key)
        for task, kinds in load.tasks.items():
            self._loader.hurry(task, Urgency.NEXT if kinds == (WeightKind.DOWN,) else Urgency.DEMAND)

    def done(self, key: ExpertKey, load: Load, task: Task, outcome: Outcome) -> None:
        """Take a task's end, and settle its load."""
        kinds = load.tasks.pop(task)
        self.bytes_read += outcome.n_bytes
        self.read_seconds += outcome.seconds
        if load.ahead:
            self.bytes_prefetched += outcome.n_bytes
        if outcome.error is None:
            load.waiting.difference_update(kinds)
        elif load.error is None:
            load.error = outcome.error
        self.settle(key)

    def settle(self, key: ExpertKey) -> None:
        """End a load whose tasks are all done: READY, or absent again once nobody pins it."""
        load = self.under_way[key.layer].get(key.expert)
        if load is None or load.tasks:
            return
        slots = self._slots[key.layer]
        if load.error is None:
            del self.under_way[key.layer][key.expert]
            slots.arrived(key.expert)
        elif not slots.pinned(key.expert):
            self.errors[key] = load.error
            self._drop(key)

    def failed(self, layer: int, expert: int) -> bool:
        """Say whether the expert's load has failed, but still has its slot because the other half is being read."""
        load = self.under_way[layer].get(expert)
        return load is not None and load.error is not None

    def cancel(self, key: ExpertKey) -> bool:
        """Drop a prefetch of which nothing is being read; return whether it was dropped."""
        load = self.under_way[key.layer].get(key.expert)
        if load is None or not load.ahead or not self._loader.cancel(*load.tasks):
            return False
        load.tasks.clear()
        if load.error is not None:  # of the half that was read before
            self.errors[key] = load.error
        self._drop(key)
        return True

    def cancel_one(self, layer: int) -> bool:
        """Drop the prefetch of a layer that was begun last; return whether there was one to drop."""
        ahead = [ExpertKey(layer, expert) for expert, load in self.under_way[layer].items() if load.ahead]
        return any(self.cancel(key) for key in reversed(ahead))

    def _drop(self, key: ExpertKey) -> None:
        """Make an expert absent whose load has failed or was cancelled."""
        self._ledger.dropped(key)
        del self.under_way[key.layer][key.expert]
        self._slots[key.layer].vacate(key.expert)
        self._policy.evicted(key.layer, key.expert)


def _task(key: ExpertKey, load: Load, work: Work, urgency: Urgency, ended: Ended) -> Task:
    task = Task(work, lambda outcome: ended(key, load, task, outcome), urgency)
    return task
