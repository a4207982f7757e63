"""Staging: places for the experts of a batch that find no slot, filled while the kernels compute with others.

A batch may route to more experts of a layer than the layer has slots. It computes with those that are in slots where
they are; the others are read into places, which the layers share in turn. The places of a kind are free again as soon
as its kernels are done, and what waits for a place begins to be read: gate and up while down is computed, the next
layer's down while its gate and up are. Nothing is evicted to stage a layer. An expert worth keeping is copied from its
places into a slot when the layer is done.

Invariants (tests/offload/experts/test_staging.py):
 1. `wait` returns only when every wanted expert of the kind is whole.       test_wait_returns_whole_experts
 2. A place is given to nobody else until its expert was computed with,
    and copied out where it is kept.                                         test_a_place_is_not_written_while_in_use
 3. No more places are in use than were planned, but for a layer that has
    lost slots it was planned to have.                                       test_no_more_places_than_planned_are_used

Thread rule: for the compute thread; reader threads do the reading and copying.
"""

import heapq
import threading
import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from offload.experts.arena import HUGE_PAGE
from offload.experts.key import ExpertKey
from offload.experts.loader import Loader, Outcome, Task, Urgency
from offload.experts.pager import ExpertPager
from offload.experts.racks import Rack, places_beside
from offload.experts.slot_memory import SlotMemory, T, to_places
from offload.experts.span_source import PartSource
from offload.experts.store import PAGE, ExpertStore, WeightKind, page_ceil


class Notes(NamedTuple):
    """How kernels note which tokens go to an expert: a list for every number of a rack, in work memory that stays.

    `list_bytes` lie from one expert's list to the next, a few of them used. Source: `mul_mat_id` (ggml-cpu.c).
    """

    list_bytes: int
    huge_pages: bool = False
    """Whether the system backs all memory with huge pages: then the lists nobody uses take memory too."""


def staging_bytes(of_model: Sequence[Rack], capacity: Mapping[int, int], notes: Notes) -> int:
    """Return the memory staging takes beside `capacity[layer]` slots: its places, and the kernels' notes."""
    places = sum(_n_places(rack, capacity) * rack.stride_bytes + HUGE_PAGE for rack in of_model)
    return places + noted_bytes(of_model, capacity, notes)


def noted_bytes(of_model: Sequence[Rack], capacity: Mapping[int, int], notes: Notes) -> int:
    """Return the work memory that kernels keep once a batch was staged, beside `capacity[layer]` slots."""
    # gate and up see the same tokens: their lists lie in the same places, down's in others.
    racks = {(rack.kind is WeightKind.DOWN, *rack.first.items()): rack for rack in of_model}.values()
    if notes.huge_pages:
        return sum(rack.n_slots * notes.list_bytes + HUGE_PAGE for rack in racks)
    n_lists = sum(sum(capacity[layer] for layer in rack.first) + _n_places(rack, capacity) for rack in racks)
    return n_lists * min(2 * PAGE, page_ceil(notes.list_bytes))


def _n_places(rack: Rack, capacity: Mapping[int, int]) -> int:
    """Return how many places of a rack are used where every layer uses its slots."""
    return min(rack.n_places, places_beside(rack.n_expert, min(capacity[layer] for layer in rack.first)))


class _Part:
    """One kind of one staged expert: its place once it has one, and the task that brings it there."""

    __slots__ = ("arrived", "dropped", "key", "kind", "place", "task", "urgency")

    def __init__(self, key: ExpertKey, kind: WeightKind, urgency: Urgency) -> None:
        self.key, self.kind, self.urgency = key, kind, urgency
        self.place: int | None = None
        self.task: Task | None = None
        self.arrived = False
        self.dropped = False


class _Places:
    """The places of one rack: those free, lowest first, and the parts that wait for one."""

    def __init__(self, rack: Rack) -> None:
        self.rack = rack
        self.free = list(range(rack.n_places))
        self.planned = self.limit = rack.n_places
        self.waiting: deque[_Part] = deque()

    @property
    def n_used(self) -> int:
        return self.rack.n_places - len(self.free)


