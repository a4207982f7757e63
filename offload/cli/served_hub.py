"""Models that are not here, for a worker: looked up on the hub, downloaded, and what has come of them removed."""

import time
from collections.abc import Callable
from pathlib import Path

from offload.cli.hub_access import open_hub
from offload.errors import CancelledError
from offload.hub.client import HubClient
from offload.hub.download import Download, Phase, Progress
from offload.hub.reference import DEFAULT_QUANT, HubReference
from offload.hub.repository import find_model
from offload.model_folder import EntryState, FolderEntry, list_folder
from offload.model_offer import ModelOffer, PullPhase
from offload.served import OnPull

_STEP_SECONDS = 0.1
"""How long a wait goes on at most after it was stopped."""


def find(name: str, models_folder: str, *, go_on: Callable[[], bool]) -> ModelOffer:
    """Return what the hub has by that name.

    Raises:
        CancelledError: `go_on` said no while the hub was waited for.
        OffloadError: as `HubReference.parse` and `find_model` raise.
    """
    client = open_hub_while(go_on)
    download = Download(client, find_model(client, HubReference.parse(name)), Path(models_folder))
    model = download.model
    return ModelOffer(
        f"{model.repo}:{model.quant}",
        model.repo,
        model.revision,
        len(model.files),
        model.n_bytes,
        download.place.there_bytes(),
        download.free_bytes(),
        str(download.place.path),
        download.already_there() is not None,
    )


def pull(name: str, models_folder: str, *, on_progress: OnPull) -> Path:
    """Download a model, going on from what there is, and return its first file.

    Raises:
        CancelledError: `on_progress` said so; what has come is kept.
        OffloadError: as `HubReference.parse`, `find_model` and `Download.run` raise.
    """
    far = (0, 0)

    def tell(progress: Progress) -> bool:
        nonlocal far
        if progress.phase is Phase.CHECKING:
            return on_progress(PullPhase.CHECKING, progress.checked_bytes, progress.file.n_bytes)
        far = progress.done_bytes, progress.total_bytes
        return on_progress(PullPhase.DOWNLOADING, *far)

    client = open_hub_while(lambda: on_progress(PullPhase.WAITING, *far))
    download = Download(client, find_model(client, HubReference.parse(name)), Path(models_folder))
    far = download.place.there_bytes(), download.model.n_bytes
    return download.run(tell, lambda words: None).path


def discard(name: str, models_folder: str) -> int:
    """Remove what has come of a model that is not whole, and return how many bytes that were.

    Raises:
        OffloadError: it cannot be removed, or is being downloaded.
    """
    from offload.model_removal import Removal, plan_removal, remove

    reference = HubReference.parse(name)
    folder = list_folder(Path(models_folder))
    left = [
        entry
        for entry in folder.entries
        if entry.state in (EntryState.UNFINISHED, EntryState.DAMAGED) and entry.repo == reference.repo
    ]
    meant = [entry for entry in left if _is_meant(entry, reference)] or (left if reference.quant is None else [])
    files = [file for entry in meant for file in plan_removal(entry, folder).files]
    removal = Removal(tuple(dict.fromkeys(files)))
    remove(removal, folder.path)
    return removal.freed_bytes


def _is_meant(entry: FolderEntry, reference: HubReference) -> bool:
    return entry.quant.casefold() == (reference.quant or DEFAULT_QUANT).casefold()


def open_hub_while(go_on: Callable[[], bool]) -> HubClient:
    """Return who asks the hub as long as `go_on` says so: a no is heard within a fraction of a second of any wait.

    Raises:
        UsageError: huggingface-hub is not installed.
    """

    def look() -> None:
        if not go_on():
            raise CancelledError("Stopped: what has come is kept.")

    def wait(seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            look()
            time.sleep(min(_STEP_SECONDS, left))

    return open_hub(wait, look)
