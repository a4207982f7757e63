"""`listed_devices`: the devices of this machine that a model may be opened on, for faces to choose from."""

from offload.ggml.devices import list_devices
from offload.listed_device import ListedDevice


def listed_devices() -> tuple[ListedDevice, ...]:
    """Return the GPUs in ggml's order; none where the CPU is all there is. Being asked, a GPU takes some memory.

    Raises:
        AbiError: the native library is missing, or not the one this release was written for.
    """
    return tuple(
        ListedDevice(
            name=device.name,
            description=device.description,
            total_bytes=device.total_bytes,
            free_bytes=device.free_bytes,
            shares_memory=device.shares_memory,
        )
        for device in list_devices()
        if device.is_gpu
    )
