"""One GGUF file: its metadata and tensor table, every number checked against the file before it is used.

Source: ggml/include/gguf.h (the format) and gguf_init_from_reader in ggml/src/gguf.cpp (what llama.cpp refuses; this
reader refuses at least as much, so that a file accepted here is not turned down later with a poorer message).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from struct import Struct

from offload.gguf_bytes import MAX_STRING_BYTES, HeaderBytes, open_header, shown
from offload.gguf_types import (
    TYPE_TRAITS,
    ArraySummary,
    GgmlType,
    MetadataScalar,
    MetadataType,
    MetadataValue,
)

MAX_TENSORS = 1 << 16
MAX_METADATA = 1 << 16
MAX_KEY_BYTES = (1 << 16) - 1
MAX_ARRAY_ITEMS = 1 << 22
MAX_KEPT_ITEMS = 1024
MAX_DIMENSIONS = 4
MAX_NAME_BYTES = 63
MAX_ELEMENTS = (1 << 63) - 1
DEFAULT_ALIGNMENT = 32

_MAGIC = b"GGUF"
_U32 = Struct("<I")
_U64 = Struct("<Q")
# The least a table entry can take: key length, one letter, type, one byte; name length, n_dims, type, offset.
_MIN_METADATA_BYTES = 8 + 1 + 4 + 1
_MIN_TENSOR_BYTES = 8 + 4 + 4 + 8
_CODES: Mapping[MetadataType, str] = {
    MetadataType.UINT8: "B",
    MetadataType.INT8: "b",
    MetadataType.UINT16: "H",
    MetadataType.INT16: "h",
    MetadataType.UINT32: "I",
    MetadataType.INT32: "i",
    MetadataType.FLOAT32: "f",
    MetadataType.BOOL: "B",
    MetadataType.UINT64: "Q",
    MetadataType.INT64: "q",
    MetadataType.FLOAT64: "d",
}
# What follows a tensor's number of dimensions: its shape, type and data offset.
_ROW_REST = tuple(Struct(f"<{n}QIQ") for n in range(MAX_DIMENSIONS + 1))
_LAYOUTS: Mapping[MetadataType, Struct] = {type_: Struct(f"<{code}") for type_, code in _CODES.items()}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Where a tensor lies: `shape` in ggml's order (ne[0] is the row), `offset` absolute in file `file_index`."""

    name: str
    shape: tuple[int, ...]
    type: GgmlType
    file_index: int
    offset: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class GgufPart:
    """What one file holds; a model is one part or several."""

    path: Path
    version: int
    metadata: Mapping[str, MetadataValue]
    tensors: tuple[TensorInfo, ...]
    alignment: int


def read_part(path: Path, file_index: int) -> GgufPart:
    """Read one file's header.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it is no GGUF file of version 2 or 3, or is malformed; names the tensor and offset.

    """
    with open_header(path) as header:
        return parse_part(header, file_index)


def parse_part(header: HeaderBytes, file_index: int) -> GgufPart:
    """Read a header from wherever its bytes are; tensors are judged by `header.file_bytes`. Raises as `read_part`."""
    version = _read_version(header)
    n_tensors = _read_count(header, "tensors", MAX_TENSORS, _MIN_TENSOR_BYTES)
    n_metadata = _read_count(header, "metadata values", MAX_METADATA, _MIN_METADATA_BYTES)
    metadata = _read_metadata(header, n_metadata)
    alignment = _alignment(header, metadata)
    tensors = _read_tensors(header, n_tensors, alignment, file_index)
    return GgufPart(header.path, version, metadata, tensors, alignment)


