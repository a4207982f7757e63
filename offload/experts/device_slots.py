"""`DeviceSlots`: slots and staging places in a device's memory, each rack one block of it.

What is where on a device the pager knows by number; bytes go there and back by copies of whole parts. Nothing is given
back to the system before the model is closed: the device has no other use for it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from offload.experts.device_target import DeviceTarget
from offload.experts.key import ExpertKey
from offload.experts.racks import NO_LIMIT, Rack, device_racks
from offload.experts.store import ExpertStore, Span, WeightKind


class DeviceBlock(Protocol):
    """One piece of a device's memory. Any thread may copy to and from different parts of it. Raises DeviceError."""

    def write(self, offset: int, content: memoryview) -> None:
        """Copy bytes to the device and wait until they are there."""

    def read(self, offset: int, content: memoryview) -> None:
        """Copy bytes from the device."""

    def copy(self, source: int, target: int, n_bytes: int) -> None:
        """Copy bytes from one offset to another."""

    def close(self) -> None:
        """Free the memory."""


class SlotWatcher(Protocol):
    """Keeps track of what slots hold, where they are filled from places."""

    def vacate(self, target: DeviceTarget) -> None:
        """Learn that a slot is about to be overwritten."""

    def filled(self, target: DeviceTarget, span: Span) -> None:
        """Learn that a slot, vacated before, holds this part, whole."""


class PartHome(NamedTuple):
    """Where the slots of one layer and kind are."""

    block: int
    """Number of the rack, and of its block."""
    rack: Rack
    n_bytes: int
    """Of a part."""


class DeviceSlots:
    """The slots and places of one model. Any thread may use different ones at once."""

    def __init__(
        self,
        store: ExpertStore,
        capacity: Mapping[int, int],
        make_block: Callable[[int], DeviceBlock],
        *,
        staged: bool,
        most_bytes: int = NO_LIMIT,
    ) -> None:
        """Take memory for `capacity[layer]` slots and, if `staged`, for the places beside them.

        Blocks have at most `most_bytes`, but for one layer's.

        Raises:
            DeviceError: the device has not so much.
        """
        layers = store.layers
        self.racks: Sequence[Rack] = device_racks(layers, capacity, staged=staged, most_bytes=most_bytes)
        self._spans = store.spans
        self.watcher: SlotWatcher | None = None
        self.blocks: list[DeviceBlock] = []
        self._homes: dict[tuple[int, WeightKind], PartHome] = {}
        for number, rack in enumerate(self.racks):
            for layer in rack.first:
                part = next(part for part in layers[layer].parts if part.kind is rack.kind)
                self._homes[layer, rack.kind] = PartHome(number, rack, part.n_bytes)
        try:
            for rack in self.racks:
                self.blocks.append(make_block(rack.n_bytes))
        except BaseException:
            self.close()
            raise

    def home(self, layer: int, kind: WeightKind) -> PartHome:
        """Return where the slots of a layer and kind are."""
        return self._homes[layer, kind]

    def target(self, layer: int, kind: WeightKind, slot: int) -> DeviceTarget:
        """Return where `kind` of the expert in `slot` of the layer goes."""
        home = self._homes[layer, kind]
        return self._at(home, home.rack.first[layer] + slot)

    def place(self, layer: int, kind: WeightKind, place: int) -> DeviceTarget:
        """Return where `kind` of an expert of the layer goes that is staged at a place of the kind's rack."""
        return self._at(self._homes[layer, kind], place)

    def is_slot(self, target: DeviceTarget) -> bool:
        """Say whether a target is a slot: what lies in one stays, what lies at a place is soon gone."""
        rack = self.racks[target.block]
        return target.offset >= rack.n_places * rack.stride_bytes

    def upload(self, target: DeviceTarget, payload: memoryview) -> None:
        """Copy a part to the device and wait until it is there. Raises DeviceError."""
        self.blocks[target.block].write(target.offset, payload)

    def download(self, target: DeviceTarget, payload: memoryview) -> None:
        """Copy a part from the device. Raises DeviceError."""
        self.blocks[target.block].read(target.offset, payload)

    def adopt(self, key: ExpertKey, kind: WeightKind, place: int, slot: int) -> None:
        """Copy `kind` of an expert from a place into a slot, on the device. Raises DeviceError."""
        source, target = self.place(key.layer, kind, place), self.target(key.layer, kind, slot)
        if self.watcher is not None:
            self.watcher.vacate(target)
        self.blocks[target.block].copy(source.offset, target.offset, target.n_bytes)
        if self.watcher is not None:
            self.watcher.filled(target, next(span for span in self._spans(key) if span.kind is kind))

    def release(self, layer: int, slot: int) -> None:
        """Keep the memory of a slot that holds nothing."""

    def release_places(self) -> None:
        """Keep the memory of all places."""

    def close(self) -> None:
        """Free all memory. Harmless when called twice."""
        for block in self.blocks:
            block.close()

    def _at(self, home: PartHome, number: int) -> DeviceTarget:
        return DeviceTarget(home.block, number * home.rack.stride_bytes, home.n_bytes)
