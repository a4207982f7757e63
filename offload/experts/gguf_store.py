"""`GgufStore`: experts in the GGUF as it is, split files included."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from offload.errors import ModelFileError
from offload.experts.key import ExpertKey
from offload.experts.store import KIND_ORDER, PAGE, Codec, LayerLayout, PartLayout, Span, WeightKind, WeightLayout
from offload.gguf_header import ExpertTensor, GgufHeader


class GgufStore:
    """The experts of a model file, read where they lie. Immutable, so any thread may ask.

    Nothing has to be prepared; one expert is one span per weight kind, in the plain layout. Any subset of kinds will
    do: a model may have no gate, or gate and up fused.
    """

    def __init__(self, header: GgufHeader) -> None:
        """Arrange the header's expert tensors by layer.

        Raises:
            ModelFileError: two tensors of a layer disagree on the number of experts, or name the same weights.
        """
        self._files = tuple(header.files)
        self._tensors = tensors_by_layer(header)
        self._layers = MappingProxyType(
            {layer: _layer_layout(layer, tensors) for layer, tensors in self._tensors.items()}
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """The GGUF, or all its splits in order."""
        return self._files

    @property
    def layers(self) -> Mapping[int, LayerLayout]:
        """The layers that have routed experts; empty for a dense model."""
        return self._layers

    def spans(self, key: ExpertKey) -> tuple[Span, ...]:
        """Return the spans of one expert, in the order of its layer's parts. Raises KeyError for an unknown key."""
        layout = self._layers[key.layer]
        if not 0 <= key.expert < layout.n_expert:
            raise KeyError(key)
        return tuple(
            Span(
                file_index=tensor.info.file_index,
                offset=tensor.info.offset + key.expert * tensor.expert_bytes,
                stored_bytes=tensor.expert_bytes,
                kind=part.kind,
                n_bytes=tensor.expert_bytes,
                codec=Codec.RAW,
            )
            for part, tensor in zip(layout.parts, self._tensors[key.layer], strict=True)
        )


def tensors_by_layer(header: GgufHeader) -> dict[int, tuple[ExpertTensor, ...]]:
    """Return the expert tensors of each layer, layers ascending, tensors in `KIND_ORDER`.

    Raises:
        ModelFileError: two tensors of a layer disagree on the number of experts, or name the same weights.
    """
    found: dict[int, dict[WeightKind, ExpertTensor]] = defaultdict(dict)
    for tensor in header.expert_tensors:
        of_layer = found[tensor.layer]
        kind = WeightKind(tensor.kind)
        if kind in of_layer:
            raise _error(header, tensor, f"layer {tensor.layer} has two tensors of {kind.value} weights")
        first = next(iter(of_layer.values()), tensor)
        if tensor.n_expert != first.n_expert:
            message = f"{tensor.n_expert} experts, but {first.info.name} of the same layer has {first.n_expert}"
            raise _error(header, tensor, message)
        of_layer[kind] = tensor
    return {
        layer: tuple(of_layer[kind] for kind in KIND_ORDER if kind in of_layer)
        for layer, of_layer in sorted(found.items())
    }


def _layer_layout(layer: int, tensors: tuple[ExpertTensor, ...]) -> LayerLayout:
    parts = tuple(
        PartLayout(WeightKind(tensor.kind), tensor.expert_bytes, WeightLayout.PLAIN, _phase(tensor))
        for tensor in tensors
    )
    return LayerLayout(layer, tensors[0].n_expert, parts)


def _phase(tensor: ExpertTensor) -> int:
    constant = tensor.expert_bytes % PAGE == 0 or tensor.n_expert == 1
    return tensor.info.offset % PAGE if constant else -1


def _error(header: GgufHeader, tensor: ExpertTensor, message: str) -> ModelFileError:
    file = header.files[tensor.info.file_index]
    return ModelFileError(message, file=file, tensor=tensor.info.name, offset=tensor.info.offset)
