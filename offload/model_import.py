"""Imports: a model that lies elsewhere, into the folder of models, whole or not at all.

    MODELS/local/NAME/FILE.gguf           the model; NAME is its file's without suffix and part number
    MODELS/local/.NAME.importing/files/   where its files are put together; one rename makes it the model's folder
    MODELS/local/.NAME.importing/lock     of the process that imports

What a killed import leaves is removed by the next one of that name.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from offload.bytesize import format_bytes
from offload.errors import NO_ROOM, CancelledError, DiskFullError, OffloadError, UsageError
from offload.gguf_header import read_gguf_header
from offload.hub.choice import models_among
from offload.hub.folder_lock import FolderLock
from offload.machine import free_disk_bytes
from offload.model_folder import LOCAL

_PIECE_BYTES = 1 << 20
_SPARE_BYTES = 64 << 20

OnProgress = Callable[[int, int], bool]
"""Told the bytes that are done and all of them; returns whether to go on."""


class ImportWay(Enum):
    """How a file comes into the folder."""

    LINK = "link"
    """A second name for the same bytes; from another disk a symbolic link."""
    COPY = "copy"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Import:
    """What an import does: `files` of a checked model go to `folder`."""

    files: tuple[Path, ...]
    folder: Path
    n_bytes: int
    same_disk: bool
    """Whether a file can have a second name there."""

    @property
    def target(self) -> Path:
        """The first file, where it will be."""
        return self.folder / self.files[0].name


def plan_import(source: Path, models_folder: Path) -> Import:
    """Read the header of the model that `source` belongs to, and say where it would go.

    Raises:
        ModelNotFoundError: there is no such file, or a part of the model is missing.
        ModelFileError: it is no GGUF model, or its tensors do not lie inside its files.
        UsageError: the file, or another model of that name, is in the folder already.
    """
    header = read_gguf_header(source)
    files = tuple(Path(os.path.abspath(file)) for file in header.files)
    (model,) = models_among([files[0].name]) or (None,)
    if model is None or model.stem.startswith("."):
        raise UsageError(
            f"{files[0].name} is not named like a model.", hint="A name ends in .gguf and begins with no dot."
        )
    if models_folder.absolute() in files[0].parents:
        raise UsageError(f"{files[0]} is in the models folder already.", hint="`offload ls` says what it is called.")
    folder = models_folder / LOCAL / model.stem
    if os.path.lexists(folder):
        raise UsageError(
            f"There is already a model {LOCAL}/{model.stem}: {folder}.",
            hint="Remove it with `offload rm`, or rename the file that you import.",
        )
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    n_bytes = sum(file.stat().st_size for file in files)
    same_disk = all(file.resolve().stat().st_dev == existing.stat().st_dev for file in files)
    return Import(files, folder, n_bytes, same_disk)


def run_import(plan: Import, way: ImportWay, on_progress: OnProgress) -> None:
    """Bring the files there. Left by an error or stopped, nothing is there and the files are where they were.

    Raises:
        DiskFullError: no room for a copy; says both numbers.
        CancelledError: `on_progress` said so.
        OffloadError: another process imports a model of that name, or the folder cannot be written to.
    """
    copies = way is ImportWay.COPY or (way is ImportWay.MOVE and not plan.same_disk)
    draft = plan.folder.with_name(f".{plan.folder.name}.importing")
    try:
        with FolderLock(draft):
            files = draft / "files"
            shutil.rmtree(files, ignore_errors=True)
            files.mkdir()
            try:
                if copies:
                    _check_room(plan)
                    _copy(plan, files, on_progress)
                else:
                    _link(plan, files)
                os.rename(files, plan.folder)
            except BaseException:
                shutil.rmtree(files, ignore_errors=True)
                raise
    except OSError as error:
        raise _failed(error, plan) from error
    finally:
        with suppress(OSError):
            draft.rmdir()
    if way is ImportWay.MOVE:
        for file in plan.files:
            file.unlink(missing_ok=True)


def _link(plan: Import, folder: Path) -> None:
    for file in plan.files:
        if plan.same_disk:
            os.link(file.resolve(), folder / file.name)
        else:
            os.symlink(file, folder / file.name)


def _copy(plan: Import, folder: Path, on_progress: OnProgress) -> None:
    done_bytes, buffer = 0, bytearray(_PIECE_BYTES)
    for file in plan.files:
        with file.open("rb", buffering=0) as source, (folder / file.name).open("xb", buffering=0) as target:
            while count := source.readinto(buffer):
                rest = memoryview(buffer)[:count]
                while rest:
                    rest = rest[target.write(rest) :]
                done_bytes += count
                if not on_progress(done_bytes, plan.n_bytes):
                    raise CancelledError("The import was stopped; nothing was changed.")
            os.fsync(target.fileno())
    if done_bytes != plan.n_bytes:
        raise OffloadError(
            f"The model had {plan.n_bytes} bytes, but {done_bytes} were copied: nothing was changed.",
            hint="Is it still being written? Import it once it is whole.",
        )


def _check_room(plan: Import) -> None:
    free_bytes = free_disk_bytes(plan.folder)
    if free_bytes < plan.n_bytes + _SPARE_BYTES:
        raise _full(plan, free_bytes)


def _full(plan: Import, free_bytes: int) -> DiskFullError:
    return DiskFullError(
        f"A copy needs {format_bytes(plan.n_bytes)}, but {plan.folder.parent} has {format_bytes(free_bytes)} free.",
        folder=plan.folder.parent,
        needed_bytes=plan.n_bytes,
        free_bytes=free_bytes,
        hint="Make room, choose another disk with --models-dir, or leave the file where it is with --link.",
    )


def _failed(error: OSError, plan: Import) -> OffloadError:
    if error.errno in NO_ROOM:
        return _full(plan, free_disk_bytes(plan.folder))
    return OffloadError(
        f"{error.filename or plan.folder} cannot be imported: {error.strerror or error}.",
        hint="Try --copy, or choose a folder that can be written to with --models-dir.",
    )
