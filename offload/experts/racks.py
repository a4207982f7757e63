"""Racks: slots of equal length in one row, so that one tensor reaches every one of them by its number.

    places 0 .. n_places-1 | slots of a layer | slots of the next layer | ...

A rack holds one kind of matrix of all layers where it has one length. Its places are for staging and belong to no
layer. A batch computes with experts in slots and experts at places in one kernel, and none has to be copied.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from offload.experts.store import LayerLayout, WeightKind


@dataclass(frozen=True, slots=True)
class Rack:
    """One row of slots; everything in it is numbered from its first place on."""

    kind: WeightKind
    stride_bytes: int
    """From one slot to the next."""
    n_places: int
    first: Mapping[int, int]
    """By layer: the number of its slot 0."""
    n_slots: int
    """Places and the slots of all layers."""

    @property
    def n_bytes(self) -> int:
        """Address space of the rack."""
        return self.n_slots * self.stride_bytes


def racks_for(layers: Mapping[int, LayerLayout], capacity: Mapping[int, int] | None = None) -> list[Rack]:
    """Return the racks of a model: places for the layer with most experts, and `capacity[layer]` slots of each layer.

    None: a slot for every expert, where room that is not used costs nothing.
    """
    n_slots_of = capacity or {layer: layout.n_expert for layer, layout in layers.items()}
    alike: dict[tuple[WeightKind, int], list[LayerLayout]] = {}
    for layout in layers.values():
        for part in layout.parts:
            alike.setdefault((part.kind, part.region_bytes), []).append(layout)
    racks = []
    for (kind, stride_bytes), layouts in alike.items():
        n_places = n_slots = max(layout.n_expert for layout in layouts)
        first = {}
        for layout in layouts:
            first[layout.layer] = n_slots
            n_slots += n_slots_of[layout.layer]
        racks.append(Rack(kind, stride_bytes, n_places, first, n_slots))
    return racks
