"""The header of a GGUF model, of one file or split over several: what it is, and where each tensor's bytes lie."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from offload.errors import ModelFileError, ModelNotFoundError
from offload.gguf_bytes import shown
from offload.gguf_part import MAX_TENSORS, GgufPart, TensorInfo, read_part
from offload.gguf_types import TYPE_TRAITS, ArraySummary, GgmlType, MetadataType, MetadataValue, TypeTraits

__all__ = [
    "TYPE_TRAITS",
    "ArraySummary",
    "ExpertTensor",
    "GgmlType",
    "GgufHeader",
    "MetadataType",
    "MetadataValue",
    "TensorInfo",
    "TypeTraits",
    "read_gguf_header",
]

# Source: LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS of src/llama-hparams.h.
MAX_LAYERS = 512
MAX_EXPERTS = 1024
# Source: n_split is a uint16_t in src/llama-model-loader.cpp.
MAX_PARTS = (1 << 16) - 1

_EXPERT_NAME = re.compile(r"blk\.(0|[1-9][0-9]{0,8})\.ffn_(gate|up|down|gate_up)_exps\.weight")
_PART_NAME = re.compile(r"(?P<prefix>.+)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})\.gguf", re.DOTALL)
# llama.cpp reads these as dense whatever they say of a single expert.
_DENSE_WITH_ONE_EXPERT = frozenset({"hunyuan-dense", "hunyuan_vl"})


@dataclass(frozen=True, slots=True)
class ExpertTensor:
    """A paged tensor: `n_expert` experts of `expert_bytes` bytes each, one after the other from `info.offset`.

    `kind` is gate, up, down or gate_up.
    """

    layer: int
    kind: str
    info: TensorInfo
    n_expert: int
    expert_bytes: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """A model's header. A split model's `metadata`, `version` and `alignment` are those of its first file.

    `TensorInfo.file_index` counts in `files`. `read_gguf_header` returns only headers whose tensors lie inside
    their files without overlap and whose properties below can be read without an error.
    """

    files: tuple[Path, ...]
    version: int
    metadata: Mapping[str, MetadataValue]
    tensors: Mapping[str, TensorInfo]
    alignment: int

    @property
    def architecture(self) -> str:
        """The architecture's name, such as qwen3moe: the prefix of its metadata keys."""
        name = self.metadata.get("general.architecture")
        if not isinstance(name, str) or not name:
            raise self._error(
                "The metadata has no general.architecture.", hint="This is not a language model: give a model's .gguf."
            )
        return name

    def count(self, key: str) -> int | None:
        """Return `{architecture}.{key}`, or the largest of it where it is given per layer, or None where it is absent.

        Raises:
            ModelFileError: the value is not a whole number that is at least 0, nor a short array of such.

        """
        full_key = f"{self.architecture}.{key}"
        value = self.metadata.get(full_key)
        if value is None:
            return None
        per_layer = value if isinstance(value, tuple) else (value,)
        counts = [item for item in per_layer if type(item) is int and item >= 0]
        if not counts or len(counts) < len(per_layer):
            raise self._error(f"{shown(full_key)} is {shown(str(value))}, not a count.")
        return max(counts)

    @property
    def n_layer(self) -> int:
        """The number of layers, those for predicting several tokens at once included."""
        n_layer = self.count("block_count")
        if n_layer is None:
            raise self._error(
                f"The metadata has no {shown(self.architecture + '.block_count')}.",
                hint="This is not a language model: give a model's .gguf.",
            )
        return n_layer

    @property
    def n_expert(self) -> int:
        """The number of experts in a layer; 0 for a dense model."""
        return self.count("expert_count") or 0

    @property
    def n_expert_used(self) -> int:
        """The number of experts a token is routed to in a layer (the most of any layer); 0 for a dense model."""
        return self.count("expert_used_count") or 0

    @property
    def expert_tensors(self) -> tuple[ExpertTensor, ...]:
        """The tensors that hold experts, in the order of the tensor table; empty for a dense model."""
        found = (_as_expert_tensor(self, info) for info in self.tensors.values())
        return tuple(tensor for tensor in found if tensor is not None)

    @property
    def total_bytes(self) -> int:
        """The bytes of all tensors, without padding."""
        return sum(info.n_bytes for info in self.tensors.values())

    @property
    def expert_bytes(self) -> int:
        """The bytes of the tensors that hold experts."""
        return sum(tensor.info.n_bytes for tensor in self.expert_tensors)

    @property
    def dense_bytes(self) -> int:
        """The bytes of all other tensors."""
        return self.total_bytes - self.expert_bytes

    def _error(self, message: str, hint: str = "") -> ModelFileError:
        return ModelFileError(message, file=self.files[0], hint=hint)


