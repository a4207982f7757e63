"""The devices that ggml lists, printed by `python -m vulkan.devices`: exit code 1 without Mesa's software Vulkan."""

import os
import sys

from offload.ggml.devices import ComputeDevice, list_devices

DEVICE_VARIABLE = "OFFLOAD_GATES_DEVICE"


def gates_device() -> ComputeDevice:
    """Return the device that the gates run on: the one that `OFFLOAD_GATES_DEVICE` names, else software Vulkan.

    Raises:
        LookupError: ggml does not list it.
    """
    name = os.environ.get(DEVICE_VARIABLE)
    if not name:
        return software_vulkan()
    for device in list_devices():
        if device.is_gpu and device.name == name:
            return device
    raise LookupError(f"ggml lists no {name}, which {DEVICE_VARIABLE} names.")


def software_vulkan() -> ComputeDevice:
    """Return Mesa's software Vulkan.

    Raises:
        LookupError: ggml does not list it.
    """
    listed = list_devices()
    for device in listed:
        if is_software_vulkan(device):
            return device
    names = ", ".join(device.name for device in listed)
    raise LookupError(f"ggml lists no software Vulkan, only {names}: run these tests with tests/vulkan/run.sh.")


def is_software_vulkan(device: ComputeDevice) -> bool:
    """Return whether it is Mesa's lavapipe, which computes on the processor with llvmpipe."""
    return device.name.startswith("Vulkan") and "llvmpipe" in device.description


def shown(device: ComputeDevice) -> str:
    """Return a device for reading."""
    free, total = device.free_bytes >> 20, device.total_bytes >> 20
    return f"{device.name}: {device.description} ({device.kind.value}, {free} of {total} MiB free)"


if __name__ == "__main__":
    for listed_device in list_devices():
        print(shown(listed_device))
    sys.exit(0 if any(map(is_software_vulkan, list_devices())) else 1)
