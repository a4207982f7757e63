"""The bytes of a `.routes` file: a preamble, the header as JSON, pieces of many steps each, and an end.

    preamble   magic, version, bytes and CRC-32 of the header
    header     JSON, UTF-8: the fields of `TraceHeader`
    piece      steps, tokens, stored bytes and CRC-32 of its two frames; then the frames, each one zstandard frame:
               routes: a table of the steps (sequence, phase, tokens), token ids, experts, gate weights;
               inputs: router inputs, absent where none are recorded
    end        steps and tokens of all pieces, bytes of the file

All numbers are little-endian. Arrays lie in planes, all their lowest bytes first, which compresses them better; the
tokens of a piece's steps stand side by side: [n_layer, n_tokens of all steps, ...].
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from offload.routing.route_trace import Phase, RouteStep, TraceHeader
from offload.routing.trace_rules import header_trouble

MAGIC = b"ROUTES\r\n"
VERSION = 1
PREAMBLE = struct.Struct("<8sIII")
PIECE = struct.Struct("<4sIIIIIII")
END = struct.Struct("<4sQQQI")
MAX_HEADER_BYTES = 1 << 18
STEP_DTYPE = np.dtype([("sequence", "<u4"), ("phase", "<u4"), ("n_tokens", "<u4")])

_PIECE_MAGIC = b"STEP"
_END_MAGIC = b"DONE"
_PHASES = (Phase.PREFILL, Phase.DECODE)
_Number = TypeVar("_Number", bound=np.generic)


class PieceHead(NamedTuple):
    """What stands before the frames of a piece."""

    n_steps: int
    n_tokens: int
    routes_bytes: int
    """Stored."""
    inputs_bytes: int
    """Stored."""
    routes_crc32: int
    inputs_crc32: int


class TraceEnd(NamedTuple):
    """What the end says of the whole file."""

    n_steps: int
    n_tokens: int
    file_bytes: int


def encode_header(header: TraceHeader) -> bytes:
    """Return preamble and header."""
    text = json.dumps(asdict(header), default=int).encode()
    return PREAMBLE.pack(MAGIC, VERSION, len(text), zlib.crc32(text)) + text


def decode_header(text: bytes) -> TraceHeader:
    """Return the header that JSON `text` holds.

    Raises:
        ValueError: it holds none; the message is the end of a sentence.
    """
    try:
        values = json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError("its header is not JSON") from error
    names = {field.name for field in fields(TraceHeader)}
    if not isinstance(values, dict) or values.keys() != names:
        raise ValueError(f"its header does not have just the fields {', '.join(sorted(names))}")
    for field in fields(TraceHeader):
        value = values[field.name]
        if field.type == tuple[int, ...]:
            if type(value) is not list or not all(type(item) is int for item in value):
                raise ValueError(f"{field.name} in its header is no list of whole numbers")
            values[field.name] = tuple(value)
        elif type(value) is not field.type:
            raise ValueError(f"{field.name} in its header is not of the type {getattr(field.type, '__name__', '')}")
    header = TraceHeader(**values)
    if trouble := header_trouble(header):
        raise ValueError(trouble)
    return header


def encode_piece(head: PieceHead) -> bytes:
    """Return the bytes before the frames of a piece."""
    raw = PIECE.pack(_PIECE_MAGIC, *head, 0)[:-4]
    return raw + struct.pack("<I", zlib.crc32(raw))


def encode_end(end: TraceEnd) -> bytes:
    """Return the bytes after the last piece."""
    raw = END.pack(_END_MAGIC, *end, 0)[:-4]
    return raw + struct.pack("<I", zlib.crc32(raw))


def decode_piece(raw: bytes) -> PieceHead | None:
    """Return what stands before the frames of a piece; None where something else stands there."""
    if len(raw) != PIECE.size or not _is_sealed(raw, _PIECE_MAGIC):
        return None
    return PieceHead(*PIECE.unpack(raw)[1:-1])


def decode_end(raw: bytes) -> TraceEnd | None:
    """Return what the end says; None where something else stands there."""
    if len(raw) != END.size or not _is_sealed(raw, _END_MAGIC):
        return None
    return TraceEnd(*END.unpack(raw)[1:-1])


def _is_sealed(raw: bytes, magic: bytes) -> bool:
    return raw.startswith(magic) and struct.pack("<I", zlib.crc32(raw[:-4])) == raw[-4:]


def routes_raw_bytes(header: TraceHeader, n_steps: int, n_tokens: int) -> int:
    """Return the size of a piece's frame of routes, decompressed."""
    cells = n_tokens * len(header.layers) * header.n_expert_used
    return n_steps * STEP_DTYPE.itemsize + n_tokens * 4 + cells * (4 if header.has_weights else 2)


