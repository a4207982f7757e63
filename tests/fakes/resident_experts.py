"""A provider that has all experts of a model in memory, in an order of its own: the device without a pager."""

import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offload.experts.arena import Arena
from offload.ggml.paged_weights import PagedTensor
from offload.gguf_header import GgufHeader, read_gguf_header


@dataclass(frozen=True, slots=True)
class FakePlacement:
    slots: NDArray[np.int32] | None = None
    staged: Mapping[str, tuple[int, int]] | None = None


class ResidentExperts:
    """Reads every expert of `path`, as it lies in the file; expert e of a layer is in slot n_expert - 1 - e.

    `stages`: say where experts are by a staging buffer instead, at their true index; `error`: raise it when asked.
    """

    def __init__(self, path: Path, *, phase: int = 0) -> None:
        self.header = read_gguf_header(path)
        self.tensors = _paged_tensors(self.header, phase)
        self.stages = False
        self.error: BaseException | None = None
        self.error_when_computed: BaseException | None = None
        self.asked: list[tuple[int, tuple[int, int], tuple[str, ...]]] = []
        self._arena: Arena | None = None
        self._addresses: dict[tuple[int, str], int] = {}
        self._shelves = Arena(2 * sum(tensor.reserved_bytes for tensor in self.tensors))

    def reserve(self, n_bytes: int) -> int:
        self._arena = Arena(n_bytes)
        return self._arena.address

    def placed(self, layer: int, kind: str, address: int) -> None:
        self._addresses[layer, kind] = address

    def fill(self) -> None:
        """Read all experts, into the slots and, at other strides, onto shelves."""
        assert self._arena is not None
        self._staged: dict[tuple[int, str], tuple[int, int]] = {}
        shelf = self._shelves.address
        found = {(one.layer, one.kind): one for one in self.header.expert_tensors}
        for tensor in self.tensors:
            source = found[tensor.layer, tensor.kind]
            file = self.header.files[source.info.file_index]
            data = np.fromfile(file, np.uint8, tensor.n_expert * tensor.n_bytes, offset=source.info.offset)
            stride = tensor.stride_bytes + mmap.PAGESIZE
            for expert, rows in enumerate(data.reshape(tensor.n_expert, tensor.n_bytes)):
                slot = self._addresses[tensor.layer, tensor.kind] + (tensor.n_expert - 1 - expert) * tensor.stride_bytes
                for arena, place in ((self._arena, slot), (self._shelves, shelf + expert * stride)):
                    arena.view(place + tensor.phase, tensor.n_bytes)[:] = rows.data
            self._staged[tensor.layer, tensor.kind] = shelf, stride
            shelf += tensor.n_expert * stride

    def place(self, layer: int, routed: NDArray[np.int32], kinds: Sequence[str]) -> FakePlacement:
        self.asked.append((layer, (routed.shape[0], routed.shape[1]), tuple(kinds)))
        if self.error is not None:
            raise self.error
        if self.stages:
            return FakePlacement(staged={kind: self._staged[layer, kind] for kind in kinds})
        n_expert = next(tensor.n_expert for tensor in self.tensors if tensor.layer == layer)
        return FakePlacement(slots=np.ascontiguousarray(n_expert - 1 - routed, np.int32))

    def arrived(self, layer: int, kinds: Sequence[str]) -> bool:
        return not self.stages

    def computed(self, layer: int, kinds: Sequence[str]) -> None:
        if self.error_when_computed is not None:
            raise self.error_when_computed

    def close(self) -> None:
        for arena in (self._arena, self._shelves):
            if arena is not None:
                arena.close()


def _paged_tensors(header: GgufHeader, phase: int) -> list[PagedTensor]:
    return [
        PagedTensor(
            name=tensor.info.name,
            layer=tensor.layer,
            kind=tensor.kind,
            n_expert=tensor.n_expert,
            n_bytes=tensor.expert_bytes,
            stride_bytes=-(-(phase + tensor.expert_bytes) // mmap.PAGESIZE) * mmap.PAGESIZE,
            phase=phase,
            interleaved=False,
        )
        for tensor in header.expert_tensors
    ]
