"""`Removal`: the files that go when a model goes, and removing them.

With a model go its packed store, what forecasters learnt of it, where it came from, and what is left of its downloads.
Links go, what they point to stays. Folders inside the folder of models go when nothing is left in them.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import Enum
from glob import escape
from pathlib import Path

from offload.errors import OffloadError
from offload.experts.fingerprint import source_files
from offload.experts.packed_store import packed_path_for
from offload.forecast_state import state_path_of
from offload.gguf_header import read_gguf_header
from offload.hub.folder_lock import FolderLock
from offload.hub.origin import origin_path
from offload.model_folder import PARTIAL_FOLDER, EntryState, FolderEntry, ModelFolder


class RemovedKind(Enum):
    """What a file is to its model."""

    MODEL = "model"
    PACKED = "packed store"
    LEARNT = "forecaster state"
    ORIGIN = "origin"
    PARTIAL = "unfinished download"
    DAMAGED = "damaged download"


@dataclass(frozen=True, slots=True)
class RemovedFile:
    """One file to remove; `freed_bytes` are 0 where it is a link or has another name as well."""

    path: Path
    kind: RemovedKind
    freed_bytes: int


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing a model means."""

    files: tuple[RemovedFile, ...]

    @property
    def freed_bytes(self) -> int:
        """The bytes the disk gets back."""
        return sum(file.freed_bytes for file in self.files)


def plan_removal(entry: FolderEntry, folder: ModelFolder, *, packed_only: bool = False) -> Removal:
    """Return what goes with `entry`, a model of `folder` or one that lies elsewhere; nothing is changed."""
    packed = [(packed_path_for(entry.path), RemovedKind.PACKED)]
    if packed_only:
        return Removal(tuple(_there(packed)))
    kind = {EntryState.UNFINISHED: RemovedKind.PARTIAL, EntryState.DAMAGED: RemovedKind.DAMAGED}.get(
        entry.state, RemovedKind.MODEL
    )
    candidates = [(path, kind) for path in _with_versions(entry)]
    if kind is RemovedKind.MODEL:
        candidates += [*packed, (origin_path(entry.path), RemovedKind.ORIGIN)]
        learnt = _learnt(entry)
        candidates += [(learnt, RemovedKind.LEARNT)] if learnt is not None else []
        for other in folder.entries:
            if _place(other.path) == _place(entry.path) and other.stem == entry.stem:
                left = {EntryState.UNFINISHED: RemovedKind.PARTIAL, EntryState.DAMAGED: RemovedKind.DAMAGED}
                if other.state in left:
                    candidates += [(path, left[other.state]) for path in _with_versions(other)]
    return Removal(tuple(_there(dict(candidates).items())))


def remove(removal: Removal, folder: Path) -> None:
    """Remove the files, and the folders inside `folder` that are empty then. A file that is gone already is no error.

    Raises:
        OffloadError: one cannot be removed, those before it are gone; or a download of it is going on.
    """
    with ExitStack() as locks:
        for partial in dict.fromkeys(file.path.parent for file in removal.files if file.kind is RemovedKind.PARTIAL):
            locks.enter_context(FolderLock(partial))
        _unlink(removal)
    for parent in {file.path.parent for file in removal.files}:
        _remove_empty(parent, folder)


def _unlink(removal: Removal) -> None:
    for file in removal.files:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise OffloadError(
                f"{file.path} cannot be removed: {error.strerror or error}.",
                hint="Check who may write to its folder, and whether a program has it open.",
            ) from error


def _there(candidates: Iterable[tuple[Path, RemovedKind]]) -> Iterator[RemovedFile]:
    for path, kind in candidates:
        with suppress(OSError):
            status = path.lstat()
            only_name = status.st_nlink == 1 and not path.is_symlink()
            yield RemovedFile(path, kind, status.st_size if only_name else 0)


def _with_versions(entry: FolderEntry) -> Iterator[Path]:
    """Yield the files, and of an unfinished download what has come of older versions of them."""
    for path in entry.files:
        yield path
        if entry.state is EntryState.UNFINISHED:
            name = path.name.removesuffix(".part").removesuffix(".checked").rpartition(".")[0]
            yield from path.parent.glob(f"{escape(name)}.*.part")
            yield from path.parent.glob(f"{escape(name)}.*.checked")


def _learnt(entry: FolderEntry) -> Path | None:
    """Return where forecasters keep what they learnt of the model; None of one that cannot be read, or that stays.

    It belongs to the bytes: where those have another name, the model under that name goes on learning.
    """
    try:
        if entry.state is not EntryState.WHOLE or entry.path.is_symlink() or entry.path.stat().st_nlink > 1:
            return None
        header = read_gguf_header(entry.path)
        return state_path_of(source_files(header)[0].fingerprint)
    except (OSError, OffloadError):
        return None


def _place(path: Path) -> Path:
    return path.parent.parent if path.parent.name == PARTIAL_FOLDER else path.parent


def _remove_empty(parent: Path, folder: Path) -> None:
    """Remove `parent` and those around it while they are empty, inside `folder` alone."""
    for candidate in (parent / PARTIAL_FOLDER, parent, *parent.parents):
        if candidate == folder or folder not in candidate.parents:
            return
        try:
            os.rmdir(candidate)
        except FileNotFoundError:
            continue
        except OSError:
            return
