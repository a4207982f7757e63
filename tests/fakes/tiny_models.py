"""Tiny random GGUF models of every kind of Mixture-of-Experts architecture, written in well under a second.

Random, but not degenerate: their routing differs from token to token and their logits from expert to expert, so a
wrong expert, a wrong slot or a wrong byte shows.
"""

from dataclasses import dataclass
from enum import Enum
from math import ceil
from pathlib import Path

from gguf import GGMLQuantizationType, GGUFWriter

from fakes.tiny_architectures import (
    N_EXPERT_GROUP,
    N_EXPERT_GROUP_USED,
    TensorRole,
    TinyArchitecture,
    TinyShape,
    tiny_metadata,
    tiny_tensors,
)
from fakes.tiny_tokenizer import tiny_vocabulary
from fakes.tiny_weights import random_tensor, tensor_generator

__all__ = ["ExpertTypes", "TinyArchitecture", "build_tiny_model"]


class ExpertTypes(Enum):
    """The tensor type of the experts. MIXED has several in one file, as quantization recipes mix them."""

    F16 = GGMLQuantizationType.F16
    BF16 = GGMLQuantizationType.BF16
    Q8_0 = GGMLQuantizationType.Q8_0
    Q4_0 = GGMLQuantizationType.Q4_0
    Q4_K = GGMLQuantizationType.Q4_K
    Q6_K = GGMLQuantizationType.Q6_K
    MXFP4 = GGMLQuantizationType.MXFP4
    MIXED = None


@dataclass(frozen=True, slots=True)
class _TypeChoice:
    experts: ExpertTypes
    n_layer: int

    def of(self, role: TensorRole, layer: int | None) -> GGMLQuantizationType:
        if role is TensorRole.F32:
            return GGMLQuantizationType.F32
        if role is TensorRole.MATRIX or layer is None:
            return GGMLQuantizationType.Q8_0
        if self.experts is not ExpertTypes.MIXED:
            return GGMLQuantizationType(self.experts.value)
        # down alternates between two types from layer to layer; in the last layer gate and up differ as well.
        if role is TensorRole.DOWN_EXPERTS and layer % 2 == 1:
            return GGMLQuantizationType.Q6_K
        if role is TensorRole.UP_EXPERTS and layer == self.n_layer - 1:
            return GGMLQuantizationType.Q8_0
        return GGMLQuantizationType.Q4_K


def build_tiny_model(
    path: Path,
    architecture: TinyArchitecture,
    experts: ExpertTypes = ExpertTypes.Q4_K,
    *,
    seed: int = 0,
    n_layer: int = 3,
    n_expert: int = 8,
    n_expert_used: int = 2,
    split: int = 1,
) -> Path:
    """Write a model at path, or as split files beside it, and return the (first) file.

    The same arguments give the same bytes. Dense weights are Q8_0, norms, routers and biases F32. A dense model
    ignores the three expert parameters. With split > 1 the files are named path.stem-0000N-of-0000M.gguf and hold
    the same tensors as the single file.

    Raises:
        ValueError: counts that the architecture cannot have, or fewer tensors than would fill the split files.
    """
    shape = TinyShape(n_layer, n_expert, n_expert_used, len(tiny_vocabulary().tokens))
    _check_counts(architecture, shape)
    tensors = list(tiny_tensors(architecture, shape))
    tensors_per_file = ceil(len(tensors) / split)
    if split < 1 or ceil(len(tensors) / tensors_per_file) != split:
        raise ValueError(f"{len(tensors)} tensors cannot be split evenly into {split} files")

    writer = GGUFWriter(path, architecture.gguf_name, split_max_tensors=tensors_per_file if split > 1 else 0)
    writer.add_name(f"tiny random {architecture.value}")
    for key, value in tiny_metadata(architecture, shape).items():
        _add_value(writer, f"{architecture.gguf_name}.{key}", value)
    tiny_vocabulary().write(writer)

    choice = _TypeChoice(experts, n_layer)
    for tensor in tensors:
        layer = int(tensor.name.split(".")[1]) if tensor.name.startswith("blk.") else None
        tensor_type = choice.of(tensor.role, layer)
        generator = tensor_generator(seed, tensor.name)
        values = random_tensor(generator, tensor.shape, tensor_type, spread=tensor.spread, mean=tensor.mean)
        writer.add_tensor(tensor.name, values, raw_dtype=tensor_type)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path if split == 1 else path.with_name(f"{path.stem}-00001-of-{split:05d}.gguf")


def _check_counts(architecture: TinyArchitecture, shape: TinyShape) -> None:
    if not architecture.is_moe:
        return
    if shape.n_layer <= architecture.n_leading_dense:
        raise ValueError(f"{architecture.name} needs more than {architecture.n_leading_dense} layers")
    eligible = shape.n_expert
    if architecture in (TinyArchitecture.DEEPSEEK2, TinyArchitecture.DEEPSEEK2_FUSED):
        if shape.n_expert % N_EXPERT_GROUP or shape.n_expert < 2 * N_EXPERT_GROUP:
            raise ValueError(f"{architecture.name} needs experts in {N_EXPERT_GROUP} groups of two or more")
        eligible = shape.n_expert // N_EXPERT_GROUP * N_EXPERT_GROUP_USED
    if not 1 <= shape.n_expert_used <= eligible:
        raise ValueError(f"n_expert_used = {shape.n_expert_used} is not in 1..{eligible}")


def _add_value(writer: GGUFWriter, key: str, value: int | float | bool) -> None:
    match value:
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float32(key, value)