def inputs_raw_bytes(header: TraceHeader, n_tokens: int) -> int:
    """Return the size of a piece's frame of router inputs, decompressed."""
    return n_tokens * len(header.layers) * header.n_embd * 2


def routes_raw(header: TraceHeader, steps: Sequence[RouteStep]) -> bytes:
    """Return a piece's frame of routes before compression."""
    table = np.array([(s.sequence, _PHASES.index(s.phase), len(s.tokens)) for s in steps], STEP_DTYPE)
    parts = [table.tobytes(), _planes([s.tokens for s in steps], "<i4"), _planes([s.routes for s in steps], "<i2")]
    if header.has_weights:
        parts.append(_planes([s.weights for s in steps if s.weights is not None], "<f2"))
    return b"".join(parts)


def inputs_raw(steps: Sequence[RouteStep]) -> bytes:
    """Return a piece's frame of router inputs before compression."""
    return _planes([s.inputs for s in steps if s.inputs is not None], "<f2")


def steps_of(
    header: TraceHeader, n_steps: int, n_tokens: int, routes: bytes | bytearray, inputs: bytes | bytearray | None
) -> list[RouteStep]:
    """Return the steps of a piece from its decompressed frames, which have the right sizes.

    Raises:
        ValueError: the table of steps makes no sense; the message is the end of a sentence.
    """
    n_layer, k = len(header.layers), header.n_expert_used
    table = np.frombuffer(routes, STEP_DTYPE, n_steps)
    sizes = table["n_tokens"].astype(np.int64)
    if sizes.min() < 1 or sizes.sum() != n_tokens:
        raise ValueError(f"the tokens of its steps are not {n_tokens} together, or a step has none")
    if table["phase"].max() >= len(_PHASES) or table["sequence"].max() > np.iinfo(np.int32).max:
        raise ValueError("a step has an unknown phase or an impossible sequence")
    at = table.nbytes
    tokens = _from_planes(routes, at, np.dtype(np.int32), (n_tokens,))
    at += tokens.nbytes
    experts = _from_planes(routes, at, np.dtype(np.int16), (n_layer, n_tokens, k))
    at += experts.nbytes
    weights = _from_planes(routes, at, np.dtype(np.float16), experts.shape) if header.has_weights else None
    recorded = None
    if inputs is not None:
        recorded = _from_planes(inputs, 0, np.dtype(np.float16), (n_layer, n_tokens, header.n_embd))
    ends = np.cumsum(sizes).tolist()
    return [
        RouteStep(
            sequence=int(row["sequence"]),
            phase=_PHASES[int(row["phase"])],
            tokens=tokens[start:end],
            routes=experts[:, start:end],
            weights=None if weights is None else weights[:, start:end],
            inputs=None if recorded is None else recorded[:, start:end],
        )
        for row, start, end in zip(table, [0, *ends], ends, strict=False)
    ]


def _planes(arrays: Sequence[NDArray[Any]], dtype: str) -> bytes:
    """Return the arrays, joined along their tokens, with all first bytes of their numbers before all second ones."""
    joined = np.concatenate(arrays, axis=min(1, arrays[0].ndim - 1)).astype(dtype)
    return joined.reshape(-1).view(np.uint8).reshape(-1, joined.itemsize).T.tobytes()


def _from_planes(
    raw: bytes | bytearray, at: int, dtype: "np.dtype[_Number]", shape: tuple[int, ...]
) -> NDArray[_Number]:
    n = int(np.prod(shape))
    planes = np.frombuffer(raw, np.uint8, n * dtype.itemsize, at).reshape(dtype.itemsize, n)
    return (
        np.ascontiguousarray(planes.T)
        .reshape(-1)
        .view(dtype.newbyteorder("<"))
        .astype(dtype, copy=False)
        .reshape(shape)
    )
