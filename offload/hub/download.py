"""Downloads: a remote model into the models folder, whole and checked, or not at all.

    MODELS/USER/REPO/FILE.gguf                  a model that is there is whole
    MODELS/USER/REPO/FILE.gguf.origin.json      where it came from; written last
    MODELS/USER/REPO/FILE.gguf.damaged          came with another checksum than the hub's
    MODELS/USER/REPO/.partial/FILE.gguf.ID.part     what has come of a file so far (ID: of its bytes)
    MODELS/USER/REPO/.partial/FILE.gguf.ID.checked  all of it, compared with the hub's checksum
    MODELS/USER/REPO/.partial/lock              of the process that downloads

A file is missing, then partial, then checked, then there. Each step is one rename; a process that is killed leaves the
step before, and the next download goes on from it. Tests: tests/offload/hub/test_download_*.py.

1. No file has its name before its bytes have the hub's checksum (`test_wrong_bytes_never_get_the_name`).
2. What has come is not asked for again, but for bytes of another identity (`test_goes_on_from_what_there_is`,
   `test_a_file_that_changed_upstream_is_started_over`).
3. All files are of one commit, and the first gets its name last (`test_the_first_part_gets_its_name_last`).
4. A model of ours is replaced only by a whole one, a file of others never (`test_a_file_of_others_is_left_alone`).
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from offload.bytesize import format_bytes
from offload.errors import NO_ROOM, CancelledError, DiskFullError, ModelFileError, OffloadError, UsageError
from offload.hub.client import HubClient
from offload.hub.folder_lock import FolderLock
from offload.hub.model_place import ModelPlace, length_of
from offload.hub.origin import Origin, OriginFile, origin_path, write_origin
from offload.hub.repository import RemoteFile, RemoteModel
from offload.hub.transfer import transfer
from offload.machine import free_disk_bytes

_PIECE_BYTES = 1 << 20
_SPARE_BYTES = 64 << 20
"""Left free on the disk: other programs write too."""


class Phase(Enum):
    """What is being done with a file."""

    DOWNLOADING = "downloading"
    CHECKING = "checking"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is; the bytes are those of all files of the model, and what was there before counts as done.

    `checked_bytes` of `file` are compared while it is checked.
    """

    phase: Phase
    file: RemoteFile
    done_bytes: int
    total_bytes: int
    checked_bytes: int = 0


OnProgress = Callable[[Progress], bool]
"""Told after every piece and while none comes, in the thread that downloads; returns whether to go on."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A model that is there: its first file, where it came from, and how many bytes came this time."""

    path: Path
    origin: Origin
    fetched_bytes: int


