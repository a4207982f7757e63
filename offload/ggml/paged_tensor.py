"""`PagedTensor`: an expert weight tensor as the slots hold it, and the tensors kernels are given in its place."""

import ctypes as C
from dataclasses import dataclass

from offload.ggml.abi import Tensor


@dataclass(frozen=True, slots=True)
class PagedTensor:
    """One expert weight tensor as the slots hold it. Addresses are those of the memory it is computed in.

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
    n_slots: int
    """Of the layer, all that there is memory for."""
    buffer: int | None = None
    """The ggml buffer of a device's memory; None: the process's own."""
    rack_only: bool = False
    """Whether kernels cannot begin at `address`, so that they get the rack with numbers in it."""
    first: int = 0
    """The number of slot 0 in the rack."""


def over_rack(address: int, paged: PagedTensor) -> Tensor:
    """Return a tensor like the paged one at `address`, over its whole rack."""
    rack = Tensor()
    C.memmove(C.addressof(rack), address, C.sizeof(Tensor))
    rack.data = paged.rack_address + paged.phase
    rack.ne[2] = paged.rack_slots
    rack.nb[3] = rack.nb[2] * paged.rack_slots
    return rack
