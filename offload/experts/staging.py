"""Staging: where a batch that routes to more experts than the slots hold finds a whole layer at once.

One buffer per weight kind, with room for every expert of a layer at its true index. Experts in slots are copied,
the others read. gate and up are computed while down is read, down while the next layer's gate and up are read: the
disk hides behind the compute. Nothing is evicted to stage a layer. When a layer is done, experts worth keeping can be
copied out into slots; that copy is made before the buffer's place is written again.

Invariants (tests/offload/experts/test_staging.py):
 1. `wait` returns only when every wanted expert of the kind is whole.      test_wait_returns_whole_experts
 2. A place is not written while it is still to be copied out.              test_copies_out_before_place_is_reused
 3. An expert copied from a slot is held there until it has been copied.    test_source_slots_are_held

Thread rule: for the compute thread; reader threads do the reading and copying.
"""

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from offload.experts.arena import HUGE_PAGE, Arena
from offload.experts.key import ExpertKey
from offload.experts.loader import Loader, Outcome, Task, Urgency
from offload.experts.pager import ExpertPager
from offload.experts.reader import Target
from offload.experts.slot_memory import SlotMemory
from offload.experts.span_source import SpanSource
from offload.experts.store import ExpertStore, LayerLayout, WeightKind


class Shelf(NamedTuple):
    """Where a kind's buffer lies: expert e begins `e * stride_bytes` behind `address`, whatever the layer.

    One stride for all layers: else, where layers differ in type, the place of one layer's expert would overlap those
    of several experts of the next, and `copied out before it is written` could not be said of a place.
    """

    address: int
    stride_bytes: int


def staging_bytes(layers: Mapping[int, LayerLayout]) -> int:
    """Return the memory staging needs for these layers: per kind, room for the largest layer's experts."""
    return sum(n_bytes for _, n_bytes in _shelf_sizes(layers).values())