def read_gguf_header(path: Path | str) -> GgufHeader:
    """Read the header of the model that `path` belongs to: the file itself, or any one part of a split model.

    Reads no tensor data. Lists of strings (a tokenizer's) are walked, not kept.

    Raises:
        ModelNotFoundError: there is no such file, or a part of the model is missing.
        ModelFileError: malformed, truncated or unsupported; names the file and, where it has them, tensor and offset.

    """
    parts = _read_parts(Path(path))
    tensors: dict[str, TensorInfo] = {}
    for index, part in enumerate(parts):
        for info in part.tensors:
            if info.name in tensors:
                raise ModelFileError(
                    f"The tensor is also in {parts[tensors[info.name].file_index].path}.",
                    file=part.path,
                    tensor=info.name,
                    offset=info.offset,
                )
            tensors[info.name] = replace(info, file_index=index)
    first = parts[0]
    header = GgufHeader(
        files=tuple(part.path for part in parts),
        version=first.version,
        metadata=MappingProxyType(dict(first.metadata)),
        tensors=MappingProxyType(tensors),
        alignment=first.alignment,
    )
    _check_hyperparameters(header)
    for info in header.tensors.values():
        _as_expert_tensor(header, info)
    return header


def _read_parts(path: Path) -> tuple[GgufPart, ...]:
    """Return all parts of the model in order; a file that does not call itself a part is the only one."""
    given = read_part(path, 0)
    n_parts = _split_number(given, "split.count") or 1
    if n_parts == 1:
        return (given,)
    given_index = _split_number(given, "split.no") or 0
    if given_index >= n_parts:
        raise ModelFileError(f"split.no is {given_index}, but split.count {n_parts}.", file=given.path)
    paths = _part_paths(given, given_index, n_parts)
    parts: list[GgufPart] = []
    n_tensors = 0
    for index, part_path in enumerate(paths):
        part = given if index == given_index else _read_other_part(part_path, index, n_parts)
        for key, expected in (("split.no", index), ("split.count", n_parts)):
            if _split_number(part, key) != expected:
                found = shown(str(part.metadata.get(key)))
                raise ModelFileError(f"{key} is {found}, but its file name asks for {expected}.", file=part.path)
        n_tensors += len(part.tensors)
        if n_tensors > MAX_TENSORS:
            raise ModelFileError(f"The parts hold more than {MAX_TENSORS} tensors.", file=part.path)
        parts.append(part)
    for part in parts:
        expected_tensors = _split_number(part, "split.tensors.count")
        if expected_tensors not in (None, n_tensors):
            raise ModelFileError(
                f"split.tensors.count is {expected_tensors}, but the {n_parts} parts hold {n_tensors} tensors.",
                file=part.path,
                hint="The parts are of different models or versions: download them all again.",
            )
    return tuple(parts)


def _split_number(part: GgufPart, key: str) -> int | None:
    value = part.metadata.get(key)
    maximum = MAX_TENSORS if key == "split.tensors.count" else MAX_PARTS
    if value is None or (type(value) is int and 0 <= value <= maximum):
        return value
    raise ModelFileError(f"{key} is {shown(str(value))}, not a number from 0 to {maximum}.", file=part.path)


