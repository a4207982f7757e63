"""`PagedTensor`: an expert weight tensor as the slots hold it, and the tensors kernels are given in its place."""

import ctypes as C
from dataclasses import dataclass

import numpy as np

from offload.ggml.abi import Tensor


@dataclass(frozen=True, slots=True)
class PagedTensor:
    """One expert weight tensor as the slots hold it.

    Slot 0 begins at `address`, and `stride_bytes` lies between two slots; an expert's `n_bytes` begin `phase` bytes
    into its slot. The rack that reaches the slots and the places for staging begins at `rack_address` and has
    `rack_slots`.
    """

    name: str
    layer: int
    kind: str
    n_expert: int
    n_bytes: int
    stride_bytes: int
    phase: int
    interleaved: bool
    address: int
    rack_address: int
    rack_slots: int


def over_rack(address: int, paged: PagedTensor) -> Tensor:
    """Return a tensor like the paged one at `address`, over its whole rack."""
    rack = Tensor()
    C.memmove(C.addressof(rack), address, C.sizeof(Tensor))
    rack.data = paged.rack_address + paged.phase
    rack.ne[2] = paged.rack_slots
    rack.nb[3] = rack.nb[2] * paged.rack_slots
    return rack


class SlotIds:
    """A ggml tensor [n_tokens, n_expert_used] of numbers, and its memory; kept for the next graph of the layer."""

    __slots__ = ("copied_from", "numbers", "shape", "tensor")

    def __init__(self, true_ids: int, shape: tuple[int, ...]) -> None:
        n_tokens, n_used = shape
        self.copied_from, self.shape = true_ids, shape
        self.numbers = np.empty(shape, np.int32)
        self.tensor = Tensor()
        C.memmove(C.addressof(self.tensor), true_ids, C.sizeof(Tensor))
        self.tensor.nb[:] = [4, 4 * n_used, 4 * n_used * n_tokens, 4 * n_used * n_tokens]
        self.tensor.data = self.numbers.ctypes.data
