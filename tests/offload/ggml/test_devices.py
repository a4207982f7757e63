"""Devices: those ggml lists, and the one that an option means."""

import ctypes
from typing import Any

import pytest

from offload.errors import UsageError
from offload.ggml import devices
from offload.ggml.device import pager_device
from offload.ggml.devices import ComputeDevice, DeviceKind, choose_device, list_devices
from offload.ggml.symbols import symbols
from offload.llama.library import load

GIB = 1 << 30


def device(name: str, kind: DeviceKind, free_bytes: int = GIB, total_bytes: int = 8 * GIB) -> ComputeDevice:
    return ComputeDevice(name, f"A {name}", kind, total_bytes, free_bytes, address=len(name))


CPU = device("CPU", DeviceKind.CPU)
SMALL = device("CUDA0", DeviceKind.GPU, 2 * GIB)
LARGE = device("CUDA1", DeviceKind.GPU, 6 * GIB)
SHARED = device("Vulkan0", DeviceKind.IGPU, 30 * GIB, 32 * GIB)
BLAS = device("BLAS", DeviceKind.ACCEL, 0, 0)
ALL = (SMALL, LARGE, SHARED, BLAS, CPU)


def test_the_processor_is_listed_with_what_ggml_says_of_it() -> None:
    (found,) = [listed for listed in list_devices() if listed.kind is DeviceKind.CPU]
    assert found.name == "CPU"
    assert found.description
    assert found.total_bytes >= found.free_bytes > 0
    assert found.address == symbols().ggml_backend_dev_by_name(b"CPU")


def test_the_pager_s_own_device_is_not_listed() -> None:
    load()
    pager_device()
    assert symbols().ggml_backend_dev_by_name(b"ExpertPager")
    assert "ExpertPager" not in {listed.name for listed in list_devices()}


class FakeGgml:
    """ggml with a GPU, a device of a kind nobody registers, and a GPU that tells no memory."""

    found = ((b"CUDA0", 1, 5), (b"Meta", 4, 9), (b"RPC0", 1, 0))

    def ggml_backend_dev_buffer_type(self, address: int) -> int:
        return address

    def ggml_backend_buft_get_max_size(self, buffer_type: int) -> int:
        return 4000

    def ggml_backend_dev_count(self) -> int:
        return len(self.found)

    def ggml_backend_dev_get(self, index: int) -> int:
        return index

    def ggml_backend_dev_name(self, address: int) -> bytes:
        return self.found[address][0]

    def ggml_backend_dev_description(self, address: int) -> bytes:
        return b"GeForce \xff"

    def ggml_backend_dev_type(self, address: int) -> int:
        return self.found[address][1]

    def ggml_backend_dev_memory(self, address: int, free: Any, total: Any) -> None:
        ctypes.cast(free, ctypes.POINTER(ctypes.c_size_t))[0] = self.found[address][2]
        ctypes.cast(total, ctypes.POINTER(ctypes.c_size_t))[0] = 2 * self.found[address][2]


def test_gpus_are_listed_in_ggml_s_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "symbols", FakeGgml)
    assert list_devices() == (
        ComputeDevice("CUDA0", "GeForce \ufffd", DeviceKind.GPU, 10, 5, 0, 4000),
        ComputeDevice("RPC0", "GeForce \ufffd", DeviceKind.GPU, 0, 0, 2, 4000),
    )


@pytest.mark.parametrize("text", ["cpu", "CPU", " Cpu "])
def test_the_cpu_is_no_device(text: str) -> None:
    assert choose_device(text, ALL) is None


def test_auto_is_the_gpu_with_most_free_memory() -> None:
    assert choose_device("auto", ALL) == LARGE
    assert choose_device("AUTO", (SMALL, CPU)) == SMALL


@pytest.mark.parametrize("others", [(), (SHARED,), (BLAS,), (device("RPC0", DeviceKind.GPU, 0, 0),)])
def test_auto_takes_no_gpu_without_a_memory_of_its_own_that_is_known(others: tuple[ComputeDevice, ...]) -> None:
    assert choose_device("auto", (*others, CPU)) is None


@pytest.mark.parametrize(("text", "found"), [("cuda0", SMALL), ("CUDA1", LARGE), ("vulkan0", SHARED)])
def test_a_name_means_its_device_in_capitals_or_not(text: str, found: ComputeDevice) -> None:
    assert choose_device(text, ALL) == found


def test_the_processor_stands_in_for_a_gpu() -> None:
    found = choose_device("stand-in", ALL)
    assert found == CPU
    assert CPU.is_stand_in
    assert not SMALL.is_stand_in


@pytest.mark.parametrize("text", ["cuda2", "BLAS", "", "ExpertPager"])
def test_an_unknown_name_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(UsageError, match=f"no device '{text}'.*one of auto, cpu, CUDA0, CUDA1, Vulkan0"):
        choose_device(text, ALL)


def test_a_device_that_stands_in_must_be_there() -> None:
    with pytest.raises(UsageError, match="no device 'stand-in'"):
        choose_device("stand-in", (SMALL,))


def test_which_memories_are_the_machine_s_own() -> None:
    metal = device("MTL0", DeviceKind.GPU)
    shared = {listed.name for listed in (*ALL, metal) if listed.shares_memory}
    assert shared == {"CPU", "Vulkan0", "BLAS", "MTL0"}
