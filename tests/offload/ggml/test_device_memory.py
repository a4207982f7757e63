"""Memory of a device through ggml's generic calls; the processor stands in for one."""

import ctypes
from collections.abc import Iterator

import numpy as np
import pytest

from offload.errors import DeviceError
from offload.ggml.abi import Tensor
from offload.ggml.device_memory import DeviceBuffer, DeviceGraphMemory
from offload.ggml.graph_memory import GraphMemory, HostGraphMemory
from offload.ggml.symbols import symbols
from offload.llama.library import load

I32 = 26


@pytest.fixture
def device() -> int:
    load()
    address: int = symbols().ggml_backend_dev_by_name(b"CPU")
    return address


@pytest.fixture
def buffer(device: int) -> Iterator[DeviceBuffer]:
    buffer = DeviceBuffer(device, 4096)
    yield buffer
    buffer.close()
    buffer.close()


def content(buffer: DeviceBuffer) -> bytes:
    found = bytearray(buffer.n_bytes)
    buffer.read(0, memoryview(found))
    return bytes(found)


def test_memory_is_zero_at_first(buffer: DeviceBuffer) -> None:
    assert content(buffer) == bytes(4096)


def test_what_was_written_is_read_again_and_nothing_else_changes(buffer: DeviceBuffer) -> None:
    buffer.write(100, memoryview(b"expert"))
    assert content(buffer) == bytes(100) + b"expert" + bytes(4096 - 106)


def test_parts_are_copied_within_a_buffer(buffer: DeviceBuffer) -> None:
    buffer.write(0, memoryview(b"expert"))
    buffer.copy(1, 2000, 4)
    assert content(buffer)[1998:2006] == b"\0\0xper\0\0"


def test_memory_that_is_not_to_be_had_is_an_error_of_the_device(device: int) -> None:
    with pytest.raises(DeviceError, match="on CPU") as caught:
        DeviceBuffer(device, 1 << 60)
    assert "--vram" in str(caught.value.hint)


def ids_over(memory: np.ndarray[tuple[int, int], np.dtype[np.int32]], n_used: int, buffer: DeviceBuffer) -> Tensor:
    """Return an ids tensor: the first columns of rows that are longer, as llama.cpp's are."""
    n_tokens, n_columns = memory.shape
    buffer.write(0, memoryview(memory.tobytes()))
    ids = Tensor()
    ids.type, ids.buffer, ids.data = I32, buffer.address, buffer.base
    ids.ne[:] = [n_used, n_tokens, 1, 1]
    ids.nb[:] = [4, 4 * n_columns, 4 * n_columns * n_tokens, 4 * n_columns * n_tokens]
    return ids


@pytest.mark.parametrize("n_tokens", [0, 1, 5])
def test_ids_are_read_alike_wherever_they_are(device: int, buffer: DeviceBuffer, n_tokens: int) -> None:
    memory = np.arange(8 * n_tokens, dtype=np.int32).reshape(n_tokens, 8)
    ids = ids_over(memory, 3, buffer)
    readers: tuple[GraphMemory, ...] = (HostGraphMemory(), DeviceGraphMemory(device))
    for reader in readers:
        assert np.array_equal(reader.ids(ctypes.addressof(ids)), memory[:, :3])


def test_floats_are_read_alike_wherever_they_are(device: int, buffer: DeviceBuffer) -> None:
    values = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    buffer.write(0, values.data.cast("B"))
    tensor = Tensor()
    tensor.buffer, tensor.data = buffer.address, buffer.base
    tensor.ne[:], tensor.nb[:] = [4, 3, 1, 1], [4, 16, 48, 48]
    readers: tuple[GraphMemory, ...] = (HostGraphMemory(), DeviceGraphMemory(device))
    for reader in readers:
        assert np.array_equal(reader.floats(tensor, 3, 4), values)


def test_slot_numbers_are_packed_ids_wherever_they_are(device: int, buffer: DeviceBuffer) -> None:
    ids = ids_over(np.zeros((5, 8), np.int32), 3, buffer)
    slots = np.arange(15, dtype=np.int32).reshape(5, 3)
    memories = HostGraphMemory(), DeviceGraphMemory(device)
    for memory in memories:
        numbers = memory.slot_numbers()
        for rows in (slots[:1], slots, slots[1:4]):
            tensor = numbers.tensor(0, "gate", ctypes.addressof(ids), rows)
            found = np.frombuffer(ctypes.string_at(tensor.data, rows.nbytes), np.int32)
            assert np.array_equal(found.reshape(rows.shape), rows)
            assert tuple(tensor.nb)[:2] == (4, 12)
            assert tensor.type == I32
    memories[1].close()