class Download:
    """One model on its way into `models_folder`. For one thread; other processes are kept out while it runs."""

    def __init__(self, client: HubClient, model: RemoteModel, models_folder: Path) -> None:
        self.model = model
        self.place = ModelPlace(model, models_folder)
        self._client = client
        self._fetched_bytes = 0

    def already_there(self) -> Downloaded | None:
        """Return the model if it is there with the hub's checksums, by its origin and the lengths of its files."""
        origin = self.place.origin_if_there()
        return None if origin is None else Downloaded(self.place.path, origin, 0)

    def is_up_to_date(self, there: Downloaded) -> bool:
        """Return whether what is there is noted as of the commit and revision that were asked for."""
        asked = (self.model.revision, self.model.asked_revision)
        return (there.origin.revision, there.origin.asked_revision) == asked

    def free_bytes(self) -> int:
        """Return the bytes free where the model goes."""
        return free_disk_bytes(self.place.folder)

    def check_room(self) -> None:
        """Refuse a download that the disk has no room for; what is there of it already counts.

        Raises:
            DiskFullError: says both numbers and the folder.
        """
        missing, free_bytes = self.place.missing_bytes(), self.free_bytes()
        if missing and free_bytes < missing + _SPARE_BYTES:
            raise self._full(missing, free_bytes, f"but {self.place.folder} has {format_bytes(free_bytes)} free")

    def stopped(self) -> CancelledError:
        """Return what is said to who stopped it."""
        kept, total = format_bytes(self.place.there_bytes()), format_bytes(self.model.n_bytes)
        return CancelledError(f"Stopped: {kept} of {total} are kept.", hint="The same command goes on from there.")

    def run(self, on_progress: OnProgress, say: Callable[[str], None]) -> Downloaded:
        """Bring all files here, check them and give them their names; `say` gets what a person should know.

        A model that is there already costs nothing, and is noted as of the commit that was asked for.

        Raises:
            HubError: of the transfer; what has come is kept.
            ModelFileError: a file came with another checksum; it is kept as FILE.damaged.
            DiskFullError: the disk became full; what has come is kept.
            CancelledError: `on_progress` said so; what has come is kept.
            UsageError: a file of others has the name.
            OffloadError: another process downloads into the folder, or it cannot be written to.
        """
        try:
            with FolderLock(self.place.partial):
                there = self.already_there()
                if there is None:
                    self.check_room()
                    self._refuse_files_of_others()
                    for file in self.model.files:
                        self._bring(file, on_progress, say)
                # Also where all is there: then it is of this commit too.
                downloaded = self._put_in_place()
            with suppress(OSError):
                self.place.partial.rmdir()
            return downloaded
        except OSError as error:
            raise self._failed(error) from error

    def _refuse_files_of_others(self) -> None:
        for file in self.model.files:
            length = length_of(self.place.target(file))
            ours = self.place.known(file) is not None or self.place.is_checked(file)
            if length >= 0 and length != file.n_bytes and not ours:
                raise self._other(file, f"{length} bytes long, the hub's {file.n_bytes}")

    def _bring(self, file: RemoteFile, on_progress: OnProgress, say: Callable[[str], None]) -> None:
        """Take one file as far as it can be without having all others."""
        if self.place.is_checked(file) or self._is_there(file, on_progress):
            return
        self._remove_outdated(file, say)
        self._fetch(file, on_progress)
        if file.sha256 is None:
            say(f"{file.name} is not checked: the hub gives no checksum.")
        else:
            self._check(file, on_progress)
        os.replace(self.place.part(file), self.place.checked(file))

    def _is_there(self, file: RemoteFile, on_progress: OnProgress) -> bool:
        """Return whether the file has its name and its bytes, which are read where no origin speaks for them."""
        if not self.place.is_in_place(file):
            return False
        if self.place.known(file) is not None or file.sha256 is None:
            return True
        found = self._sum_of(self.place.target(file), file, on_progress)
        if found != file.sha256:
            raise self._other(file, f"of SHA-256 {found}, the hub's {file.sha256}")
        return True

    def _fetch(self, file: RemoteFile, on_progress: OnProgress) -> None:
        others_bytes = sum(self.place.there_bytes(other) for other in self.model.files if other != file)
        last: int | None = None

        def on_length(length: int) -> None:
            nonlocal last
            self._fetched_bytes += max(length - last, 0) if last is not None else 0
            last = length
            self._report(Progress(Phase.DOWNLOADING, file, others_bytes + length, self.model.n_bytes), on_progress)

        transfer(self._client, file, self.place.part(file), on_length)

    def _check(self, file: RemoteFile, on_progress: OnProgress) -> None:
        found = self._sum_of(self.place.part(file), file, on_progress)
        if found == file.sha256:
            return
        damaged = self.place.damaged(file)
        os.replace(self.place.part(file), damaged)
        raise ModelFileError(
            f"What came of {file.name} has the SHA-256 {found}, the hub's is {file.sha256}.",
            file=damaged,
            hint="Pull it again: it starts anew. The damaged file is kept to be looked at; delete it when you like.",
        )

    def _sum_of(self, path: Path, file: RemoteFile, on_progress: OnProgress) -> str:
        digest, checked_bytes = hashlib.sha256(), 0
        buffer = bytearray(_PIECE_BYTES)
        there_bytes = self.place.there_bytes()
        with path.open("rb", buffering=0) as opened:
            while count := opened.readinto(buffer):
                digest.update(memoryview(buffer)[:count])
                checked_bytes += count
                progress = Progress(Phase.CHECKING, file, there_bytes, self.model.n_bytes, checked_bytes)
                self._report(progress, on_progress)
        return digest.hexdigest()

    def _report(self, progress: Progress, on_progress: OnProgress) -> None:
        if not on_progress(progress):
            raise self.stopped()

    def _remove_outdated(self, file: RemoteFile, say: Callable[[str], None]) -> None:
        """Remove what came of other bytes of that name."""
        for other in sorted(self.place.partial.iterdir()):
            begins, ends = other.name.startswith(f"{file.name}."), other.suffix in (".part", ".checked")
            if begins and ends and other not in (self.place.part(file), self.place.checked(file)):
                say(f"{file.name} has changed on the hub: it is started over.")
                other.unlink()

    def _put_in_place(self) -> Downloaded:
        """Give the files their names, the first one last, and keep the origin."""
        model, place = self.model, self.place
        waiting = [file for file in model.files if place.is_checked(file)]
        if waiting:
            # No origin may speak for a model while it is half the old one.
            origin_path(place.path).unlink(missing_ok=True)
        for file in reversed(waiting):
            os.replace(place.checked(file), place.target(file))
        files = tuple(OriginFile(file.path, file.n_bytes, file.sha256) for file in model.files)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        origin = Origin(model.repo, model.revision, model.asked_revision, model.quant, files, now)
        write_origin(place.path, origin)
        return Downloaded(place.path, origin, self._fetched_bytes)

    def _other(self, file: RemoteFile, what: str) -> UsageError:
        return UsageError(
            f"{self.place.target(file)} is there already and not the hub's: it is {what}.",
            hint="Rename or remove it, then pull again.",
        )

    def _full(self, missing: int, free_bytes: int, why: str) -> DiskFullError:
        return DiskFullError(
            f"{self.model.repo} needs {format_bytes(missing)} more, {why}.",
            folder=self.place.folder,
            needed_bytes=missing,
            free_bytes=free_bytes,
            hint="Make room, or choose another disk with --models-dir; what has come is kept.",
        )

    def _failed(self, error: OSError) -> OffloadError:
        if error.errno in NO_ROOM:
            free_bytes = self.free_bytes()
            why = (
                f"but no more can be written to {self.place.folder}: {error.strerror}, {format_bytes(free_bytes)} free"
            )
            return self._full(self.place.missing_bytes(), free_bytes, why)
        return OffloadError(
            f"{error.filename or self.place.folder} cannot be written: {error.strerror or error}.",
            hint="Choose a folder that can be written to with --models-dir.",
        )
