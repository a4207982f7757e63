"""A model of the hub for a command: what is there already, or downloaded after a question, with progress.

The token is HF_TOKEN's, the hub HF_ENDPOINT's, if they are set.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from offload.bytesize import format_bytes
from offload.cli.assent import ask
from offload.cli.hub_access import open_hub
from offload.cli.models_folder import models_folder
from offload.cli.terminal import Terminal
from offload.cli.transfer_rate import TransferRate, shown_time
from offload.errors import CancelledError, ModelNotFoundError, UsageError
from offload.hub.client import HubClient
from offload.hub.download import Download, Downloaded, Phase, Progress
from offload.hub.local import find_local
from offload.hub.origin import read_origin
from offload.hub.reference import HubReference
from offload.hub.repository import RemoteModel, find_model

FitCard = Callable[[HubClient, RemoteModel], Sequence[str]]
"""Returns lines that say how a model would run here; they are shown before the question."""

_SHOWN_FILES = 12
_REDRAW_SECONDS = 0.1


def model_file(args: argparse.Namespace, terminal: Terminal, fit_card: FitCard | None = None) -> str | None:
    """Return the model that -m or -hf name; None where neither does.

    What -hf names is taken from the models folder without asking anybody, or else downloaded.

    Raises:
        UsageError: both are given.
        OffloadError: as `obtain` raises.
    """
    model: str | None = args.model
    if args.hf_repo is None:
        if args.hf_file or args.hf_revision:
            raise UsageError("--hf-file and --hf-revision are of a repository.", hint="Name it with -hf.")
        return model
    if model is not None:
        raise UsageError("Two models are named, by -m and by -hf.", hint="Leave out one.")
    reference = HubReference.parse(args.hf_repo, revision=args.hf_revision, file=args.hf_file)
    there = find_local(models_folder(args), reference)
    return str(there if there is not None else obtain(reference, args, terminal, fit_card).path)


def obtain(
    reference: HubReference, args: argparse.Namespace, terminal: Terminal, fit_card: FitCard | None = None
) -> Downloaded:
    """Return the model, after a download where it is not there as the hub has it. `args` are of `add_download`.

    Raises:
        ModelNotFoundError: --offline, and it is not there.
        CancelledError: the answer was no, or Ctrl-C; what has come is kept.
        OffloadError: as `find_model` and `Download.run` raise.
    """
    folder = models_folder(args)
    if args.offline:
        return _offline(folder, reference)
    client = hub_client(terminal)
    download = Download(client, find_model(client, reference), folder)
    there = download.already_there()
    if there is not None:
        terminal.say(f"{there.path} is there already, as the hub has it.")
        # Only its commit or branch may be another one by now.
        return there if download.is_up_to_date(there) else download.run(_progress(terminal), terminal.say)
    _announce(download, terminal)
    download.check_room()
    if not args.yes:
        _ask(download, client, terminal, fit_card)
    try:
        downloaded = download.run(_progress(terminal), terminal.say)
    except KeyboardInterrupt:
        # A download may end anywhere: not to wait for a network that stalls is no loss.
        raise download.stopped() from None
    terminal.clear_progress()
    return downloaded


def _ask(download: Download, client: HubClient, terminal: Terminal, fit_card: FitCard | None) -> None:
    """Ask whether to download, where there is somebody to ask, who is then told how the model would run."""
    missing = download.place.missing_bytes()
    if not missing or not terminal.can_ask:
        return
    if fit_card is not None:
        for line in fit_card(client, download.model):
            terminal.say(line)
    if not ask(terminal, f"Download {format_bytes(missing)} to {download.place.folder}?", default=True):
        raise CancelledError("Nothing was downloaded.")


def _offline(folder: Path, reference: HubReference) -> Downloaded:
    path = find_local(folder, reference)
    origin = read_origin(path) if path is not None else None
    if path is None or origin is None:
        raise ModelNotFoundError(
            f"{reference} is not in {folder}, and --offline forbids to ask the hub.",
            path=folder / reference.repo,
            hint="Leave out --offline to download it.",
        )
    return Downloaded(path, origin, 0)


def hub_client(terminal: Terminal) -> HubClient:
    """Return the client of the hub that the environment names; waiting is told on the terminal."""

    def wait(seconds: float) -> None:
        terminal.say(f"The hub does not answer as it should: trying again in {seconds:.0f} s.")
        time.sleep(seconds)

    return open_hub(wait)


def _announce(download: Download, terminal: Terminal) -> None:
    """Say what will be downloaded, file by file, and what is there of it."""
    model = download.model
    terminal.say(f"{model.repo} {model.quant} at {model.revision[:12]}: {format_bytes(model.n_bytes)}")
    if len(model.files) > 1:
        for file in model.files[:_SHOWN_FILES]:
            terminal.say(terminal.dim(f"  {file.path}  {format_bytes(file.n_bytes)}"))
        if len(model.files) > _SHOWN_FILES:
            terminal.say(terminal.dim(f"  and {len(model.files) - _SHOWN_FILES} more"))
    there_bytes = download.place.there_bytes()
    if there_bytes:
        terminal.say(f"{format_bytes(there_bytes)} of it are there: the download goes on from them.")
    free, folder = format_bytes(download.free_bytes()), download.place.folder
    terminal.say(f"Needed: {format_bytes(download.place.missing_bytes())}; free on the disk of {folder}: {free}.")


def _progress(terminal: Terminal) -> Callable[[Progress], bool]:
    rate = TransferRate()
    drawn = float("-inf")

    def on_progress(progress: Progress) -> bool:
        nonlocal drawn
        now = time.monotonic()
        if now - drawn >= _REDRAW_SECONDS:
            drawn = now
            _draw(terminal, rate, now, progress)
        return True

    return on_progress


def _draw(terminal: Terminal, rate: TransferRate, now: float, progress: Progress) -> None:
    if progress.phase is Phase.CHECKING:
        terminal.progress(f"checking {progress.file.name}", progress.checked_bytes / progress.file.n_bytes)
        return
    rate.note(now, progress.done_bytes)
    speed, left = rate.bytes_per_second, rate.seconds_left(progress.total_bytes)
    label = f"{format_bytes(progress.done_bytes)} of {format_bytes(progress.total_bytes)}"
    label += f", {format_bytes(int(speed))}/s" if speed is not None else ""
    label += f", {shown_time(left)} left" if left is not None else ""
    terminal.progress(label, progress.done_bytes / progress.total_bytes)
