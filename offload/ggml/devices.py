"""The compute devices that llama.cpp drives here, and which of them a model is computed on.

Thread rule: every function may be called from any thread; none keeps state.
"""

import ctypes as C
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from offload.errors import UsageError
from offload.ggml.abi import SIZE
from offload.ggml.device import NAME as PAGER_NAME
from offload.ggml.symbols import symbols
from offload.llama.library import load

AUTO = "auto"
CPU = "cpu"
STAND_IN = "stand-in"


class DeviceKind(Enum):
    """What a device is to ggml."""

    CPU = "cpu"
    GPU = "gpu"
    """With memory of its own, or so it says: Metal's counts as one."""
    IGPU = "igpu"
    """A GPU that computes in the machine's memory."""
    ACCEL = "accel"
    """Computes for the CPU, in the CPU's memory."""


_KINDS = (DeviceKind.CPU, DeviceKind.GPU, DeviceKind.IGPU, DeviceKind.ACCEL)
"""In the order of `enum ggml_backend_dev_type` (ggml-backend.h); its fifth, META, is never registered."""


@dataclass(frozen=True, slots=True)
class ComputeDevice:
    """A device as ggml lists it. Both sizes are 0 where the device cannot tell."""

    name: str
    """As ggml says: `CUDA0`, `Vulkan0`, `CPU`."""
    description: str
    """What a person calls it."""
    kind: DeviceKind
    total_bytes: int
    free_bytes: int
    """When it was listed; other programs use it too."""
    address: int
    """Of its `ggml_backend_device`, which lives as long as the process."""
    most_bytes: int = 1 << 62
    """Of its memory in one piece, where there is a limit."""

    @property
    def is_gpu(self) -> bool:
        """Whether models may be computed on it in place of the CPU."""
        return self.kind in (DeviceKind.GPU, DeviceKind.IGPU)

    @property
    def is_stand_in(self) -> bool:
        """Whether it is the processor, standing in for a GPU."""
        return self.kind is DeviceKind.CPU

    @property
    def shares_memory(self) -> bool:
        """Whether its memory is the machine's own. Metal's is on every Mac it is built for, though it says GPU."""
        return self.kind is not DeviceKind.GPU or self.name.startswith("MTL")


def list_devices() -> tuple[ComputeDevice, ...]:
    """Return the devices in ggml's order, the CPU's among them; the pager's own is none.

    Raises:
        AbiError: the native library is missing, or not the one this release was written for.
    """
    load()
    ggml = symbols()
    addresses = [int(ggml.ggml_backend_dev_get(index)) for index in range(ggml.ggml_backend_dev_count())]
    listed = (_listed(address) for address in addresses if ggml.ggml_backend_dev_name(address) != PAGER_NAME.value)
    return tuple(device for device in listed if device is not None)


def choose_device(text: str, devices: Iterable[ComputeDevice]) -> ComputeDevice | None:
    """Return the device that `text` names, in capitals or not; None: the CPU alone.

    `auto` is the GPU with the most free memory, and the CPU where there is none. A GPU that computes in the machine's
    memory, and one that cannot tell its memory, is taken by its name only. `stand-in` is the CPU's device in the place
    of a GPU, which makes nothing faster: it is there to try the three tiers without one.

    Raises:
        UsageError: there is no such device; the message names those there are.
    """
    named = text.strip().lower()
    known = tuple(devices)
    if named == CPU:
        return None
    if named == AUTO:
        gpus = [device for device in known if device.kind is DeviceKind.GPU and device.total_bytes]
        return max(gpus, key=lambda device: device.free_bytes, default=None)
    if named == STAND_IN:
        found = next((device for device in known if device.is_stand_in), None)
    else:
        found = next((device for device in known if device.is_gpu and device.name.lower() == named), None)
    if found is None:
        names = [AUTO, CPU, *(device.name for device in known if device.is_gpu)]
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise UsageError(f"There is no device {shown!r}.", hint=f"Choose one of {', '.join(names)}.")
    return found


def most_bytes(device: int) -> int:
    """Return how much of its memory the device at an address gives in one piece, where it knows of a limit."""
    ggml = symbols()
    return int(ggml.ggml_backend_buft_get_max_size(ggml.ggml_backend_dev_buffer_type(device)))


def _listed(address: int) -> ComputeDevice | None:
    ggml = symbols()
    number = ggml.ggml_backend_dev_type(address)
    if not 0 <= number < len(_KINDS):
        return None
    free, total = SIZE(), SIZE()
    ggml.ggml_backend_dev_memory(address, C.byref(free), C.byref(total))
    return ComputeDevice(
        name=ggml.ggml_backend_dev_name(address).decode("utf-8", "replace"),
        description=ggml.ggml_backend_dev_description(address).decode("utf-8", "replace"),
        kind=_KINDS[number],
        total_bytes=total.value,
        free_bytes=free.value,
        address=address,
        most_bytes=most_bytes(address),
    )
