"""Experts of a few bytes that name themselves: a store without files, the source that makes them, slots for them."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fakes.span_sources import spoil, unreadable
from offload.experts.key import ExpertKey
from offload.experts.racks import racks_for
from offload.experts.reader import Target
from offload.experts.store import Codec, LayerLayout, PartLayout, Span, WeightKind, WeightLayout

GATE, UP, DOWN, GATE_UP = WeightKind.GATE, WeightKind.UP, WeightKind.DOWN, WeightKind.GATE_UP
LONGEST_WAIT_SECONDS = 20.0
"""A gate that nobody opens is a failed test, not a hung one."""


def content(key: ExpertKey, kind: WeightKind, n_bytes: int) -> bytes:
    """Return the bytes of one part: they tell layer, expert and kind, wherever one looks."""
    name = bytes([key.layer + 1, key.expert + 1, 0x80 + list(WeightKind).index(kind)])
    return (name * (n_bytes // len(name) + 1))[:n_bytes]


def layer_layout(layer: int, n_expert: int, n_bytes: Mapping[WeightKind, int], phase: int = 0) -> LayerLayout:
    parts = (PartLayout(kind, size, WeightLayout.PLAIN, phase) for kind, size in n_bytes.items())
    return LayerLayout(layer, n_expert, tuple(parts))


class TinyStore:
    """A store of these layers; a span's offset names the expert."""

    files = (Path("tiny"),)

    def __init__(self, *layouts: LayerLayout) -> None:
        self.layers: Mapping[int, LayerLayout] = {layout.layer: layout for layout in layouts}

    def spans(self, key: ExpertKey) -> tuple[Span, ...]:
        layout = self.layers[key.layer]
        if not 0 <= key.expert < layout.n_expert:
            raise KeyError(key)
        offset = key.layer << 16 | key.expert
        return tuple(Span(0, offset, part.n_bytes, part.kind, part.n_bytes, Codec.RAW) for part in layout.parts)


def key_of(span: Span) -> ExpertKey:
    return ExpertKey(span.offset >> 16, span.offset & 0xFFFF)


def ignore(key: ExpertKey, kinds: Sequence[WeightKind], error: BaseException | None) -> None:
    """Hear of a read, and do nothing."""


class TinySource:
    """Makes the bytes of `TinyStore`. Reads fail while their expert is `broken`, and wait where a gate is shut."""

    def __init__(self) -> None:
        self.broken: set[ExpertKey] = set()
        self.gates: dict[tuple[ExpertKey, WeightKind], threading.Event] = {}
        self.begun: list[tuple[ExpertKey, WeightKind]] = []
        self.ended: Callable[[ExpertKey, Sequence[WeightKind], BaseException | None], None] = ignore
        self._began = threading.Condition()

    def shut(self, key: ExpertKey, kind: WeightKind) -> threading.Event:
        """Hold back reads of this part, once begun, until the returned gate is opened with `set`."""
        return self.gates.setdefault((key, kind), threading.Event())

    def await_begun(self, key: ExpertKey, kind: WeightKind) -> None:
        """Wait until a read of this part has begun."""
        with self._began:
            assert self._began.wait_for(lambda: (key, kind) in self.begun, LONGEST_WAIT_SECONDS)

    def begins_within(self, key: ExpertKey, kind: WeightKind, seconds: float) -> bool:
        """Say whether a read of this part begins in so short a time: a chance for one that must not."""
        with self._began:
            return self._began.wait_for(lambda: (key, kind) in self.begun, seconds)

    def read_spans(self, spans: Sequence[Span], targets: Mapping[WeightKind, Target]) -> int:
        key, kinds = key_of(spans[0]), [span.kind for span in spans]
        spoil(targets)  # who computes with it too early computes with rubbish
        with self._began:
            self.begun += [(key, kind) for kind in kinds]
            self._began.notify_all()
        for kind in kinds:
            if (key, kind) in self.gates:
                assert self.gates[key, kind].wait(LONGEST_WAIT_SECONDS)
        error = unreadable(spans[0]) if key in self.broken else None
        if error is None:
            for span in spans:
                targets[span.kind].payload[:] = content(key, span.kind, span.n_bytes)
        self.ended(key, kinds, error)
        if error is not None:
            raise error
        return sum(span.stored_bytes for span in spans)


class ByteSlots:
    """Slots and places in bytearrays; knows which have memory."""

    def __init__(self, store: TinyStore) -> None:
        self._layers = store.layers
        self.racks = racks_for(store.layers)
        self._memory: dict[tuple[int, WeightKind, int], bytearray] = {}
        self._places: dict[tuple[WeightKind, int, int], bytearray] = {}
        self.with_memory: set[tuple[int, int]] = set()

    def target(self, layer: int, kind: WeightKind, slot: int) -> Target:
        part = self._part(layer, kind)
        self.with_memory.add((layer, slot))
        region = self._memory.setdefault((layer, kind, slot), bytearray(part.region_bytes))
        return Target(memoryview(region), part.start, part.n_bytes)

    def place(self, layer: int, kind: WeightKind, place: int) -> Target:
        part = self._part(layer, kind)
        region = self._places.setdefault((kind, part.region_bytes, place), bytearray(part.region_bytes))
        return Target(memoryview(region), part.start, part.n_bytes)

    def adopt(self, key: ExpertKey, kind: WeightKind, place: int, slot: int) -> None:
        self.target(key.layer, kind, slot).payload[:] = self.place(key.layer, kind, place).payload

    def release_places(self) -> None:
        self._places.clear()

    @property
    def places_with_memory(self) -> set[tuple[WeightKind, int, int]]:
        """Kind, length and number of every place that was touched since places were released."""
        return set(self._places)

    def release(self, layer: int, slot: int) -> None:
        self.with_memory.discard((layer, slot))
        for part in self._layers[layer].parts:
            self._memory.pop((layer, part.kind, slot), None)

    def holds(self, key: ExpertKey, kind: WeightKind, slot: int) -> bool:
        """Say whether the slot holds this part of this expert, whole."""
        part = self._part(key.layer, kind)
        region = self._memory.get((key.layer, kind, slot), b"")
        return region[part.start : part.start + part.n_bytes] == content(key, kind, part.n_bytes)

    def holds_at(self, key: ExpertKey, kind: WeightKind, place: int) -> bool:
        """Say whether the place holds this part of this expert, whole."""
        part = self._part(key.layer, kind)
        region = self._places.get((kind, part.region_bytes, place), b"")
        return region[part.start : part.start + part.n_bytes] == content(key, kind, part.n_bytes)

    def _part(self, layer: int, kind: WeightKind) -> PartLayout:
        return next(part for part in self._layers[layer].parts if part.kind is kind)
