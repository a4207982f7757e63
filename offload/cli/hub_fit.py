"""The fit card of a model that is still on the hub: its header is fetched, its weights are not."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from offload.cli.hub_model import FitCard as Lines
from offload.cli.terminal import Terminal
from offload.config import EngineConfig
from offload.errors import HubError, OffloadError
from offload.hub.client import HubClient
from offload.hub.remote_header import fetch_header
from offload.hub.repository import RemoteModel

if TYPE_CHECKING:
    from offload.engine_fit import FitCard


def remote_card(
    client: HubClient,
    model: RemoteModel,
    folder: Path,
    config: EngineConfig,
    terminal: Terminal,
    *,
    probe: bool = False,
) -> "FitCard":
    """Return the card of `model`, as it will be once it lies in `folder`; with `probe` the machine is measured again.

    Raises:
        HubError: the hub says no or cannot be reached.
        OffloadError: as `fit_model` raises.
    """
    from offload.engine_fit import fit_model

    with tempfile.TemporaryDirectory(prefix="offload-header-") as scratch:
        header = fetch_header(client, model, Path(scratch))
        told = told_once(terminal)
        return fit_model(header.path, config, probe_again=probe, on_measuring=told, folder=folder)


def card_before_download(folder: Path, config: EngineConfig, terminal: Terminal) -> Lines:
    """Return what says how a model would run here, or in a line why that cannot be told: that forbids no download.

    The hub's own refusal is raised, as the download would meet it too.
    """

    def lines(client: HubClient, model: RemoteModel) -> list[str]:
        try:
            return remote_card(client, model, folder, config, terminal).lines()
        except HubError:
            raise
        except OffloadError as error:
            return [f"How it will run here cannot be told: {error}"]

    return lines


def told_once(terminal: Terminal) -> Callable[[str], None]:
    """Return what says on the terminal what is being measured, each thing once."""
    told: set[str] = set()

    def tell(what: str) -> None:
        if what not in told:
            told.add(what)
            terminal.say(terminal.dim(f"measuring {what} ..."))

    return tell
