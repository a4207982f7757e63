"""`RamTier`: the experts that RAM keeps behind a device's slots, in pinned memory where the device's driver has it."""

from collections.abc import Mapping

from offload.experts.arena import Arena
from offload.experts.device_slots import DeviceSlots
from offload.experts.host_regions import MemoryBlock
from offload.experts.host_tier import HostTier
from offload.experts.span_source import SpanSource
from offload.experts.store import LayerLayout
from offload.experts.tiered_source import TieredSource
from offload.ggml.pinned_memory import PinnedMemory


class RamTier:
    """One model's, opened and closed by one thread."""

    def __init__(self, layers: Mapping[int, LayerLayout], slots: DeviceSlots, device: int, n_readers: int) -> None:
        """Keep nothing yet, behind `slots` of the ggml device at an address."""
        self._layers, self._slots, self._device, self._n_readers = layers, slots, device, n_readers
        self.tier = HostTier(layers, 0, spare=n_readers)
        self.source: TieredSource | None = None

    def over(self, source: SpanSource) -> TieredSource:
        """Return what reads into the slots, through this tier, what `source` has."""
        self.source = self._slots.watcher = TieredSource(source, self.tier, self._slots)
        return self.source

    def keep(self, n_bytes: int) -> None:
        """Keep experts of so many bytes from now on. Before anything was read: pinned memory is taken as a whole."""
        before, self.tier = self.tier, HostTier(self._layers, n_bytes, spare=self._n_readers, reserve=self._reserve)
        if self.source is not None:
            self.source.use_tier(self.tier)
        before.close()

    def close(self) -> None:
        """Free the memory. Harmless when called twice."""
        self.tier.close()

    def _reserve(self, n_bytes: int) -> MemoryBlock:
        try:
            return PinnedMemory(self._device, n_bytes)
        except MemoryError:
            return Arena(n_bytes)
