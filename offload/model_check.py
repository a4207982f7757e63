"""`ModelCheck`: whether the files of a model are what was published, byte by byte where that is known.

The header says where every tensor lies, and reading it checks that this is inside the files. Whether their bytes are
the right ones only a checksum tells: of the download, or of the catalogue.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from offload.catalog import CatalogModel
from offload.demo_model import demo_checksum
from offload.errors import CancelledError, ModelFileError, ModelNotFoundError
from offload.experts.packed_store import packed_path_for
from offload.gguf_header import read_gguf_header
from offload.hub.origin import read_origin

_PIECE_BYTES = 1 << 20

OnProgress = Callable[[int, int], bool]
"""Told the bytes that are done and all of them; returns whether to go on."""


class FileVerdict(Enum):
    """What became of one file's check."""

    GOOD = "good"
    LENGTH_ONLY = "length only"
    """It is as long as it should be; no checksum is known."""
    UNKNOWN = "unknown"
    """Nothing is known of it, or the catalogue knows another version of it."""
    DAMAGED = "damaged"


class KnownFrom(Enum):
    """Where the right length and checksum of a file are known from."""

    DOWNLOAD = "download"
    CATALOG = "catalogue"
    PROGRAM = "program"
    """It is the demo model, which travels with the program."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """One file: what it has, and what it should have, as far as that is known."""

    path: Path
    verdict: FileVerdict
    n_bytes: int
    expected_bytes: int | None = None
    sha256: str | None = None
    """None: it was not computed, for there is nothing to compare it with."""
    expected_sha256: str | None = None
    known_from: KnownFrom | None = None


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """All files of a model, whose header makes sense: tensors lie inside the files and do not overlap."""

    path: Path
    n_tensors: int
    files: tuple[FileCheck, ...]

    @property
    def packed_path(self) -> Path:
        """Where the packed store of the model lies, if there is one."""
        return packed_path_for(self.path)

    @property
    def damaged(self) -> tuple[FileCheck, ...]:
        """The files whose bytes are not what they should be."""
        return tuple(file for file in self.files if file.verdict is FileVerdict.DAMAGED)


@dataclass(frozen=True, slots=True)
class _Known:
    n_bytes: int | None
    sha256: str | None
    known_from: KnownFrom


def check_model(path: Path, catalog: Sequence[CatalogModel], on_progress: OnProgress) -> ModelCheck:
    """Check every file of the model that `path` belongs to; reads all bytes of those whose checksum is known.

    Raises:
        ModelNotFoundError: there is no such file, or a part is missing.
        ModelFileError: the header is malformed, its tensors do not lie inside the files, or a file cannot be read.
        CancelledError: `on_progress` returned False.
    """
    header = read_gguf_header(path)
    known = _known_files(header.files, catalog)
    try:
        lengths = [file.stat().st_size for file in header.files]
        total_bytes = sum(length for length, right in zip(lengths, known, strict=True) if _is_read(length, right))
        done_bytes, checks = 0, []
        for file, length, right in zip(header.files, lengths, known, strict=True):
            sha256 = None
            if _is_read(length, right):
                sha256 = _sha256(file, partial(_further, on_progress, done_bytes, total_bytes))
                done_bytes += length
            checks.append(_judged(file, length, sha256, right))
    except OSError as error:
        raise ModelFileError(f"could not be read: {error.strerror or error}.", file=path) from error
    return ModelCheck(header.files[0], len(header.tensors), tuple(checks))


def _known_files(files: Sequence[Path], catalog: Sequence[CatalogModel]) -> list[_Known | None]:
    """Return what is known of each file: from the program, the download of the model, or else the catalogue."""
    demo = _demo_checksum()
    if demo is not None and files[0].name == f"offload-demo-{demo[:12]}.gguf":
        return [_Known(None, demo, KnownFrom.PROGRAM)]
    origin = read_origin(files[0])
    downloaded = {file.name: file for file in origin.files} if origin is not None else {}
    repo = origin.repo if origin is not None else "/".join(files[0].absolute().parts[-3:-1])
    listed = {file.name: file for model in catalog if model.repo.lower() == repo.lower() for file in model.files}
    known: list[_Known | None] = []
    for path in files:
        ours, theirs = downloaded.get(path.name), listed.get(path.name)
        if ours is not None and (ours.sha256 is not None or theirs is None or theirs.sha256 is None):
            known.append(_Known(ours.n_bytes, ours.sha256, KnownFrom.DOWNLOAD))
        elif theirs is not None:
            known.append(_Known(theirs.n_bytes, theirs.sha256, KnownFrom.CATALOG))
        else:
            known.append(None)
    return known


def _demo_checksum() -> str | None:
    with suppress(ModelNotFoundError):
        return demo_checksum()
    return None


def _is_read(length: int, known: _Known | None) -> bool:
    """Return whether the bytes are worth reading: there is a checksum, and the length does not already tell."""
    return known is not None and known.sha256 is not None and known.n_bytes in (None, length)


def _judged(path: Path, length: int, sha256: str | None, known: _Known | None) -> FileCheck:
    if known is None:
        return FileCheck(path, FileVerdict.UNKNOWN, length)
    if known.n_bytes not in (None, length):
        # A repository may have a newer file than the catalogue saw.
        is_ours = known.known_from is KnownFrom.DOWNLOAD
        verdict = FileVerdict.DAMAGED if is_ours else FileVerdict.UNKNOWN
    elif sha256 is not None and sha256 != known.sha256:
        verdict = FileVerdict.DAMAGED
    elif sha256 is not None:
        verdict = FileVerdict.GOOD
    else:
        verdict = FileVerdict.LENGTH_ONLY if known.n_bytes is not None else FileVerdict.UNKNOWN
    return FileCheck(path, verdict, length, known.n_bytes, sha256, known.sha256, known.known_from)


def _further(on_progress: OnProgress, before_bytes: int, total_bytes: int, n_bytes: int) -> bool:
    return on_progress(before_bytes + n_bytes, total_bytes)


def _sha256(path: Path, go_on: Callable[[int], bool]) -> str:
    digest, buffer, count = hashlib.sha256(), bytearray(_PIECE_BYTES), 0
    with path.open("rb", buffering=0) as file:
        while n_read := file.readinto(buffer):
            digest.update(memoryview(buffer)[:n_read])
            count += n_read
            if not go_on(count):
                raise CancelledError("The check was stopped.")
    return digest.hexdigest()
