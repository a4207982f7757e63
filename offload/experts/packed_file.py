"""Reads a packed store's description and index from its file, checking every number before it is used."""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from offload.errors import ModelFileError, ModelNotFoundError, StaleStoreError
from offload.experts.packed_format import (
    INDEX_DTYPE,
    MAGIC,
    MAX_DESCRIPTION_BYTES,
    PREAMBLE,
    VERSION,
    Description,
    Preamble,
    decode_description,
)
from offload.experts.store import PAGE, Codec, page_ceil

_HINT = "The file is damaged or was cut short: pack the model again."


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A packed store's file: what it says of itself, and its checked index (`INDEX_DTYPE`, one entry for each part)."""

    path: Path
    description: Description
    index: "np.ndarray[Any, np.dtype[np.void]]"


def read_packed_file(path: Path) -> PackedFile:
    """Read everything but the records.

    Raises:
        ModelNotFoundError: there is no such file.
        StaleStoreError: the file has another format version.
        ModelFileError: it is no packed store, or is malformed or truncated.
    """
    try:
        with path.open("rb") as file:
            return _read(path, file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"There is no packed store {path}.", path=path) from error
    except OSError as error:
        raise ModelFileError(f"could not be read: {error.strerror or error}.", file=path) from error


def is_packed_file(path: Path) -> bool:
    """Say whether `path` starts like a packed store. Raises OSError when it cannot be read."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _read(path: Path, file: BinaryIO, file_bytes: int) -> PackedFile:
    preamble = _preamble(path, file.read(PREAMBLE.size))
    if preamble.description_bytes > MAX_DESCRIPTION_BYTES:
        raise _error(path, f"a description of {preamble.description_bytes} bytes is more than any model needs", 0)
    text = _table(path, file, file_bytes, preamble.description_offset, preamble.description_bytes)
    _check_crc(path, text, preamble.description_crc32, "description", preamble.description_offset)
    description = decode_description(text, path)
    if preamble.index_bytes != description.n_parts * INDEX_DTYPE.itemsize:
        message = f"the index has {preamble.index_bytes} bytes, {description.n_parts} parts need another number"
        raise _error(path, message, preamble.index_offset)
    table = _table(path, file, file_bytes, preamble.index_offset, preamble.index_bytes)
    _check_crc(path, table, preamble.index_crc32, "index", preamble.index_offset)
    index = np.frombuffer(table, INDEX_DTYPE)
    _check_index(path, description, index, preamble.index_offset + preamble.index_bytes, file_bytes)
    return PackedFile(path, description, index)


def _preamble(path: Path, raw: bytes) -> Preamble:
    if raw[: len(MAGIC)] != MAGIC:
        raise ModelFileError("This is not a packed store.", file=path, offset=0, hint="Make one with `offload pack`.")
    if len(raw) < PREAMBLE.size:
        raise _error(path, f"the file ends after {len(raw)} bytes", 0)
    _, version, *numbers, crc32 = PREAMBLE.unpack(raw)
    if version != VERSION:
        raise StaleStoreError(
            f"The packed store has format version {version}, this release reads {VERSION}.",
            file=path,
            hint="Run: offload pack MODEL",
        )
    _check_crc(path, raw[:-4], crc32, "preamble", 0)
    return Preamble(*numbers)


def _table(path: Path, file: BinaryIO, file_bytes: int, offset: int, n_bytes: int) -> bytes:
    if offset < PREAMBLE.size or offset + n_bytes > file_bytes:
        raise _error(path, f"a table of {n_bytes} bytes does not lie inside the file of {file_bytes}", offset)
    file.seek(offset)
    return file.read(n_bytes)


def _check_crc(path: Path, raw: bytes, expected: int, what: str, offset: int) -> None:
    if zlib.crc32(raw) != expected:
        raise _error(path, f"the {what} does not have its checksum", offset)


def _check_index(
    path: Path,
    description: Description,
    index: "np.ndarray[Any, np.dtype[np.void]]",
    tables_end: int,
    file_bytes: int,
) -> None:
    n_bytes = np.concatenate(
        [
            np.tile(np.array([part.n_bytes for part in layer.parts], np.uint64), layer.n_expert)
            for layer in description.layers
        ]
    )
    offset, stored, codec = index["offset"], index["stored_bytes"], index["codec"]
    raw, zstd = codec == Codec.RAW.value, codec == Codec.ZSTD.value
    ends = np.uint64(file_bytes) - np.minimum(stored, np.uint64(file_bytes))
    rules = (
        (offset % PAGE == 0, "does not start at a page"),
        (offset >= tables_end, "lies in the tables"),
        ((stored > 0) & (stored <= file_bytes) & (offset <= ends), f"does not lie inside the file of {file_bytes}"),
        ((raw & (stored == n_bytes)) | (zstd & (stored < n_bytes)), "has an impossible codec or size"),
        ((index["variant"] == 0) & (index["reserved"] == 0), "has an unknown variant"),
    )
    for holds, trouble in rules:
        if not holds.all():
            bad = int(np.argmin(holds))
            raise _error(path, f"part {bad} of the index {trouble}", int(offset[bad]))
    # Every entry lies inside the file by now, so that its end cannot overflow.
    ends = offset + stored
    overlapping = np.flatnonzero(offset[1:] < ends[:-1])
    if len(overlapping):
        bad = int(overlapping[0]) + 1
        raise _error(path, f"part {bad} of the index overlaps the one before", int(offset[bad]))
    if page_ceil(int(ends[-1])) != file_bytes:
        raise _error(path, f"the file has {file_bytes} bytes, its records end at {int(ends[-1])}", int(ends[-1]))


def _error(path: Path, trouble: str, offset: int) -> ModelFileError:
    return ModelFileError(f"The packed store is malformed: {trouble}.", file=path, offset=offset, hint=_HINT)
