"""`GraphMemory`: how the walk through a graph reads what nodes have computed, and hands slot numbers to kernels.

Graphs of the CPU lie in this process's memory and are read in place. What lies in a device's memory is copied, through
ggml's generic calls, once the device has computed it.
"""

import ctypes as C
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from offload.ggml.abi import Tensor
from offload.ggml.expert_provider import Routes

Floats = NDArray[np.float32]


class SlotNumbers(Protocol):
    """Ids tensors of one context's graphs. For the thread that computes."""

    def tensor(self, layer: int, kind: str, true_ids: int, slots: Routes) -> Tensor:
        """Return an ids tensor like llama.cpp's own at `true_ids`, with `slots` in it.

        It holds them until the next one is asked for of the same layer and kind, or a graph is computed.
        """


class GraphMemory(Protocol):
    """The memory in which nodes have their values. For the thread that computes."""

    def ids(self, address: int) -> Routes:
        """Return ggml's ids tensor as an array [n_tokens, n_expert_used], which lasts as long as the graph waits."""

    def floats(self, tensor: Tensor, n_rows: int, n_columns: int) -> Floats:
        """Return the first rows of a contiguous float32 tensor [n_rows, n_columns], likewise."""

    def slot_numbers(self) -> SlotNumbers:
        """Return the ids tensors for the graphs of one more context."""


def ids_bytes(ids: Tensor) -> int:
    """Return how far an ids tensor reaches: its rows lie apart where it is a view of all experts in order."""
    n_used, n_tokens = ids.ne[0], ids.ne[1]
    return int(ids.nb[1] * (n_tokens - 1) + 4 * n_used)


class HostGraphMemory:
    """Graphs in this process's memory: everything is a view."""

    def ids(self, address: int) -> Routes:
        """Return ggml's ids tensor as an array [n_tokens, n_expert_used]: a view into the graph's memory."""
        ids = Tensor.from_address(address)
        n_used, n_tokens = ids.ne[0], ids.ne[1]
        if not n_tokens:
            return np.empty((0, n_used), np.int32)
        memory = memoryview((C.c_char * ids_bytes(ids)).from_address(ids.data))
        return np.ndarray((n_tokens, n_used), np.int32, memory, strides=(ids.nb[1], ids.nb[0]))

    def floats(self, tensor: Tensor, n_rows: int, n_columns: int) -> Floats:
        """Return the first rows of a contiguous float32 tensor: a view."""
        memory = memoryview((C.c_char * (4 * n_rows * n_columns)).from_address(tensor.data))
        return np.ndarray((n_rows, n_columns), np.float32, memory)

    def slot_numbers(self) -> "HostSlotNumbers":
        """Return the ids tensors for the graphs of one more context."""
        return HostSlotNumbers()


class HostSlotNumbers:
    """Ids tensors in this process's memory, kept for the next graph of the layer."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], _HostIds] = {}

    def tensor(self, layer: int, kind: str, true_ids: int, slots: Routes) -> Tensor:
        """Return an ids tensor like llama.cpp's own at `true_ids`, with `slots` in it."""
        held = self._kept.get((layer, kind))
        if held is None or held.numbers.shape != slots.shape or held.copied_from != true_ids:
            held = self._kept[layer, kind] = _HostIds(true_ids, slots.shape)
        held.numbers[:] = slots
        return held.tensor


class _HostIds:
    """An ids tensor and its memory."""

    __slots__ = ("copied_from", "numbers", "tensor")

    def __init__(self, true_ids: int, shape: tuple[int, ...]) -> None:
        self.copied_from = true_ids
        self.numbers = np.empty(shape, np.int32)
        self.tensor = packed_ids(true_ids, shape)
        self.tensor.data = self.numbers.ctypes.data


def packed_ids(true_ids: int, shape: tuple[int, ...]) -> Tensor:
    """Return a tensor like the ids at `true_ids`, its rows without gaps; where its values lie is still llama.cpp's."""
    n_tokens, n_used = shape
    tensor = Tensor()
    C.memmove(C.addressof(tensor), true_ids, C.sizeof(Tensor))
    tensor.nb[:] = [4, 4 * n_used, 4 * n_used * n_tokens, 4 * n_used * n_tokens]
    return tensor
