"""`ModelFolder`: what lies in the folder of models, and the names by which a person calls it.

    MODELS/USER/REPO/FILE.gguf          a model of the hub; USER/REPO may be any two folders
    MODELS/FILE.gguf                    a model that was put there
    MODELS/USER/REPO/FILE.gguf.damaged  came with a wrong checksum
    MODELS/USER/REPO/.partial/FILE.gguf.ID.part   what has come of a file so far

Only names and lengths are looked at, no model is opened. Links to folders are not followed.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from offload.demo_model import demo_file_name, demo_model_path
from offload.errors import ModelNotFoundError, UsageError
from offload.hub.choice import models_among
from offload.hub.reference import DEFAULT_QUANT

DEMO = "demo"
"""The name of the model that travels with the program."""
LOCAL = "local"
"""The folder of imported models, in the place of a user of the hub."""
PARTIAL_FOLDER = ".partial"

_DAMAGED = ".damaged"
_SUFFIX = ".gguf"
_PARTIAL = re.compile(r"(?P<name>.+\.gguf)\.[0-9a-z-]+\.(?:part|checked)", re.IGNORECASE | re.DOTALL)
_DEMO_FILE = re.compile(r"offload-demo-[0-9a-f]+\.gguf")
_PART_OR_SUFFIX = re.compile(r"(?:-[0-9]{5}-of-[0-9]{5})?\.gguf\Z", re.IGNORECASE)
_DEEPEST = 4
_SHORTEST_PART = 3
_SHOWN = 8


class EntryState(Enum):
    """How far a model in the folder is."""

    WHOLE = "whole"
    INCOMPLETE = "incomplete"
    """Parts of a split model are missing."""
    UNFINISHED = "unfinished"
    """A download that was stopped."""
    DAMAGED = "damaged"
    """It came with a wrong checksum, and was put aside."""


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """One model in the folder, whole or not; `path` is its first file, `n_bytes` are those of all files."""

    name: str
    """What it is called: unique among the models of the folder."""
    state: EntryState
    path: Path
    files: tuple[Path, ...]
    n_bytes: int
    n_parts: int
    quant: str
    """As the file's name says it; the name itself where it does not."""
    repo: str | None = None
    """USER/REPO; None for a file that lies elsewhere."""

    @property
    def file_name(self) -> str:
        """The name of the first file as it is, or will be, when the model is whole."""
        partial = _PARTIAL.fullmatch(self.path.name)
        return partial["name"] if partial else self.path.name.removesuffix(_DAMAGED)

    @property
    def stem(self) -> str:
        """The file's name without suffix and part number: that of all files of the model."""
        return _PART_OR_SUFFIX.sub("", self.file_name)


@dataclass(frozen=True, slots=True)
class UnreadableFolder:
    """A folder inside that the system does not list, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The folder's models in the order of their names, and what could not be looked into."""

    path: Path
    entries: tuple[FolderEntry, ...]
    unreadable: tuple[UnreadableFolder, ...] = ()

    @property
    def models(self) -> tuple[FolderEntry, ...]:
        """The models all of whose files are there."""
        return tuple(entry for entry in self.entries if entry.state is EntryState.WHOLE)


