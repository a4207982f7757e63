"""The processor standing in for a GPU: three tiers, everything copied to and fro as with any device."""

from collections.abc import Mapping

from offload.ggml.symbols import symbols
from offload.llama.library import load
from offload.slot_home import DeviceShare


def stand_in(
    capacity: Mapping[int, int], *, host_bytes: int = 0, staged: bool = True, on_cpu: float | None = None
) -> DeviceShare:
    """Return a share of the processor as a device with so many slots, over so much of RAM for experts."""
    load()
    address = symbols().ggml_backend_dev_by_name(b"CPU")
    return DeviceShare(address, True, capacity, staged, host_bytes, 2, on_cpu)
