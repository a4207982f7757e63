"""The devices that ggml lists, printed by `python -m vulkan.devices`: exit code 1 without Mesa's software Vulkan."""

import ctypes
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from offload.llama.library import load

_KINDS = ("CPU", "GPU", "IGPU", "ACCEL", "META")
"""Source: ggml/include/ggml-backend.h, `ggml_backend_dev_type`."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device, in ggml's own words."""

    name: str
    description: str
    kind: str
    free_bytes: int
    total_bytes: int

    @property
    def is_software_vulkan(self) -> bool:
        """Whether it is Mesa's lavapipe, which computes on the processor with llvmpipe."""
        return self.name.startswith("Vulkan") and "llvmpipe" in self.description

    def __str__(self) -> str:
        free, total = self.free_bytes >> 20, self.total_bytes >> 20
        return f"{self.name}: {self.description} ({self.kind}, {free} of {total} MiB free)"


def devices() -> Iterator[Device]:
    """Yield the devices in ggml's order; the processor comes last."""
    library = _library()
    for index in range(library.ggml_backend_dev_count()):
        device = library.ggml_backend_dev_get(index)
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        library.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        yield Device(
            name=library.ggml_backend_dev_name(device).decode(),
            description=library.ggml_backend_dev_description(device).decode(),
            kind=_KINDS[library.ggml_backend_dev_type(device)],
            free_bytes=free.value,
            total_bytes=total.value,
        )


def software_vulkan() -> Device:
    """Return Mesa's software Vulkan.

    Raises:
        LookupError: ggml does not list it.
    """
    listed = list(devices())
    for device in listed:
        if device.is_software_vulkan:
            return device
    names = ", ".join(device.name for device in listed)
    raise LookupError(f"ggml lists no software Vulkan, only {names}: run these tests with tests/vulkan/run.sh.")


def _library() -> Any:
    load()
    import llama_cpp.llama_cpp as binding

    library = binding._lib
    # size_t ggml_backend_dev_count(void)
    library.ggml_backend_dev_count.restype, library.ggml_backend_dev_count.argtypes = ctypes.c_size_t, []
    # ggml_backend_dev_t ggml_backend_dev_get(size_t index)
    library.ggml_backend_dev_get.restype, library.ggml_backend_dev_get.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    for function, result in (
        (library.ggml_backend_dev_name, ctypes.c_char_p),  # const char * (ggml_backend_dev_t device)
        (library.ggml_backend_dev_description, ctypes.c_char_p),  # const char * (ggml_backend_dev_t device)
        (library.ggml_backend_dev_type, ctypes.c_int),  # enum ggml_backend_dev_type (ggml_backend_dev_t device)
    ):
        function.restype, function.argtypes = result, [ctypes.c_void_p]
    # void ggml_backend_dev_memory(ggml_backend_dev_t device, size_t * free, size_t * total)
    library.ggml_backend_dev_memory.restype = None
    library.ggml_backend_dev_memory.argtypes = [
        ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_size_t),
        ctypes.POINTER(ctypes.c_size_t),
    ]
    return library


if __name__ == "__main__":
    for listed_device in devices():
        print(listed_device)
    sys.exit(0 if any(device.is_software_vulkan for device in devices()) else 1)
