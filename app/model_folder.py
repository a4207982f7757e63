"""The folder of models: which GGUF files lie in it and below; reads names and sizes, never a file's content.

A model in several files (`name-00001-of-00003.gguf`) is one; projectors of pictures (`mmproj`) are none. How deep, how
many entries and how many models are looked at is bounded: a person may point at a whole disk.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

MOST_DEPTH = 4
"""Folders below the folder: user/repository/file as other programs lay them out, and some room."""
MOST_ENTRIES = 20_000
MOST_MODELS = 1_000
MOST_FOLDERS = 2_000

_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)
_PACKED = ".offload"


@dataclass(frozen=True, slots=True)
class FoundModel:
    """One model on the disk; `n_bytes` of all its files that are there."""

    path: str
    """Of its first file."""
    n_bytes: int
    n_files: int = 1
    stamp: tuple[int, ...] = ()
    """Another one where a file of the model, or the packed store beside it, is another."""


@dataclass(frozen=True, slots=True)
class FolderScan:
    """What a look at the disk found."""

    folder: str
    models: tuple[FoundModel, ...] = ()
    """In the folder, by path; then the files that were asked about, where they are there."""
    missing: tuple[str, ...] = ()
    """Files that were asked about and are not there."""
    folders: tuple[str, ...] = ()
    """The folders that were read, the folder itself first."""
    reason: str = ""
    """The system's words where the folder could not be read."""
    is_there: bool = True
    is_cut: bool = False
    """Whether there was more than is looked at."""


def scan_folder(folder: str, others: Iterable[str] = ()) -> FolderScan:
    """Return the models in `folder` and below, and of the files `others` those that are there; raises nothing.

    Slow on a slow disk: not for the thread that paints.
    """
    walk = _Walk()
    found = FolderScan(folder)
    try:
        walk.go(folder)
    except FileNotFoundError:
        found = replace(found, is_there=False)
    except (OSError, ValueError) as error:
        found = replace(found, reason=getattr(error, "strerror", None) or str(error))
    models = _joined(walk.files)
    is_cut = walk.is_cut or len(models) > MOST_MODELS
    models = models[:MOST_MODELS]
    known = {model.path for model in models}
    there, missing = _look_at(path for path in others if path not in known)
    return replace(found, models=(*models, *there), missing=tuple(missing), folders=tuple(walk.folders), is_cut=is_cut)


def is_below(path: str, folder: str) -> bool:
    """Return whether a scan of `folder` comes across `path`."""
    inner, outer = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    return inner.is_relative_to(outer) and len(inner.relative_to(outer).parts) <= MOST_DEPTH + 1


class _Walk:
    """One walk through a folder, in order of names, bounded."""

    def __init__(self) -> None:
        self.files: dict[str, os.stat_result] = {}
        self.folders: list[str] = []
        self.is_cut = False
        self._n_entries = 0
        self._seen: set[tuple[int, int]] = set()

    def go(self, folder: str) -> None:
        """Walk through `folder`.

        Raises:
            OSError: it cannot be read; what lies below and cannot be is left out.
        """
        self._enter(folder, MOST_DEPTH)

    def _enter(self, folder: str, depth: int) -> None:
        status = os.stat(folder)
        # A link may lead back up.
        if (status.st_dev, status.st_ino) in self._seen:
            return
        self._seen.add((status.st_dev, status.st_ino))
        inner = []
        for entry in self._entries(folder):
            try:
                if entry.is_dir():
                    inner.append(entry.path)
                elif is_model_name(entry.name) and stat.S_ISREG((file := entry.stat()).st_mode):
                    self.files[entry.path] = file
            except OSError:
                continue
        for path in inner:
            if depth == 0 or len(self.folders) >= MOST_FOLDERS or self._n_entries >= MOST_ENTRIES:
                self.is_cut = True
                return
            try:
                self._enter(path, depth - 1)
            except OSError:
                continue

    def _entries(self, folder: str) -> Iterator["os.DirEntry[str]"]:
        with os.scandir(folder) as entries:
            self.folders.append(folder)
            read = []
            for entry in entries:
                self._n_entries += 1
                if self._n_entries > MOST_ENTRIES:
                    self.is_cut = True
                    break
                if not entry.name.startswith("."):
                    read.append(entry)
        yield from sorted(read, key=lambda entry: entry.name.casefold())


def is_model_name(name: str) -> bool:
    """Return whether a file of that name is looked upon as a model."""
    folded = name.casefold()
    return folded.endswith(".gguf") and "mmproj" not in folded


def _joined(files: dict[str, os.stat_result]) -> list[FoundModel]:
    """Return the models of `files`, by path: parts are one model, named by the first that is there."""
    groups: dict[str, list[str]] = {}
    for path in sorted(files):
        match = _PART.search(path)
        key = path if match is None else f"{path[: match.start()]} of {match[2]}"
        groups.setdefault(key, []).append(path)
    models = [_model(group, [files[path] for path in group]) for group in groups.values()]
    return sorted(models, key=lambda model: (os.path.basename(model.path).casefold(), model.path))


def _model(paths: list[str], statuses: list[os.stat_result]) -> FoundModel:
    stamp = [number for status in statuses for number in (status.st_size, status.st_mtime_ns)]
    try:
        packed = os.stat(packed_path(paths[0]))
        stamp += [packed.st_size, packed.st_mtime_ns]
    except (OSError, ValueError):
        pass
    return FoundModel(paths[0], sum(status.st_size for status in statuses), len(paths), tuple(stamp))


def packed_path(model: str) -> str:
    """Return where the packed store of `model` lies: one for all its files."""
    return os.path.splitext(_PART.sub(".gguf", model))[0] + _PACKED


def first_file(path: str) -> str:
    """Return the first file of the model that `path` belongs to, where it is there; else `path`."""
    match = _PART.search(path)
    if match is None:
        return path
    first = f"{path[: match.start()]}-00001-of-{match[2]}.gguf"
    return first if os.path.exists(first) else path


def _look_at(paths: Iterable[str]) -> tuple[list[FoundModel], list[str]]:
    there, missing = [], []
    for path in paths:
        try:
            files = {part: os.stat(part) for part in _parts(path)}
        except (OSError, ValueError):
            missing.append(path)
            continue
        there.append(_model(list(files), list(files.values())))
    return there, missing


def _parts(path: str) -> list[str]:
    """Return the files of the model whose first file is `path`, as far as they are there."""
    match = _PART.search(path)
    if match is None:
        return [path]
    parts = (f"{path[: match.start()]}-{n:05}-of-{match[2]}.gguf" for n in range(1, min(int(match[2]), 999) + 1))
    return [path, *(part for part in parts if part != path and os.path.exists(part))]
