"""Racks: slots of equal length in one row, so that one tensor reaches every one of them by its number.

    places 0 .. n_places-1 | slots of a layer | slots of the next layer | ...

A rack holds one kind of matrix of all layers where it has one length. Its places are for staging and belong to no
layer. A batch computes with experts in slots and experts at places in one kernel, and none has to be copied.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from offload.experts.store import LayerLayout, PartLayout, WeightKind

NO_LIMIT = 1 << 62
"""Of bytes in one piece: more than there are."""
SPARE_SHARE = 1 / 8
"""Places beyond those a layer may need, as a share of its experts: the next layer is read into them while experts of
this one wait to be copied out."""


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
    n_expert: int
    """Of the layer with most experts."""

    @property
    def n_bytes(self) -> int:
        """Address space of the rack."""
        return self.n_slots * self.stride_bytes


def racks_for(layers: Mapping[int, LayerLayout]) -> list[Rack]:
    """Return the racks of a model: a slot for every expert of every layer, places for the layer with most experts.

    For memory that is taken only where it is used.
    """
    capacity = {layer: layout.n_expert for layer, layout in layers.items()}
    return _racks(layers, lambda part: part.region_bytes, capacity, lambda n_expert, fewest: n_expert)


def device_racks(
    layers: Mapping[int, LayerLayout], capacity: Mapping[int, int], *, staged: bool, most_bytes: int = NO_LIMIT
) -> list[Rack]:
    """Return racks of `capacity[layer]` slots, and as many places as staging beside them needs: a device's memory.

    Parts follow each other without gaps, as in a tensor. No rack has more than `most_bytes` where it has more than one
    layer: those of one length are then shared out among several.
    """

    def n_places(n_expert: int, fewest: int) -> int:
        return places_beside(n_expert, fewest) if staged else 0

    return _racks(layers, lambda part: part.n_bytes, capacity, n_places, most_bytes)


def places_beside(n_expert: int, n_slots: int) -> int:
    """Return how many places a layer of `n_expert` experts needs beside its slots."""
    return min(n_expert, n_expert - n_slots + spare_places(n_expert))


def spare_places(n_expert: int) -> int:
    """Return how many of the places are beyond those a layer may need."""
    return round(SPARE_SHARE * n_expert)


def _racks(
    layers: Mapping[int, LayerLayout],
    stride_of: Callable[[PartLayout], int],
    capacity: Mapping[int, int],
    places: Callable[[int, int], int],
    most_bytes: int = NO_LIMIT,
) -> list[Rack]:
    alike: dict[tuple[WeightKind, int], list[LayerLayout]] = {}
    for layout in layers.values():
        for part in layout.parts:
            alike.setdefault((part.kind, stride_of(part)), []).append(layout)
    racks = []
    for (kind, stride_bytes), layouts in alike.items():
        rack_of = partial(_rack, kind, stride_bytes, capacity, places)
        together: list[LayerLayout] = []
        for layout in layouts:
            if together and rack_of([*together, layout]).n_bytes > most_bytes:
                racks.append(rack_of(together))
                together = []
            together.append(layout)
        racks.append(rack_of(together))
    return racks


def _rack(
    kind: WeightKind,
    stride_bytes: int,
    capacity: Mapping[int, int],
    places: Callable[[int, int], int],
    layouts: Sequence[LayerLayout],
) -> Rack:
    n_expert = max(layout.n_expert for layout in layouts)
    n_places = places(n_expert, min(capacity[layout.layer] for layout in layouts))
    *starts, n_slots = accumulate((capacity[layout.layer] for layout in layouts), initial=n_places)
    first = {layout.layer: start for layout, start in zip(layouts, starts, strict=True)}
    return Rack(kind, stride_bytes, n_places, first, n_slots, n_expert)
