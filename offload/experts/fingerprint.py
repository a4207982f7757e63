"""Tells one model file from another without reading all of it."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from offload.errors import ModelFileError
from offload.gguf_header import GgufHeader

_BLOCK_BYTES = 1 << 20
_SAMPLE_BYTES = 4096
_N_SAMPLES = 64


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A model file as a packed store remembers it."""

    name: str
    """For messages only: a renamed model is the same model."""
    n_bytes: int
    fingerprint: str
    """SHA-256, in hexadecimal, of the GGUF header and of 64 samples of 4 KiB spread evenly over the tensor data.

    The hash of a whole file of 8 GB takes seconds, too long for every start. Two models of one size that share
    metadata and tensor table differ in nearly every page of weights, so the samples tell them apart.
    """


def source_files(header: GgufHeader) -> tuple[SourceFile, ...]:
    """Return the identity of each of the model's files, in order.

    Raises:
        ModelFileError: a file cannot be read.
    """
    return tuple(_source_file(header, index) for index in range(len(header.files)))


def _source_file(header: GgufHeader, file_index: int) -> SourceFile:
    path = header.files[file_index]
    offsets = [info.offset for info in header.tensors.values() if info.file_index == file_index]
    digest = hashlib.sha256()
    try:
        n_bytes = path.stat().st_size
        data_start = min(offsets, default=n_bytes)
        _hash_range(digest, path, data_start)
        _hash_samples(digest, path, data_start, n_bytes)
    except OSError as error:
        raise ModelFileError(f"could not be read: {error.strerror or error}.", file=path) from error
    return SourceFile(path.name, n_bytes, digest.hexdigest())


def _hash_range(digest: "hashlib._Hash", path: Path, end: int) -> None:
    with path.open("rb") as file:
        left = end
        while left > 0 and (block := file.read(min(left, _BLOCK_BYTES))):
            digest.update(block)
            left -= len(block)


def _hash_samples(digest: "hashlib._Hash", path: Path, start: int, end: int) -> None:
    with path.open("rb", buffering=0) as file:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), start, end - start, os.POSIX_FADV_RANDOM)
        for sample in range(_N_SAMPLES):
            file.seek(start + (end - start) * sample // _N_SAMPLES)
            digest.update(file.read(min(_SAMPLE_BYTES, end - file.tell())))
