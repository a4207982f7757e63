"""GGUF files built byte by byte, so that a test can write what no proper writer would."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from struct import pack

UINT8, UINT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64 = 0, 2, 4, 5, 6, 7, 8, 9, 10, 11
F32, Q4_K = 0, 12


def raw_string(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return pack("<Q", len(raw)) + raw


def raw_value(key: str | bytes, type_: int, payload: bytes) -> bytes:
    return raw_string(key) + pack("<I", type_) + payload


def raw_u32(key: str, value: int) -> bytes:
    return raw_value(key, UINT32, pack("<I", value))


def raw_u16(key: str, value: int) -> bytes:
    return raw_value(key, UINT16, pack("<H", value))


def raw_text(key: str, text: str | bytes) -> bytes:
    return raw_value(key, STRING, raw_string(text))


def raw_array(key: str, type_: int, length: int, items: bytes) -> bytes:
    return raw_value(key, ARRAY, pack("<IQ", type_, length) + items)


@dataclass(frozen=True, slots=True)
class RawTensor:
    """A row of the tensor table; `data_offset` counts from the start of the data."""

    name: str | bytes
    shape: tuple[int, ...]
    data_offset: int
    type: int = F32

    def row(self) -> bytes:
        return (
            raw_string(self.name)
            + pack(f"<I{len(self.shape)}Q", len(self.shape), *self.shape)
            + pack("<IQ", self.type, self.data_offset)
        )


MOE_METADATA = (
    raw_text("general.architecture", "qwen3moe"),
    raw_u32("qwen3moe.block_count", 1),
    raw_u32("qwen3moe.expert_count", 4),
    raw_u32("qwen3moe.expert_used_count", 2),
)
MOE_TENSORS = (
    RawTensor("token_embd.weight", (8, 3), 0),
    RawTensor("blk.0.ffn_gate_exps.weight", (8, 2, 4), 96),
    RawTensor("blk.0.ffn_down_exps.weight", (256, 1, 4), 352, Q4_K),
)
MOE_DATA_BYTES = 352 + 576


@dataclass(frozen=True, slots=True)
class RawGguf:
    """A file of one layer with four experts, of which a test replaces what it wants to be wrong."""

    version: int = 3
    metadata: tuple[bytes, ...] = MOE_METADATA
    tensors: tuple[RawTensor, ...] = MOE_TENSORS
    data: bytes = field(default=bytes(MOE_DATA_BYTES))
    alignment: int = 32
    n_tensors: int | None = None
    n_metadata: int | None = None
    magic: bytes = b"GGUF"

    def header(self) -> bytes:
        n_tensors = len(self.tensors) if self.n_tensors is None else self.n_tensors
        n_metadata = len(self.metadata) if self.n_metadata is None else self.n_metadata
        return (
            self.magic
            + pack("<IQQ", self.version, n_tensors, n_metadata)
            + b"".join(self.metadata)
            + b"".join(tensor.row() for tensor in self.tensors)
        )

    def file(self) -> bytes:
        header = self.header()
        return header + bytes(-len(header) % self.alignment) + self.data

    def write(self, path: Path) -> Path:
        path.write_bytes(self.file())
        return path

    def with_metadata(self, *more: bytes) -> "RawGguf":
        return replace(self, metadata=self.metadata + more)

    def with_tensor(self, tensor: RawTensor) -> "RawGguf":
        """Return the file with `tensor` as its only one, before the data of the others."""
        return replace(self, tensors=(tensor,))
