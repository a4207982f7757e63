"""`.forecast`, the file of what forecasters of one model have learnt.

    preamble   magic, version, bytes of header, stored bytes of arrays, CRC-32 of both
    header     JSON, UTF-8: the model; of each forecaster, by name, each array's name, type and shape
    arrays     one zstandard frame: the arrays in that order, little-endian, C order

Nothing follows. A forecaster knows by itself what its arrays mean, see its `state` and `restore`.
"""

import json
import math
import os
import shutil
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zstandard
from numpy.typing import NDArray

from offload.errors import NO_ROOM, DiskFullError, ForecasterFileError, OffloadError
from offload.routing.bounded_frame import decompress
from offload.routing.route_trace import TraceHeader

MAGIC = b"FORECAST"
VERSION = 1
PREAMBLE = struct.Struct("<8sIIQI")
MAX_HEADER_BYTES = 1 << 18
MAX_RAW_BYTES = 1 << 30
_TYPES = ("|u1", "<u2", "<i2", "<i4", "<i8", "<f2", "<f4")
_LEVEL = 6
_DAMAGED_HINT = "The file is damaged or was cut short: train again."
_OTHER_HINT = "Train forecasters on traces of this model with `offload train-forecaster`."

State = Mapping[str, NDArray[np.generic]]
"""What one forecaster has learnt: arrays by name."""


class _Model(NamedTuple):
    """Which model it was learnt of."""

    name: str
    architecture: str
    fingerprint: str
    layers: tuple[int, ...]
    n_expert: int
    n_expert_used: int

    @classmethod
    def of(cls, header: TraceHeader) -> "_Model":
        return cls(
            header.model_name,
            header.architecture,
            header.fingerprint,
            tuple(map(int, header.layers)),
            header.n_expert,
            header.n_expert_used,
        )


