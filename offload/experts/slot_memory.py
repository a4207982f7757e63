"""Where slots lie in memory: the seam between the pager, which moves bytes, and the device that computes with them.

What a target is, memory and the source that fills it agree on: the pager passes it on. In this process's memory it is a
`reader.Target`, in a device's a `device_target.DeviceTarget`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from offload.experts.arena import HUGE_PAGE, Arena
from offload.experts.key import ExpertKey
from offload.experts.racks import Rack, racks_for
from offload.experts.reader import Target
from offload.experts.span_source import PartSource
from offload.experts.store import LayerLayout, PartLayout, Span, WeightKind

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class SlotMemory(Protocol[T_co]):
    """The memory of all slots and staging places of a model. Any thread may use different ones at once."""

    @property
    def racks(self) -> Sequence[Rack]:
        """How slots and places are numbered."""

    def target(self, layer: int, kind: WeightKind, slot: int) -> T_co:
        """Return where `kind` of the expert in `slot` of the layer goes."""

    def place(self, layer: int, kind: WeightKind, place: int) -> T_co:
        """Return where `kind` of an expert of the layer goes that is staged at a place of the kind's rack."""

    def adopt(self, key: ExpertKey, kind: WeightKind, place: int, slot: int) -> None:
        """Copy `kind` of an expert from a place into a slot."""

    def release(self, layer: int, slot: int) -> None:
        """Give the memory of a slot that holds nothing back to the system."""

    def release_places(self) -> None:
        """Give the memory of all places back to the system: nothing is staged."""


Reading = Callable[[int, int, Sequence[Span]], int]
"""Reads spans of an expert of a layer into a slot, or to a place; returns the bytes read from the store."""


def into_slots(memory: SlotMemory[T], source: PartSource[T]) -> Reading:
    """Return what reads into slots."""

    def read(layer: int, slot: int, spans: Sequence[Span]) -> int:
        return source.read_spans(spans, {span.kind: memory.target(layer, span.kind, slot) for span in spans})

    return read


def to_places(memory: SlotMemory[T], source: PartSource[T]) -> Reading:
    """Return what reads to places."""

    def read(layer: int, place: int, spans: Sequence[Span]) -> int:
        return source.read_spans(spans, {span.kind: memory.place(layer, span.kind, place) for span in spans})

    return read


class RackSpan(NamedTuple):
    """Where a rack lies: slot n of `n_slots` begins `n * stride_bytes` behind `address`."""

    address: int
    stride_bytes: int
    n_slots: int


class ArenaSlots:
    """Slots in this process's own memory: address space for every expert, pages touched as they are first used."""

    def __init__(self, layers: Mapping[int, LayerLayout]) -> None:
        """Reserve a slot for every expert, and the places for staging.

        Raises:
            OSError: the system refuses to reserve so much address space.
        """
        self._racks: dict[tuple[int, WeightKind], tuple[int, Rack, PartLayout]] = {}
        self._kinds = {layer: tuple(part.kind for part in layout.parts) for layer, layout in layers.items()}
        self.racks: Sequence[Rack] = racks_for(layers)
        self._arena = Arena(sum(_whole_pages(rack) for rack in self.racks))
        self._places: list[tuple[int, Rack]] = []
        address = self._arena.address
        for rack in self.racks:
            self._places.append((address, rack))
            for layer in rack.first:
                part = next(part for part in layers[layer].parts if part.kind is rack.kind)
                self._racks[layer, rack.kind] = address, rack, part
            address += _whole_pages(rack)

    def rack(self, layer: int, kind: WeightKind) -> RackSpan:
        """Return the rack that holds the layer's slots of this kind."""
        address, rack, _ = self._racks[layer, kind]
        return RackSpan(address, rack.stride_bytes, rack.n_slots)

    def address(self, layer: int, kind: WeightKind) -> int:
        """Return where slot 0 of the layer begins."""
        address, rack, _ = self._racks[layer, kind]
        return address + rack.first[layer] * rack.stride_bytes

    def target(self, layer: int, kind: WeightKind, slot: int) -> Target:
        """Return where `kind` of the expert in `slot` of the layer goes."""
        return self._target(layer, kind, self._racks[layer, kind][1].first[layer] + slot)

    def place(self, layer: int, kind: WeightKind, place: int) -> Target:
        """Return where `kind` of an expert of the layer goes that is staged at a place of the kind's rack."""
        return self._target(layer, kind, place)

    def adopt(self, key: ExpertKey, kind: WeightKind, place: int, slot: int) -> None:
        """Copy `kind` of an expert from a place into a slot; NumPy does it without the interpreter lock."""
        source, target = self.place(key.layer, kind, place), self.target(key.layer, kind, slot)
        np.copyto(np.frombuffer(target.payload, np.uint8), np.frombuffer(source.payload, np.uint8))

    def release(self, layer: int, slot: int) -> None:
        """Give the memory of a slot that holds nothing back to the system."""
        for kind in self._kinds[layer]:
            stride = self._racks[layer, kind][1].stride_bytes
            self._arena.release(self.address(layer, kind) + slot * stride, stride)

    def release_places(self) -> None:
        """Give the memory of all places back to the system: nothing is staged."""
        for address, rack in self._places:
            self._arena.release(address, rack.n_places * rack.stride_bytes)

    def use_huge_pages(self, capacity: Mapping[int, int]) -> None:
        """Have the first `capacity[layer]` slots of each layer, and the places, backed by huge pages where they can.

        Not beyond: a huge page over the edge would take memory for slots that are not used.
        """
        self._arena.use_small_pages()
        for (layer, kind), (_, rack, _) in self._racks.items():
            self._arena.use_huge_pages(self.address(layer, kind), capacity[layer] * rack.stride_bytes)
        for address, rack in self._places:
            self._arena.use_huge_pages(address, rack.n_places * rack.stride_bytes)

    def close(self) -> None:
        """Release all memory. Harmless when called twice."""
        self._arena.close()

    def _target(self, layer: int, kind: WeightKind, number: int) -> Target:
        address, rack, part = self._racks[layer, kind]
        region = self._arena.view(address + number * rack.stride_bytes, rack.stride_bytes)
        return Target(region, part.start, part.n_bytes)


def _whole_pages(rack: Rack) -> int:
    return -(-rack.n_bytes // HUGE_PAGE) * HUGE_PAGE
