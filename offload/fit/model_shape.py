"""`ModelShape`: what of a model every token computes with, and what a miss reads: all a prediction knows of a model."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from offload.experts.store import LayerLayout, WeightLayout
from offload.fit.machine_speed import WeightForm
from offload.gguf_header import ExpertTensor, GgufHeader, TensorInfo
from offload.paged_model import INTERLEAVED_DENSE

_LOOKED_UP = frozenset({"token_embd.weight", "per_layer_token_embd.weight"})
"""One row a token, which is next to nothing."""
_EMBEDDING, _OUTPUT = "token_embd.weight", "output.weight"


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Counts and sizes; a dense model has no experts and no `expert_bytes`."""

    n_layer: int
    n_expert: int
    n_expert_used: int
    token_bytes: Mapping[WeightForm, int]
    """Weights one token is multiplied with, by form, in bytes: dense ones and the routed experts."""
    expert_bytes: tuple[int, ...] = ()
    """Of one expert, for each layer that has experts."""
    request_bytes: int = 1
    """Of a usual read: the parts of an expert are shared out among two readers."""

    @property
    def is_paged(self) -> bool:
        """Whether there are experts at all."""
        return bool(self.expert_bytes)

    @property
    def missed_bytes(self) -> int:
        """Return what a token reads where every expert is missing."""
        return self.n_expert_used * sum(self.expert_bytes)


def shape_of(header: GgufHeader, layers: Mapping[int, LayerLayout] | None = None) -> ModelShape:
    """Return the shape of a model by its header; `layers` are those of the store it is read from, None: as the file.

    Raises:
        ModelFileError: the header says no counts.
    """
    token_bytes: Counter[WeightForm] = Counter()
    experts = header.expert_tensors
    paged = {tensor.info.name for tensor in experts}
    for info in header.tensors.values():
        if info.name not in paged and _is_multiplied(header, info):
            token_bytes[WeightForm(info.type, _is_interleaved_dense(info))] += info.n_bytes
    by_layer: Counter[int] = Counter()
    for tensor in experts:
        by_layer[tensor.layer] += tensor.expert_bytes
        form = WeightForm(tensor.info.type, _is_interleaved_part(tensor, layers))
        token_bytes[form] += min(header.n_expert_used, tensor.n_expert) * tensor.expert_bytes
    expert_bytes = tuple(by_layer[layer] for layer in sorted(by_layer))
    return ModelShape(
        n_layer=header.n_layer,
        n_expert=header.n_expert if experts else 0,
        n_expert_used=header.n_expert_used if experts else 0,
        token_bytes=dict(token_bytes),
        expert_bytes=expert_bytes,
        request_bytes=max(1, max(expert_bytes, default=2) // 2),
    )


def _is_multiplied(header: GgufHeader, info: TensorInfo) -> bool:
    if info.name == _EMBEDDING and _OUTPUT not in header.tensors:
        return True  # tied: the output is the embedding
    return info.name not in _LOOKED_UP


def _is_interleaved_dense(info: TensorInfo) -> bool:
    return len(info.shape) == 2 and prod(info.shape) > 0 and INTERLEAVED_DENSE.fullmatch(info.name) is not None


def _is_interleaved_part(tensor: ExpertTensor, layers: Mapping[int, LayerLayout] | None) -> bool:
    layout = (layers or {}).get(tensor.layer)
    parts = layout.parts if layout is not None else ()
    return any(part.kind.value == tensor.kind and part.layout is WeightLayout.INTERLEAVED for part in parts)