def list_folder(path: Path) -> ModelFolder:
    """Look at what lies in the folder `path`; a folder that is missing has nothing in it."""
    unreadable: list[UnreadableFolder] = []

    def on_error(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            unreadable.append(UnreadableFolder(Path(error.filename), error.strerror or str(error)))

    found = [entry for folder, names in _folders(path, on_error) for entry in _entries(path, folder, names)]
    entries = sorted(_with_unique_names(found), key=lambda entry: (entry.name.lower(), entry.state.value))
    return ModelFolder(path, tuple(entries), tuple(unreadable))


def find_model(name: str, folder: Path) -> Path:
    """Return the file that a person calls `name`: that of this path, or the first of the model that `find_entry` finds.

    Raises:
        ModelNotFoundError: there is none.
        UsageError: several are meant; lists them.
    """
    path = Path(name).expanduser()
    if _answers(path.is_file):
        return path
    if name == DEMO:
        return demo_model_path()
    try:
        return find_entry(name, list_folder(folder)).path
    except ModelNotFoundError:
        if _answers(path.exists):
            # A folder or a device: whoever opens it says so.
            return path
        raise


def find_entry(name: str, folder: ModelFolder) -> FolderEntry:
    """Return the model of the folder that is called `name`, in letters of any case.

    A name is, in this order: the one it is listed by or that of its file; USER/REPO or USER/REPO:QUANT; a part of one
    of the first two, of three letters at least. Of several quantizations of a repository the default one is meant.

    Raises:
        ModelNotFoundError: there is none.
        UsageError: several are meant; lists them.
    """
    wanted = name.lower()
    for fits in (_is_name, _is_of_repo, _holds):
        found = [entry for entry in folder.entries if fits(entry, wanted)]
        whole = [entry for entry in found if entry.state is EntryState.WHOLE]
        found = whole or found
        if len(found) > 1 and fits is _is_of_repo:
            found = [entry for entry in found if entry.quant == DEFAULT_QUANT] or found
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(_printable(entry.name) for entry in found[:_SHOWN])
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            raise UsageError(f"{name!r} could be {names}{more}.", hint="Write more of its name.")
    raise ModelNotFoundError(
        f"There is no model {name!r}, neither as a file nor in {folder.path}.",
        path=name,
        hint="`offload ls` lists the models that are here, `offload pull USER/REPO` gets one.",
    )


def is_older_demo(entry: FolderEntry) -> bool:
    """Return whether it is the demo model of another release, which is not the one that `DEMO` names."""
    return entry.repo is None and _DEMO_FILE.fullmatch(entry.file_name) is not None and not _is_demo(entry.file_name)


def _is_demo(file_name: str) -> bool:
    try:
        return _DEMO_FILE.fullmatch(file_name) is not None and file_name == demo_file_name()
    except ModelNotFoundError:
        return False


def _printable(name: str) -> str:
    return name if name.isprintable() else ascii(name)


def _is_name(entry: FolderEntry, wanted: str) -> bool:
    return wanted in (entry.name.lower(), entry.file_name.lower(), entry.file_name.lower().removesuffix(_SUFFIX))


def _is_of_repo(entry: FolderEntry, wanted: str) -> bool:
    if entry.repo is None:
        return False
    repo, _, quant = wanted.partition(":")
    return entry.repo.lower() == repo and (not quant or entry.quant.lower() == quant)


def _holds(entry: FolderEntry, wanted: str) -> bool:
    if len(wanted) < _SHORTEST_PART or wanted.endswith(_SUFFIX) or Path(wanted).is_absolute():
        return False
    return wanted in entry.name.lower() or wanted in entry.file_name.lower().removesuffix(_SUFFIX)


def _folders(path: Path, on_error: Callable[[OSError], None]) -> Iterator[tuple[Path, list[str]]]:
    """Yield the folders that may hold models, with the names of their files."""
    for folder, below, names in os.walk(path, onerror=on_error):
        here = Path(folder)
        depth = len(here.relative_to(path).parts)
        below[:] = sorted(
            name for name in below if depth < _DEEPEST and (name == PARTIAL_FOLDER or not name.startswith("."))
        )
        yield here, sorted(names)


def _entries(root: Path, folder: Path, names: list[str]) -> Iterator[FolderEntry]:
    """Yield the models of one folder, named by their repository or their first file."""
    is_partial = folder.name == PARTIAL_FOLDER
    place = folder.parent if is_partial else folder
    parts = place.relative_to(root).parts
    repo = "/".join(parts[:2]) if len(parts) >= 2 else None
    if is_partial:
        unfinished = {match["name"]: name for name in names if (match := _PARTIAL.fullmatch(name))}
        yield from _models(folder, unfinished, repo, EntryState.UNFINISHED)
        return
    whole = {name: name for name in names if not name.startswith(".")}
    damaged = {name.removesuffix(_DAMAGED): name for name in whole if name.endswith(_DAMAGED)}
    yield from _models(folder, whole, repo, EntryState.WHOLE)
    yield from _models(folder, damaged, repo, EntryState.DAMAGED)


def _models(folder: Path, names: dict[str, str], repo: str | None, state: EntryState) -> Iterator[FolderEntry]:
    """Yield the models among `names`: what a file is called when it is whole, to what it is called now."""
    for model in models_among(names):
        files = tuple(folder / names[name] for name in model.paths)
        lengths = [length for length in map(_length, files) if length is not None]
        if len(lengths) < len(files):
            continue
        missing = state is EntryState.WHOLE and len(files) < model.n_parts
        yield FolderEntry(
            name=_name(folder, repo, model.stem, model.quant),
            state=EntryState.INCOMPLETE if missing else state,
            path=files[0],
            files=files,
            n_bytes=sum(lengths),
            n_parts=model.n_parts,
            quant=model.quant,
            repo=repo,
        )


def _name(folder: Path, repo: str | None, stem: str, quant: str) -> str:
    if repo is None:
        return DEMO if _is_demo(stem + _SUFFIX) else stem
    if repo.rpartition("/")[2] == stem:
        return repo
    return f"{repo}:{quant}" if quant != stem else f"{repo}/{stem}"


def _with_unique_names(entries: Iterable[FolderEntry]) -> Iterator[FolderEntry]:
    """Yield the models, those that share a name by their repository and file, or at last by their path."""
    found = list(entries)
    for longer in (lambda entry: f"{entry.repo}/{entry.file_name}" if entry.repo else entry.file_name, _path_of):
        count = Counter(entry.name.lower() for entry in found if entry.state is EntryState.WHOLE)
        found = [replace(entry, name=longer(entry)) if count[entry.name.lower()] > 1 else entry for entry in found]
    yield from found


def _path_of(entry: FolderEntry) -> str:
    return str(entry.path)


def _length(path: Path) -> int | None:
    """Return the bytes of a file; 0 for a link that leads nowhere, None for what is gone or no file."""
    try:
        return path.stat().st_size if not path.is_dir() else None
    except OSError:
        return 0 if path.is_symlink() else None


def _answers(question: Callable[[], bool]) -> bool:
    """Return what `question` about a path answers; no of a path that no system can have."""
    try:
        return question()
    except (OSError, ValueError):
        return False
