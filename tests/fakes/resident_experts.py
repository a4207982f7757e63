"""A provider that has all experts of a model in memory, in an order of its own: the device without a pager."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offload.experts.racks import racks_for
from offload.experts.slot_memory import ArenaSlots
from offload.experts.store import LayerLayout, PartLayout, WeightKind, WeightLayout
from offload.ggml.paged_weights import PagedTensor
from offload.gguf_header import ExpertTensor, GgufHeader, read_gguf_header


@dataclass(frozen=True, slots=True)
class FakePlacement:
    slots: NDArray[np.int32] | None = None
    racked: Mapping[str, NDArray[np.int32]] | None = None
    on_cpu: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


class ResidentExperts:
    """Reads every expert of `path`, as it lies in the file; expert e of a layer is in slot n_expert - 1 - e.

    `racked`: say where experts are in a rack over all slots of their kind and length; `error`: raise it when asked.
    """

    def __init__(self, path: Path, *, phase: int = 0) -> None:
        self.header = read_gguf_header(path)
        self._layers = {
            layer: LayerLayout(
                layer,
                tensors[0].n_expert,
                tuple(PartLayout(WeightKind(one.kind), one.expert_bytes, WeightLayout.PLAIN, phase) for one in tensors),
            )
            for layer, tensors in _by_layer(self.header).items()
        }
        self._memory = ArenaSlots(self._layers)
        self._racks = {(layer, rack.kind): rack for rack in racks_for(self._layers) for layer in rack.first}
        self.tensors = [self._paged(layer, one) for layer, of in _by_layer(self.header).items() for one in of]
        self.racked = False
        self.error: BaseException | None = None
        self.error_when_computed: BaseException | None = None
        self.asked: list[tuple[int, tuple[int, int], tuple[str, ...]]] = []

    @property
    def untouched(self) -> bool:
        """Whether nothing has been written to the slots."""
        return not any(
            any(self._memory.target(tensor.layer, WeightKind(tensor.kind), slot).region)
            for tensor in self.tensors
            for slot in range(tensor.n_expert)
        )

    def fill(self) -> None:
        """Read all experts into the slots."""
        found = {(one.layer, one.kind): one for one in self.header.expert_tensors}
        for tensor in self.tensors:
            source = found[tensor.layer, tensor.kind]
            file = self.header.files[source.info.file_index]
            data = np.fromfile(file, np.uint8, tensor.n_expert * tensor.n_bytes, offset=source.info.offset)
            for expert, rows in enumerate(data.reshape(tensor.n_expert, tensor.n_bytes)):
                slot = tensor.n_expert - 1 - expert
                self._memory.target(tensor.layer, WeightKind(tensor.kind), slot).payload[:] = rows.data

    def groups(self, layer: int, routes: Sequence[NDArray[np.int32]]) -> list[list[int]]:
        return [list(range(len(routes)))]

    def place(self, layer: int, routed: NDArray[np.int32], kinds: Sequence[str], *, n_graphs: int = 1) -> FakePlacement:
        self.asked.append((layer, (routed.shape[0], routed.shape[1]), tuple(kinds)))
        if self.error is not None:
            raise self.error
        slots = np.ascontiguousarray(self._layers[layer].n_expert - 1 - routed, np.int32)
        if self.racked:
            return FakePlacement(
                racked={kind: slots + self._racks[layer, WeightKind(kind)].first[layer] for kind in kinds}
            )
        return FakePlacement(slots=slots)

    def arrived(self, layer: int, kinds: Sequence[str]) -> bool:
        return not self.racked

    def computed(self, layer: int, kinds: Sequence[str]) -> None:
        if self.error_when_computed is not None:
            raise self.error_when_computed

    def reset(self) -> None:
        """Hold nothing that could be let go of."""

    def close(self) -> None:
        self._memory.close()

    def _paged(self, layer: int, tensor: ExpertTensor) -> PagedTensor:
        kind = WeightKind(tensor.kind)
        part = next(part for part in self._layers[layer].parts if part.kind is kind)
        rack = self._memory.rack(layer, kind)
        return PagedTensor(
            name=tensor.info.name,
            layer=layer,
            kind=tensor.kind,
            n_expert=tensor.n_expert,
            n_bytes=tensor.expert_bytes,
            stride_bytes=part.region_bytes,
            phase=part.phase,
            interleaved=False,
            address=self._memory.address(layer, kind),
            rack_address=rack.address,
            rack_slots=rack.n_slots,
            n_slots=tensor.n_expert,
        )


def _by_layer(header: GgufHeader) -> dict[int, list[ExpertTensor]]:
    tensors: dict[int, list[ExpertTensor]] = {}
    for tensor in header.expert_tensors:
        tensors.setdefault(tensor.layer, []).append(tensor)
    return tensors