def write_states(path: Path, model: TraceHeader, states: Mapping[str, State]) -> None:
    """Write what forecasters of `model` have learnt, by their names: beside `path`, then put under that name.

    What lay there before stays as it was if this fails.

    Raises:
        DiskFullError: there is no room left.
        OffloadError: the system could not write it.
    """
    tables: dict[str, Any] = {}
    compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    stored = bytearray()
    for name, state in states.items():
        tables[name] = []
        for part, array in state.items():
            little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
            if little.dtype.str not in _TYPES:
                raise ValueError(f"array {part} of the forecaster {name} is of the type {array.dtype}")
            tables[name].append([part, little.dtype.str, list(little.shape)])
            stored += compressor.compress(little.tobytes())
    stored += compressor.flush()
    text = json.dumps({"model": _Model.of(model)._asdict(), "forecasters": tables}).encode()
    preamble = PREAMBLE.pack(MAGIC, VERSION, len(text), len(stored), zlib.crc32(stored, zlib.crc32(text)))
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(preamble + text + stored)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise _not_written(path, error, len(stored)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def read_states(path: Path, model: TraceHeader) -> dict[str, State]:
    """Return what forecasters of `model` have learnt, by their names.

    A file or a model without a fingerprint is taken for the same one if architecture and shape are.

    Raises:
        ForecasterFileError: there is no such file, it is damaged, of another version, or of another model.
    """
    try:
        with path.open("rb") as file:
            head = file.read(PREAMBLE.size)
            if not head.startswith(MAGIC) or len(head) < PREAMBLE.size:
                raise ForecasterFileError("This is no file of forecasters.", file=path, hint="Give a .forecast file.")
            _, version, text_bytes, stored_bytes, crc32 = PREAMBLE.unpack(head)
            if version != VERSION:
                raise ForecasterFileError(
                    f"The forecasters have format version {version}, this release reads {VERSION}.",
                    file=path,
                    hint="Train again with this release.",
                )
            if text_bytes > MAX_HEADER_BYTES or PREAMBLE.size + text_bytes + stored_bytes != path.stat().st_size:
                raise _damaged(path, "its size is not what it says")
            text, stored = file.read(text_bytes), file.read(stored_bytes)
    except OSError as error:
        raise ForecasterFileError(f"Forecasters could not be read: {error.strerror or error}.", file=path) from error
    if zlib.crc32(stored, zlib.crc32(text)) != crc32:
        raise _damaged(path, "it does not have its checksum")
    try:
        header = json.loads(text)
        learnt_of = _Model(**{**header["model"], "layers": tuple(header["model"]["layers"])})
        if not all(isinstance(text, str) for text in learnt_of[:3]):
            raise ValueError("names that are no text")
        tables = {
            str(name): [(str(part), np.dtype(_TYPES[_TYPES.index(kind)]), _shape(shape)) for part, kind, shape in rows]
            for name, rows in header["forecasters"].items()
        }
        _check_model(path, learnt_of, _Model.of(model))
        return _states(tables, stored)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # The checksum was right: whoever wrote this is no release of ours.
        raise _damaged(path, "its header or its arrays make no sense") from error


def _states(tables: Mapping[str, list[tuple[str, np.dtype[Any], tuple[int, ...]]]], stored: bytes) -> dict[str, State]:
    sizes = [math.prod(shape) * dtype.itemsize for rows in tables.values() for _, dtype, shape in rows]
    if sum(sizes) > MAX_RAW_BYTES:
        raise ValueError("more than any model needs")
    raw = _decompressed(stored, sum(sizes))
    states: dict[str, State] = {}
    at = 0
    for name, rows in tables.items():
        arrays: dict[str, NDArray[np.generic]] = {}
        for part, dtype, shape in rows:
            n = math.prod(shape)
            array = np.frombuffer(raw, dtype, n, at).reshape(shape)
            # Of this machine's byte order, and writable.
            arrays[part] = array.astype(dtype.newbyteorder("="))
            at += n * dtype.itemsize
        states[name] = arrays
    return states


def _decompressed(stored: bytes, raw_bytes: int) -> bytearray:
    """Decompress the frame. Memory grows with what is really there, never to more than `raw_bytes`."""
    try:
        raw = decompress(stored, raw_bytes)
    except zstandard.ZstdError as error:
        raise ValueError("cannot be decompressed") from error
    if len(raw) != raw_bytes:
        raise ValueError(f"{len(raw)} bytes instead of {raw_bytes}")
    return raw


def _shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, list) or not all(type(size) is int and 0 <= size <= MAX_RAW_BYTES for size in shape):
        raise ValueError("no shape")
    return tuple(shape)


def _check_model(path: Path, learnt_of: _Model, model: _Model) -> None:
    same_file = not learnt_of.fingerprint or not model.fingerprint or learnt_of.fingerprint == model.fingerprint
    if same_file and learnt_of[3:] == model[3:] and learnt_of.architecture in ("", model.architecture):
        return
    other = f"{learnt_of.name or 'another model'} ({learnt_of.fingerprint[:8] or 'unknown'})"
    this = f"{model.name or 'this model'} ({model.fingerprint[:8] or 'unknown'})"
    raise ForecasterFileError(
        f"These forecasters are of {other}, not of {this}.",
        file=path,
        hint=_OTHER_HINT,
    )


def _damaged(path: Path, trouble: str) -> ForecasterFileError:
    return ForecasterFileError(f"The file of forecasters is malformed: {trouble}.", file=path, hint=_DAMAGED_HINT)


def _not_written(path: Path, error: OSError, needed_bytes: int) -> OffloadError:
    if error.errno in NO_ROOM:
        with suppress(OSError):
            return DiskFullError(
                f"There is no room for {path}.",
                folder=path.parent,
                needed_bytes=needed_bytes,
                free_bytes=shutil.disk_usage(path.parent).free,
                hint="Free some space.",
            )
    return OffloadError(
        f"{path} could not be written: {error.strerror or error}.",
        hint="Choose a folder that can be written to.",
        file=str(path),
    )