class Staging:
    """The staged experts of one open model."""

    def __init__(
        self, store: ExpertStore, memory: SlotMemory[T], source: PartSource[T], loader: Loader, pager: ExpertPager
    ) -> None:
        self._store, self._loader, self._pager = store, loader, pager
        self._read_to, self._adopt, self._release_places = (
            to_places(memory, source),
            memory.adopt,
            memory.release_places,
        )
        self._racks = [_Places(rack) for rack in memory.racks]
        self._places = {(layer, of.rack.kind): of for of in self._racks for layer in of.rack.first}
        self._kinds = {layer: tuple(part.kind for part in layout.parts) for layer, layout in store.layers.items()}
        self._parts: dict[tuple[int, WeightKind], dict[int, _Part]] = {place: {} for place in self._places}
        self._errors: dict[tuple[ExpertKey, WeightKind], BaseException] = {}
        self._changed = threading.Condition()
        self.wait_seconds = 0.0
        self.bytes_read = 0

    def plan_for(self, capacity: Mapping[int, int]) -> None:
        """Use as many places as are needed beside `capacity[layer]` slots."""
        with self._changed:
            for places in self._racks:
                places.planned = places.limit = _n_places(places.rack, capacity)

    def staged(self, layer: int) -> set[int]:
        """Return the experts of a layer that are at places, or on their way there."""
        with self._changed:
            return {expert for kind in self._kinds[layer] for expert in self._parts[layer, kind]}

    def begin(self, layer: int, kind: WeightKind, experts: Iterable[int], urgency: Urgency) -> None:
        """Start bringing experts to places, as these become free; what was asked before is hurried."""
        with self._changed:
            places, parts = self._places[layer, kind], self._parts[layer, kind]
            for expert in experts:
                part = parts.get(expert)
                if part is None:
                    key = ExpertKey(layer, expert)
                    self._errors.pop((key, kind), None)
                    part = parts[expert] = _Part(key, kind, urgency)
                    places.waiting.append(part)
                elif part.urgency > urgency:
                    part.urgency = urgency
                    if part.task is not None:
                        self._loader.hurry(part.task, urgency)
            # What a layer needs that has lost slots; what is read ahead waits until others are free.
            places.limit = places.planned if urgency is Urgency.AHEAD else max(places.planned, len(parts))
            self._loader.submit(*self._give_places(places))

    def want(self, layer: int, experts: Collection[int]) -> None:
        """Drop what was asked for of a layer and is not wanted after all."""
        for kind in self._kinds[layer]:
            if self._parts[layer, kind]:  # mostly empty, and asked for every layer of every decoded token
                self.computed(layer, kind, experts)

    def wait(self, layer: int, kind: WeightKind, experts: Collection[int]) -> dict[int, int]:
        """Wait until these experts, begun before, are at their places; return expert -> place.

        Raises:
            ExpertReadError: one of them could not be read.
        """
        start = time.perf_counter()
        with self._changed:
            parts = self._parts[layer, kind]
            while True:
                failed = [expert for expert in experts if expert not in parts]
                if failed or all(parts[expert].arrived for expert in experts):
                    break
                self._changed.wait()
            self.wait_seconds += time.perf_counter() - start
            if failed:
                raise self._errors[ExpertKey(layer, failed[0]), kind]
            return {expert: place for expert in experts if (place := parts[expert].place) is not None}

    def computed(self, layer: int, kind: WeightKind, keep: Collection[int]) -> None:
        """Free the places of a kind whose kernels are done, but for experts to `keep`."""
        with self._changed:
            self._drop([part for part in self._parts[layer, kind].values() if part.key.expert not in keep])

    def adopt(self, layer: int, expert: int, keep: Collection[int]) -> bool:
        """Copy an expert, all kinds of it, into a slot, evicting none of `keep`; return whether there was room."""
        with self._changed:
            parts = {kind: self._parts[layer, kind].pop(expert) for kind in self._kinds[layer]}
        slots: list[int] = []

        def work(part: _Part) -> int:
            assert part.place is not None
            try:
                self._adopt(part.key, part.kind, part.place, slots[0])
            finally:
                self._free(part)
            return 0

        works = {kind: partial(work, part) for kind, part in parts.items()}
        adopted = self._pager.fill(ExpertKey(layer, expert), works, slots.append, keep.__contains__)
        if not adopted:
            for part in parts.values():
                self._free(part)
        return adopted

    def finish(self, layer: int) -> None:
        """Free all places of a layer."""
        self.want(layer, ())

    def reset(self) -> None:
        """Drop everything and wait for what is being read: after an error or a cancelled batch."""
        with self._changed:
            for parts in self._parts.values():
                self._drop(list(parts.values()))
            while any(places.n_used for places in self._racks):
                self._changed.wait()

    def release_memory(self) -> None:
        """Give the places' memory back to the system; they can be used again. What is staged is dropped."""
        self.reset()
        self._release_places()

    def _give_places(self, places: _Places) -> list[Task]:
        """Give free places to those that wait for one; return the tasks that fill them. Under the lock."""
        tasks = []
        while places.waiting and places.free and places.n_used < places.limit:
            part = places.waiting.popleft()
            part.place = heapq.heappop(places.free)
            part.task = Task(partial(self._read, part), partial(self._done, part), part.urgency)
            tasks.append(part.task)
        return tasks

    def _read(self, part: _Part) -> int:
        assert part.place is not None
        span = next(span for span in self._store.spans(part.key) if span.kind is part.kind)
        return self._read_to(part.key.layer, part.place, [span])

    def _done(self, part: _Part, outcome: Outcome) -> None:
        with self._changed:
            part.task = None
            part.arrived = True
            self.bytes_read += outcome.n_bytes
            if outcome.error is not None and not part.dropped:
                self._errors[part.key, part.kind] = outcome.error
                self._take(part)
            if part.dropped:
                self._free(part)
            self._changed.notify_all()

    def _drop(self, parts: Iterable[_Part]) -> None:
        """Take parts from their layer; their places are free at once, or when what is being read has been."""
        with self._changed:
            for part in parts:
                self._take(part)
                if part.place is None:
                    self._places[part.key.layer, part.kind].waiting.remove(part)
                elif part.task is None or self._loader.cancel(part.task):
                    self._free(part)

    def _take(self, part: _Part) -> None:
        del self._parts[part.key.layer, part.kind][part.key.expert]
        part.dropped = True

    def _free(self, part: _Part) -> None:
        """Free the place of a part that nobody reads or writes any more."""
        with self._changed:
            places = self._places[part.key.layer, part.kind]
            assert part.place is not None
            heapq.heappush(places.free, part.place)
            self._loader.submit(*self._give_places(places))
            self._changed.notify_all()
