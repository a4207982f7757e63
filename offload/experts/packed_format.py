"""The packed store's format, version 1: what a file says of itself, and how that is written and read.

    preamble      60 bytes: magic, version, place and CRC-32 of the two tables, CRC-32 of the preamble itself
    description   JSON: the source model, the CPU layout, the parts of every layer
    index         24 bytes for each part of each expert: place, size, codec, CRC-32, variant
    records       from a page boundary: one for each expert, its parts one after the other, each from a page boundary

Numbers are little endian. Index entries come by layer, expert and part. `variant` is room for several precisions of
one expert; this version writes one, number 0.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from offload.errors import ModelFileError
from offload.experts.fingerprint import SourceFile
from offload.experts.store import KIND_ORDER, LayerLayout, PartLayout, WeightKind, WeightLayout, page_ceil
from offload.gguf_header import MAX_EXPERTS, MAX_LAYERS, GgmlType

MAGIC = b"OFFLOADP"
VERSION = 1
PREAMBLE = Struct("<8sIQQQQIII")
"""Magic, version, description offset and bytes, index offset and bytes, CRC-32 of description, index, preamble."""
MAX_DESCRIPTION_BYTES = 16 << 20
MAX_PART_BYTES = 1 << 48
INDEX_DTYPE = np.dtype(
    [
        ("offset", "<u8"),
        ("stored_bytes", "<u8"),
        ("crc32", "<u4"),
        ("codec", "u1"),
        ("variant", "u1"),
        ("reserved", "<u2"),
    ]
)
_MAX_SOURCES = (1 << 16) - 1
_MAX_TEXT = 4096


@dataclass(frozen=True, slots=True)
class PackedPart:
    """One matrix of each expert of a layer: `n_bytes` of `type`, `n_columns` by `n_rows` (ggml's ne[0], ne[1])."""

    kind: WeightKind
    layout: WeightLayout
    n_bytes: int
    type: GgmlType
    n_columns: int
    n_rows: int


@dataclass(frozen=True, slots=True)
class PackedLayer:
    """The experts of one layer; `parts` in `KIND_ORDER`."""

    layer: int
    n_expert: int
    parts: tuple[PackedPart, ...]

    @property
    def record_bytes(self) -> int:
        """Bytes of one uncompressed record, padding counted."""
        return sum(page_ceil(part.n_bytes) for part in self.parts)

    def layout(self) -> LayerLayout:
        """Return how a slot holds these experts: every part starts at a page."""
        parts = tuple(PartLayout(part.kind, part.n_bytes, part.layout, 0) for part in self.parts)
        return LayerLayout(self.layer, self.n_expert, parts)


@dataclass(frozen=True, slots=True)
class Description:
    """What a packed store says of itself; `cpu_layout` names the interleaved layout, `plain` where no part has it."""

    written_by: str
    architecture: str
    cpu_layout: str
    sources: tuple[SourceFile, ...]
    layers: tuple[PackedLayer, ...]

    @property
    def n_parts(self) -> int:
        """Entries in the index."""
        return sum(layer.n_expert * len(layer.parts) for layer in self.layers)

    @property
    def record_bytes(self) -> int:
        """Bytes of all records while none is compressed."""
        return sum(layer.n_expert * layer.record_bytes for layer in self.layers)

    def to_json(self) -> bytes:
        """Return the description as it is stored."""
        return json.dumps(_as_json(self), separators=(",", ":")).encode()


class Preamble(NamedTuple):
    """The numbers at the start of the file."""

    description_offset: int
    description_bytes: int
    index_offset: int
    index_bytes: int
    description_crc32: int
    index_crc32: int

    def encode(self) -> bytes:
        """Return the preamble as it is stored."""
        unsealed = PREAMBLE.pack(MAGIC, VERSION, *self, 0)
        return unsealed[:-4] + zlib.crc32(unsealed[:-4]).to_bytes(4, "little")


def head_bytes(description: Description) -> int:
    """Return where the records start."""
    return page_ceil(PREAMBLE.size + len(description.to_json()) + description.n_parts * INDEX_DTYPE.itemsize)


def encode_head(description: Description, index: "np.ndarray[Any, np.dtype[np.void]]") -> bytes:
    """Return everything before the records: preamble, description and index, padded to a page."""
    text, table = description.to_json(), index.tobytes()
    index_offset = PREAMBLE.size + len(text)
    preamble = Preamble(PREAMBLE.size, len(text), index_offset, len(table), zlib.crc32(text), zlib.crc32(table))
    head = preamble.encode() + text + table
    return head.ljust(page_ceil(len(head)), b"\0")


def decode_description(text: bytes, file: Path) -> Description:
    """Read a description, trusting nothing in it.

    Raises:
        ModelFileError: it is not what version 1 writes.
    """
    try:
        return _description(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"The packed store's description is malformed: {str(error)[:200]}.",
            file=file,
            offset=PREAMBLE.size,
            hint="Pack the model again.",
        ) from error


def _as_json(description: Description) -> dict[str, Any]:
    return {
        "written_by": description.written_by,
        "architecture": description.architecture,
        "cpu_layout": description.cpu_layout,
        "sources": [
            {"name": source.name, "n_bytes": source.n_bytes, "fingerprint": source.fingerprint}
            for source in description.sources
        ],
        "layers": [
            {
                "layer": layer.layer,
                "n_expert": layer.n_expert,
                "parts": [
                    {
                        "kind": part.kind.value,
                        "layout": part.layout.value,
                        "n_bytes": part.n_bytes,
                        "type": part.type.name,
                        "n_columns": part.n_columns,
                        "n_rows": part.n_rows,
                    }
                    for part in layer.parts
                ],
            }
            for layer in description.layers
        ],
    }


def _description(value: object) -> Description:
    fields = _fields(value, "written_by", "architecture", "cpu_layout", "sources", "layers")
    sources = tuple(_source(item) for item in _list(fields, "sources", _MAX_SOURCES))
    layers = tuple(_layer(item) for item in _list(fields, "layers", MAX_LAYERS))
    numbers = [layer.layer for layer in layers]
    if numbers != sorted(set(numbers)):
        raise ValueError("the layers are not in order")
    return Description(
        _text(fields, "written_by"), _text(fields, "architecture"), _text(fields, "cpu_layout"), sources, layers
    )


def _source(value: object) -> SourceFile:
    fields = _fields(value, "name", "n_bytes", "fingerprint")
    return SourceFile(_text(fields, "name"), _number(fields, "n_bytes", 0, 1 << 62), _text(fields, "fingerprint"))


def _layer(value: object) -> PackedLayer:
    fields = _fields(value, "layer", "n_expert", "parts")
    parts = tuple(_part(item) for item in _list(fields, "parts", len(KIND_ORDER)))
    kinds = [KIND_ORDER.index(part.kind) for part in parts]
    if kinds != sorted(set(kinds)):
        raise ValueError("the parts of a layer are not in order")
    return PackedLayer(_number(fields, "layer", 0, MAX_LAYERS - 1), _number(fields, "n_expert", 1, MAX_EXPERTS), parts)


def _part(value: object) -> PackedPart:
    fields = _fields(value, "kind", "layout", "n_bytes", "type", "n_columns", "n_rows")
    type_name = _text(fields, "type")
    if type_name not in GgmlType.__members__:
        raise ValueError(f"type is {type_name!r}")
    return PackedPart(
        kind=WeightKind(_text(fields, "kind")),
        layout=WeightLayout(_text(fields, "layout")),
        n_bytes=_number(fields, "n_bytes", 1, MAX_PART_BYTES),
        type=GgmlType[type_name],
        n_columns=_number(fields, "n_columns", 1, MAX_PART_BYTES),
        n_rows=_number(fields, "n_rows", 1, MAX_PART_BYTES),
    )


def _fields(value: object, *names: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError(f"an object does not have exactly the fields {', '.join(names)}")
    return value


def _list(fields: Mapping[str, object], name: str, maximum: int) -> list[object]:
    value = fields[name]
    if not isinstance(value, list) or not 1 <= len(value) <= maximum:
        raise ValueError(f"{name} is not a list of 1 to {maximum}")
    return value


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise ValueError(f"{name} is not a text of at most {_MAX_TEXT} characters")
    return value


def _number(fields: Mapping[str, object], name: str, minimum: int, maximum: int) -> int:
    value = fields[name]
    if type(value) is not int or not minimum <= value <= maximum:
        raise ValueError(f"{name} is not a whole number from {minimum} to {maximum}")
    return value