def _part_paths(given: GgufPart, index: int, n_parts: int) -> list[Path]:
    """Return the paths of all parts, from the name of part `index`."""
    suffix = f"-{index + 1:05d}-of-{n_parts:05d}.gguf"
    match = _PART_NAME.fullmatch(given.path.name)
    if match is None or not given.path.name.endswith(suffix):
        raise ModelFileError(
            f"The file is part {index + 1} of {n_parts} of a split model, but its name does not end in {suffix}.",
            file=given.path,
            hint="Give all parts back the names they were published with.",
        )
    prefix = match["prefix"]
    return [given.path.with_name(f"{prefix}-{part + 1:05d}-of-{n_parts:05d}.gguf") for part in range(n_parts)]


def _read_other_part(path: Path, index: int, n_parts: int) -> GgufPart:
    try:
        return read_part(path, index)
    except ModelNotFoundError as error:
        raise ModelNotFoundError(
            f"Part {index + 1} of {n_parts} of the model is missing: {path}.",
            path=path,
            hint=f"Put all {n_parts} parts into one folder.",
        ) from error


def _check_hyperparameters(header: GgufHeader) -> None:
    """Refuse counts on which llama.cpp would abort the process (its GGML_ASSERTs).

    Source: load_hparams in src/llama-model.cpp.
    """
    n_layer, n_expert, n_used = header.n_layer, header.n_expert, header.n_expert_used
    n_groups, n_groups_used = header.count("expert_group_count") or 0, header.count("expert_group_used_count") or 0
    if header.architecture in _DENSE_WITH_ONE_EXPERT and n_expert <= 1:
        n_expert = n_used = 0
    rules = (
        (1 <= n_layer <= MAX_LAYERS, f"block_count {n_layer} is not from 1 to {MAX_LAYERS}"),
        ((header.count("nextn_predict_layers") or 0) <= n_layer, f"nextn_predict_layers exceeds block_count {n_layer}"),
        (n_expert <= MAX_EXPERTS, f"expert_count {n_expert} exceeds {MAX_EXPERTS}"),
        (n_used <= n_expert, f"expert_used_count {n_used} exceeds expert_count {n_expert}"),
        (n_used > 0 or n_expert == 0, f"expert_used_count is 0 with expert_count {n_expert}"),
        (n_groups < max(n_expert, 1), f"expert_group_count {n_groups} is not below expert_count {n_expert}"),
        (
            n_groups <= 1 or (n_expert % n_groups == 0 and 0 < n_groups_used < n_groups),
            f"expert_group_count {n_groups} does not fit {n_expert} experts with {n_groups_used} groups used",
        ),
    )
    for holds, broken in rules:
        if not holds:
            raise ModelFileError(f"The metadata contradicts itself: {broken}.", file=header.files[0])


def _as_expert_tensor(header: GgufHeader, info: TensorInfo) -> ExpertTensor | None:
    """Return the tensor as one that holds experts, or None if by its name it does not.

    Raises:
        ModelFileError: its name says it does, but its shape or the metadata contradict.

    """
    match = _EXPERT_NAME.fullmatch(info.name)
    if match is None:
        return None
    # A writer drops trailing dimensions of 1, and with them the third of a single expert.
    n_expert, n_more = (*info.shape, 1, 1, 1, 1)[2:4]
    layer = int(match[1])
    trouble = ""
    if len(info.shape) < 2 or n_more != 1 or info.n_bytes == 0 or info.n_bytes % n_expert:
        trouble = f"Experts need a shape (columns, rows, experts), this is {info.shape}."
    elif n_expert != header.n_expert:
        trouble = f"The tensor holds {n_expert} experts, but the metadata says {header.n_expert}."
    elif layer >= header.n_layer:
        trouble = f"The tensor is of layer {layer}, but the metadata says {header.n_layer} layers."
    if trouble:
        raise ModelFileError(trouble, file=header.files[info.file_index], tensor=info.name, offset=info.offset)
    return ExpertTensor(layer, match[2], info, n_expert, info.n_bytes // n_expert)