def _read_version(header: HeaderBytes) -> int:
    magic = header.take(min(len(_MAGIC), header.file_bytes), "the magic bytes")
    if magic != _MAGIC:
        git_lfs = magic == b"vers"
        raise header.error(
            f"This is not a GGUF file: it starts with {magic!r}, not {_MAGIC!r}.",
            offset=0,
            hint="It looks like a Git LFS pointer: run `git lfs pull`." if git_lfs else "Give a .gguf file.",
        )
    version = header.number(_U32, "the version")
    if version in (2, 3):
        return version
    if version & 0xFFFF == 0 and version:
        raise header.error(
            "This GGUF file is big endian.", offset=len(_MAGIC), hint="Convert it with gguf_convert_endian.py."
        )
    raise header.error(
        f"This is GGUF version {version}; versions 2 and 3 can be read.",
        offset=len(_MAGIC),
        hint="Convert the model again with llama.cpp's current convert_hf_to_gguf.py.",
    )


def _read_count(header: HeaderBytes, what: str, maximum: int, min_bytes: int) -> int:
    count = header.number(_U64, f"the number of {what}")
    if count > maximum or count * min_bytes > header.file_bytes - header.position:
        raise header.error(
            f"The number of {what} is {count}: more than the {maximum} allowed, or more than the file can hold.",
            offset=header.position - _U64.size,
        )
    return count


def _read_metadata(header: HeaderBytes, n_metadata: int) -> dict[str, MetadataValue]:
    metadata: dict[str, MetadataValue] = {}
    for index in range(n_metadata):
        start = header.position
        key = _decode(header, header.string(MAX_KEY_BYTES, f"metadata key {index}"), f"metadata key {index}", start)
        if key in metadata:
            raise header.error(f"The metadata key {shown(key)} appears twice.", offset=start)
        metadata[key] = _read_value(header, key)
    return metadata


def _decode(header: HeaderBytes, raw: bytes, what: str, start: int, tensor: str | None = None) -> str:
    """Return a key or name as text: UTF-8, not empty, without a NUL (which would end it early in C)."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text:
        raise header.error(f"The bytes of {what} are not a name: {shown(repr(raw[:80]))}.", tensor=tensor, offset=start)
    return text


def _read_type(header: HeaderBytes, key: str) -> MetadataType:
    number = header.number(_U32, f"the type of {shown(key)}")
    try:
        return MetadataType(number)
    except ValueError:
        raise header.error(
            f"The metadata key {shown(key)} has the unknown type {number}.", offset=header.position - _U32.size
        ) from None


def _read_value(header: HeaderBytes, key: str) -> MetadataValue:
    type_ = _read_type(header, key)
    what = f"the value of {shown(key)}"
    if type_ is MetadataType.ARRAY:
        return _read_array(header, key)
    if type_ is MetadataType.STRING:
        # A bad byte in an author's name must not keep a model from running.
        return header.string(MAX_STRING_BYTES, what).decode("utf-8", errors="replace")
    layout = _LAYOUTS[type_]
    start = header.position
    value: MetadataScalar = layout.unpack(header.take(layout.size, what))[0]
    return _as_bool(header, key, value, start) if type_ is MetadataType.BOOL else value


def _as_bool(header: HeaderBytes, key: str, value: MetadataScalar, start: int) -> bool:
    if value not in (0, 1):
        raise header.error(f"The metadata key {shown(key)} is a boolean of value {value}, not 0 or 1.", offset=start)
    return bool(value)


def _read_array(header: HeaderBytes, key: str) -> MetadataValue:
    start = header.position
    type_ = _read_type(header, key)
    what = f"the array {shown(key)}"
    if type_ is MetadataType.ARRAY:
        raise header.error(f"The metadata key {shown(key)} is an array of arrays; llama.cpp has none.", offset=start)
    length = header.number(_U64, f"the length of {what}")
    if length > MAX_ARRAY_ITEMS:
        raise header.error(
            f"The length of {what} is {length}, more than the {MAX_ARRAY_ITEMS} allowed.",
            offset=header.position - _U64.size,
        )
    if type_ is MetadataType.STRING:
        header.skip_strings(length, what)
        return ArraySummary(type_, length)
    n_bytes = length * _LAYOUTS[type_].size
    if length > MAX_KEPT_ITEMS:
        header.skip(n_bytes, what)
        return ArraySummary(type_, length)
    start = header.position
    items = Struct(f"<{length}{_CODES[type_]}").unpack(header.take(n_bytes, what))
    return tuple(_as_bool(header, key, item, start) for item in items) if type_ is MetadataType.BOOL else items


def _alignment(header: HeaderBytes, metadata: Mapping[str, MetadataValue]) -> int:
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if type(alignment) is not int or alignment <= 0 or alignment & (alignment - 1):
        raise header.error(f"general.alignment is {shown(str(alignment))}, not a power of two.")
    return alignment


@dataclass(frozen=True, slots=True)
class _TableEntry:
    """A row of the tensor table; `data_offset` counts from the start of the data, `position` is the row's place."""

    name: str
    shape: tuple[int, ...]
    type: GgmlType
    n_bytes: int
    data_offset: int
    position: int