def _shelf_sizes(layers: Mapping[int, LayerLayout]) -> dict[WeightKind, tuple[int, int]]:
    """Return the stride and the size of each kind's buffer, in bytes."""
    parts = [(layout.n_expert, part) for layout in layers.values() for part in layout.parts]
    sizes = {}
    for kind in dict.fromkeys(part.kind for _, part in parts):
        stride = max(part.region_bytes for _, part in parts if part.kind is kind)
        n_expert = max(n_expert for n_expert, part in parts if part.kind is kind)
        sizes[kind] = (stride, -(-n_expert * stride // HUGE_PAGE) * HUGE_PAGE)
    return sizes


class _Buffer:
    """One kind's buffer: whose layer it holds, what is wanted, and what is still on its way."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.layer = -1
        self.asked: set[int] = set()
        self.tasks: dict[Task, int] = {}
        self.errors: dict[int, BaseException] = {}


class _CopyOut:
    """A copy from a place in a buffer into a slot, made once, by whoever comes first."""

    def __init__(self, source: Target) -> None:
        self.source = source
        self.target: Target | None = None
        self.lock = threading.Lock()
        self.made = False

    def make(self) -> None:
        with self.lock:
            if not self.made and self.target is not None:
                _copy(self.source, self.target)
            self.made = True


class Staging:
    """The staging buffers of one open model."""

    def __init__(
        self, store: ExpertStore, memory: SlotMemory, source: SpanSource, loader: Loader, pager: ExpertPager
    ) -> None:
        """Reserve the buffers; they take memory as they are first used, until `release_memory`."""
        self._store, self._memory, self._source, self._loader, self._pager = store, memory, source, loader, pager
        sizes = _shelf_sizes(store.layers)
        self._arena = Arena(sum(n_bytes for _, n_bytes in sizes.values()))
        self._buffers: dict[WeightKind, _Buffer] = {}
        address = self._arena.address
        for kind, (stride, n_bytes) in sizes.items():
            self._buffers[kind] = _Buffer(Shelf(address, stride))
            address += n_bytes
        self._held: dict[int, dict[int, int]] = {}
        self._copies: dict[tuple[WeightKind, int], _CopyOut] = {}
        self._changed = threading.Condition()
        self.wait_seconds = 0.0
        self.bytes_read = 0

    def shelf(self, kind: WeightKind) -> Shelf:
        """Return where the kind's buffer lies."""
        return self._buffers[kind].shelf

    def begin(self, layer: int, kind: WeightKind, experts: Collection[int], urgency: Urgency) -> None:
        """Start bringing experts of a layer into the kind's buffer; those asked for already are not asked again."""
        if layer not in self._held:
            self._held[layer] = self._pager.hold(layer)
        slots = self._held[layer]
        with self._changed:
            buffer = self._buffers[kind]
            if buffer.layer != layer:
                self._empty(buffer)
                buffer.layer = layer
            new = sorted(set(experts) - buffer.asked, key=lambda expert: (expert in slots, expert))
            buffer.asked.update(new)
            for expert in new:
                buffer.errors.pop(expert, None)
            tasks = [self._task(layer, kind, expert, slots.get(expert), buffer, urgency) for expert in new]
            for task, expert in buffer.tasks.items():
                if expert in experts:
                    self._loader.hurry(task, urgency)
            buffer.tasks.update(zip(tasks, new, strict=True))
        self._loader.submit(*tasks)

    def wait(self, layer: int, kind: WeightKind, experts: Collection[int]) -> None:
        """Wait until these experts are in the buffer; others that were asked for and not begun are dropped.

        Raises:
            ExpertReadError: one of them could not be read.
        """
        wanted = set(experts)
        start = time.perf_counter()
        buffer = self._buffers[kind]
        with self._changed:
            self._cancel_queued(buffer, wanted)
            for task, expert in buffer.tasks.items():
                if expert in wanted:
                    self._loader.hurry(task, Urgency.DEMAND)
            while not wanted.isdisjoint(buffer.tasks.values()):
                self._changed.wait()
            self.wait_seconds += time.perf_counter() - start
            error = next((buffer.errors[expert] for expert in buffer.errors if expert in wanted), None)
            buffer.errors.clear()
        if error is not None:
            raise error

    def staged(self, layer: int) -> bool:
        """Say whether anything of this layer has been asked for."""
        return layer in self._held or any(buffer.layer == layer for buffer in self._buffers.values())

    def drop(self, layer: int) -> None:
        """Forget what was asked for of a layer that needs no staging after all."""
        with self._changed:
            for buffer in self._buffers.values():
                if buffer.layer == layer:
                    self._empty(buffer)
        self.finish(layer, ())

    def finish(self, layer: int, order: Iterable[int]) -> None:
        """Let go of the slots that were copied from; `order` names experts, the least used first."""
        held = self._held.pop(layer, {})
        with self._changed:
            for buffer in self._buffers.values():
                if buffer.layer == layer:
                    self._cancel_queued(buffer)
                    while not held.keys().isdisjoint(buffer.tasks.values()):  # an unwanted copy may be under way
                        self._changed.wait()
        named = dict.fromkeys(expert for expert in order if expert in held)
        self._pager.unhold(layer, [*(expert for expert in held if expert not in named), *named])

    def adopt(self, layer: int, expert: int, keep: Collection[int]) -> bool:
        """Copy a staged expert into a slot, all kinds of it, evicting none of `keep`; return whether there was room."""
        copies = {}
        for part in self._store.layers[layer].parts:
            copies[part.kind] = _CopyOut(self._place(layer, part.kind, expert))

        def work(kind: WeightKind) -> int:
            copies[kind].make()
            with self._changed:
                if self._copies.get((kind, expert)) is copies[kind]:
                    del self._copies[kind, expert]
            return 0

        def placed(slot: int) -> None:
            with self._changed:
                for kind, copy in copies.items():
                    copy.target = self._memory.target(layer, kind, slot)
                    self._copies[kind, expert] = copy

        works = {kind: partial(work, kind) for kind in copies}
        return self._pager.fill(ExpertKey(layer, expert), works, placed, keep.__contains__)

    def reset(self) -> None:
        """Drop what is queued, wait for what runs, and let go of all slots: after an error or a cancelled batch."""
        with self._changed:
            for buffer in self._buffers.values():
                self._empty(buffer)
        for layer in list(self._held):
            self.finish(layer, list(self._held[layer]))

    def release_memory(self) -> None:
        """Give the buffers' memory back to the system; they can be used again. Nothing may be staged."""
        with self._changed:
            copies = list(self._copies.values())
            for buffer in self._buffers.values():
                self._empty(buffer)
        for copy in copies:
            copy.make()
        self._arena.release(self._arena.address, self._arena.n_bytes)

    def close(self) -> None:
        """Give everything back; what is being read is waited for. Harmless when called twice."""
        self.reset()
        self._arena.close()

    def _empty(self, buffer: _Buffer) -> None:
        """Drop what is queued for a buffer and wait for what runs. Under the lock, which waiting lets go."""
        self._cancel_queued(buffer)
        while buffer.tasks:
            self._changed.wait()
        buffer.layer = -1
        buffer.asked.clear()
        buffer.errors.clear()

    def _cancel_queued(self, buffer: _Buffer, wanted: Collection[int] = ()) -> None:
        """Drop what is queued for a buffer and not wanted."""
        for task, expert in list(buffer.tasks.items()):
            if expert not in wanted and self._loader.cancel(task):
                del buffer.tasks[task]
                buffer.asked.discard(expert)

    def _place(self, layer: int, kind: WeightKind, expert: int) -> Target:
        part = next(part for part in self._store.layers[layer].parts if part.kind is kind)
        shelf = self._buffers[kind].shelf
        address = shelf.address + expert * shelf.stride_bytes
        return Target(self._arena.view(address, part.region_bytes), part.start, part.n_bytes)

    def _task(
        self, layer: int, kind: WeightKind, expert: int, slot: int | None, buffer: _Buffer, urgency: Urgency
    ) -> Task:
        def work() -> int:
            place = self._place(layer, kind, expert)
            with self._changed:
                copy = self._copies.pop((kind, expert), None)
            if copy is not None:
                copy.make()
            if slot is not None:
                _copy(self._memory.target(layer, kind, slot), place)
                return 0
            span = next(span for span in self._store.spans(ExpertKey(layer, expert)) if span.kind is kind)
            return self._source.read_spans([span], {kind: place})

        def done(outcome: Outcome) -> None:
            with self._changed:
                del buffer.tasks[task]
                self.bytes_read += outcome.n_bytes
                if outcome.error is not None:
                    buffer.errors[expert] = outcome.error
                    buffer.asked.discard(expert)
                self._changed.notify_all()

        task = Task(work, done, urgency)
        return task


def _copy(source: Target, target: Target) -> None:
    """Copy a payload; NumPy does it without the interpreter lock."""
    np.copyto(np.frombuffer(target.payload, np.uint8), np.frombuffer(source.payload, np.uint8))
