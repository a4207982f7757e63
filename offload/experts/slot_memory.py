"""Where slots lie in memory: the seam between the pager, which moves bytes, and the device that computes with them."""

from collections.abc import Mapping
from typing import Protocol

from offload.experts.arena import Arena
from offload.experts.reader import Target
from offload.experts.store import LayerLayout, PartLayout, WeightKind


class SlotMemory(Protocol):
    """The memory of all slots of a model. Any thread may use different slots at once."""

    def target(self, layer: int, kind: WeightKind, slot: int) -> Target:
        """Return where `kind` of the expert in `slot` goes."""

    def release(self, layer: int, slot: int) -> None:
        """Give the memory of a slot that holds nothing back to the system."""


class ArenaSlots:
    """Slots in this process's own memory, at the addresses the compute device gave each layer and kind."""

    def __init__(self, arena: Arena, layers: Mapping[int, LayerLayout], address: Mapping[tuple[int, str], int]) -> None:
        """Place the slots: `address[layer, kind]` is where slot 0 of that layer and kind begins."""
        self._arena = arena
        self._parts: dict[tuple[int, WeightKind], tuple[int, PartLayout]] = {
            (layer, part.kind): (address[layer, part.kind.value], part)
            for layer, layout in layers.items()
            for part in layout.parts
        }
        self._kinds = {layer: tuple(part.kind for part in layout.parts) for layer, layout in layers.items()}

    def target(self, layer: int, kind: WeightKind, slot: int) -> Target:
        """Return where `kind` of the expert in `slot` goes."""
        address, part = self._parts[layer, kind]
        region = self._arena.view(address + slot * part.region_bytes, part.region_bytes)
        return Target(region, part.start, part.n_bytes)

    def release(self, layer: int, slot: int) -> None:
        """Give the memory of a slot that holds nothing back to the system."""
        for kind in self._kinds[layer]:
            address, part = self._parts[layer, kind]
            self._arena.release(address + slot * part.region_bytes, part.region_bytes)