def _read_tensors(header: HeaderBytes, n_tensors: int, alignment: int, file_index: int) -> tuple[TensorInfo, ...]:
    entries = [_read_entry(header, index) for index in range(n_tensors)]
    data_start = _padded(header.position, alignment)
    seen: set[str] = set()
    tensors = []
    expected = 0
    for entry in entries:
        name, at = entry.name, entry.position
        if name in seen:
            raise header.error("The tensor is listed twice.", tensor=name, offset=at)
        seen.add(name)
        # llama.cpp takes tensors only in the order of the table, each at the first aligned byte after the one before.
        if entry.data_offset != expected:
            trouble = "overlaps the tensor before it" if entry.data_offset < expected else "leaves a gap before it"
            raise header.error(
                f"The tensor {trouble}: data offset {entry.data_offset} instead of {expected} (alignment {alignment}).",
                tensor=name,
                offset=at,
            )
        offset = data_start + expected
        if offset + entry.n_bytes > header.file_bytes:
            raise header.error(
                f"The tensor takes bytes {offset} to {offset + entry.n_bytes}, but the file has {header.file_bytes}.",
                tensor=name,
                offset=at,
                hint="The file is truncated or damaged: download or convert it again.",
            )
        tensors.append(TensorInfo(name, entry.shape, entry.type, file_index, offset, entry.n_bytes))
        expected += _padded(entry.n_bytes, alignment)
    return tuple(tensors)


def _padded(n_bytes: int, alignment: int) -> int:
    return -(-n_bytes // alignment) * alignment


def _read_entry(header: HeaderBytes, index: int) -> _TableEntry:
    start = header.position
    raw = header.string(MAX_NAME_BYTES, f"the name of tensor {index}")
    name = _decode(header, raw, f"the name of tensor {index}", start, tensor=f"#{index}")
    at = header.position
    n_dimensions = header.number(_U32, f"the dimensions of tensor {shown(name)}")
    if n_dimensions > MAX_DIMENSIONS:
        raise header.error(f"The tensor has {n_dimensions} dimensions, ggml {MAX_DIMENSIONS}.", tensor=name, offset=at)
    layout = _ROW_REST[n_dimensions]
    *shape_list, number, data_offset = layout.unpack(header.take(layout.size, f"the row of tensor {shown(name)}"))
    shape = tuple(shape_list)
    if max(shape, default=1) > MAX_ELEMENTS or prod(shape) > MAX_ELEMENTS:
        raise header.error(f"The tensor's shape {shape} has more elements than 63 bits.", tensor=name, offset=at)
    try:
        type_ = GgmlType(number)
    except ValueError:
        raise header.error(
            f"The tensor has type {number}, which this llama.cpp does not know.",
            tensor=name,
            offset=at,
            hint="Quantize the model again with a current llama.cpp.",
        ) from None
    traits = TYPE_TRAITS[type_]
    row = shape[0] if shape else 1
    if row % traits.block_size:
        raise header.error(
            f"The tensor's rows of {row} elements are no multiple of {type_.name}'s block of {traits.block_size}.",
            tensor=name,
            offset=at,
        )
    n_bytes = prod(shape) // traits.block_size * traits.type_bytes
    return _TableEntry(name, shape, type_, n_bytes, data_offset, start)
