"""Rows that the CPU computes for a device: the same numbers as llama.cpp's own kernel for experts."""

import ctypes
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from offload.ggml.abi import Tensor
from offload.ggml.device_memory import DeviceBuffer
from offload.ggml.host_rows import HostRow, HostRows
from offload.ggml.symbols import symbols
from offload.llama.library import load

F32 = 0
N_EMBD, N_FF, N_USED, N_TOKENS = 32, 48, 3, 2


@pytest.fixture
def rows() -> Iterator[HostRows]:
    load()
    rows = HostRows(1)
    yield rows
    rows.close()
    rows.close()


@pytest.fixture
def experts() -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(size=(4, N_FF, N_EMBD)).astype(np.float32)


class Product:
    """A MUL_MAT_ID node as a device has it, with its inputs; `n_inputs` vectors a token, 1 where experts share it."""

    def __init__(self, n_inputs: int) -> None:
        device = symbols().ggml_backend_dev_by_name(b"CPU")
        self.inputs = np.random.default_rng(2).normal(size=(N_TOKENS, n_inputs, N_EMBD)).astype(np.float32)
        self._buffers = [DeviceBuffer(device, self.inputs.nbytes), DeviceBuffer(device, 4 * N_TOKENS * N_USED * N_FF)]
        self._buffers[0].write(0, memoryview(self.inputs.tobytes()))
        self.matrix, self.input, self.node = (Tensor() for _ in range(3))
        self.matrix.type = F32
        for tensor, buffer, width, n_columns in (
            (self.input, self._buffers[0], N_EMBD, n_inputs),
            (self.node, self._buffers[1], N_FF, N_USED),
        ):
            tensor.buffer, tensor.data = buffer.address, buffer.base
            tensor.ne[:] = [width, n_columns, N_TOKENS, 1]
            step = 4 * width * n_columns
            tensor.nb[:] = [4, 4 * width, step, step * N_TOKENS]
        self.node.src[0], self.node.src[1] = ctypes.addressof(self.matrix), ctypes.addressof(self.input)

    @property
    def output(self) -> NDArray[np.float32]:
        found = np.empty((N_TOKENS, N_USED, N_FF), np.float32)
        self._buffers[1].read(0, found.data.cast("B"))
        return found


@pytest.mark.parametrize("n_inputs", [1, N_USED], ids=["gate and up", "down"])
def test_only_the_named_rows_are_written(rows: HostRows, experts: NDArray[np.float32], n_inputs: int) -> None:
    product = Product(n_inputs)
    named = [(0, 2, 3), (1, 0, 1), (1, 2, 2)]
    rows.write(product.node, [HostRow(token, place, experts[expert].ctypes.data) for token, place, expert in named])
    found, expected = product.output, np.zeros((N_TOKENS, N_USED, N_FF), np.float32)
    for token, place, expert in named:
        expected[token, place] = experts[expert] @ product.inputs[token, place % n_inputs]
    assert np.allclose(found, expected, atol=1e-4)
    assert not found[0, :2].any()
    assert not found[1, 1].any()
    assert rows.n_rows == 3


def test_other_weights_are_used_the_next_time(rows: HostRows, experts: NDArray[np.float32]) -> None:
    product = Product(1)
    for expert in (0, 1):
        rows.write(product.node, [HostRow(0, 0, experts[expert].ctypes.data)])
        assert np.allclose(product.output[0, 0], experts[expert] @ product.inputs[0, 0], atol=1e-4)
