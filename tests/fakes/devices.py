"""The processor standing in for a GPU: three tiers, everything copied to and fro as with any device; or refused."""

from collections.abc import Callable, Mapping
from typing import cast

from offload.errors import DeviceError
from offload.experts.device_slots import DeviceBlock, DeviceSlots
from offload.experts.slots import SlotState
from offload.ggml.symbols import symbols
from offload.llama.library import load
from offload.paged_model import PagedModel
from offload.slot_home import DeviceShare


def stand_in(
    capacity: Mapping[int, int], *, host_bytes: int = 0, staged: bool = True, on_cpu: float | None = None
) -> DeviceShare:
    """Return a share of the processor as a device with so many slots, over so much of RAM for experts."""
    load()
    address = symbols().ggml_backend_dev_by_name(b"CPU")
    return DeviceShare(address, True, capacity, staged, host_bytes, 2, on_cpu)


class BreakableDevice:
    """A device that refuses what `broken` holds for, as long as it holds: `write`, `read` or `copy` of its memory."""

    def __init__(self) -> None:
        self.broken: Callable[[str], bool] = lambda what: False
        self.n_refused = 0
        self.n_done = dict.fromkeys(("write", "read", "copy"), 0)

    def ask(self, what: str) -> None:
        if self.broken(what):
            self.n_refused += 1
            raise DeviceError(f"{what}: no answer", device="stand-in")
        self.n_done[what] += 1


class BreakableBlock:
    """Memory of such a device. What is refused has spoilt its target already."""

    def __init__(self, block: DeviceBlock, device: BreakableDevice) -> None:
        self._block, self._device = block, device

    def write(self, offset: int, content: memoryview) -> None:
        self._block.write(offset, memoryview(b"\x7b" * len(content)))
        self._device.ask("write")
        self._block.write(offset, content)

    def read(self, offset: int, content: memoryview) -> None:
        content[:] = b"\x7b" * len(content)
        self._device.ask("read")
        self._block.read(offset, content)

    def copy(self, source: int, target: int, n_bytes: int) -> None:
        self._block.write(target, memoryview(b"\x7b" * n_bytes))
        self._device.ask("copy")
        self._block.copy(source, target, n_bytes)

    def close(self) -> None:
        self._block.close()


def make_breakable(paged: PagedModel) -> BreakableDevice:
    """Have the slots of a model that was opened on a device break as the returned one does."""
    device, slots = BreakableDevice(), cast(DeviceSlots, paged._home.memory)
    slots.blocks[:] = [BreakableBlock(block, device) for block in slots.blocks]
    return device


def everything_is_given_back(paged: PagedModel) -> bool:
    """Say whether nobody holds a part of the host tier any more, once all reads have ended. Empties the tier."""
    for layer, kinds in paged.pager._loads._kinds.items():
        loading = [expert for expert, state in enumerate(paged.pager.states(layer)) if state == SlotState.LOADING]
        paged.pager.acquire(layer, loading, counted=False)
        paged.pager.wait(layer, kinds, counted=False)
        paged.pager.release(layer)
    assert paged.tier is not None
    paged.tier.resize(0)
    return paged.tier.counts().n_parts == 0
