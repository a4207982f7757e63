"""`Download`: one model that a person wants from the hub, and how far it is; values only."""

from dataclasses import dataclass
from enum import Enum

from offload.protocol import PullPhase
from offload.protocol_errors import ErrorReport


class DownloadState(Enum):
    """What becomes of a download."""

    WAITING = "waiting"
    """For others before it."""
    RUNNING = "running"
    PAUSING = "pausing"
    """Was running, and is about to rest."""
    PAUSED = "paused"
    FAILED = "failed"
    """`refusal` says why."""
    DISCARDING = "discarding"
    """What has come is about to go."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Download:
    """One model on its way; what has come of it lies in `folder`, whatever becomes of this."""

    name: str
    """USER/REPO:QUANT, as it is pulled by."""
    folder: str
    """The folder of models it comes into."""
    title: str
    state: DownloadState = DownloadState.WAITING
    done_bytes: int = 0
    total_bytes: int = 0
    """0: not known yet."""
    phase: PullPhase = PullPhase.LOOKING
    bytes_per_second: float | None = None
    """None: not known yet."""
    refusal: ErrorReport | None = None
    path: str = ""
    """Of the first file, once it is there."""
    was_interrupted: bool = False
    """Whether the program ended in the middle of it, so that it rests without anybody having wanted that."""

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells it from all others: one model comes into one folder once."""
        return self.name.casefold(), self.folder

    @property
    def is_under_way(self) -> bool:
        """Return whether it runs, or will by itself."""
        return self.state in (DownloadState.WAITING, DownloadState.RUNNING, DownloadState.PAUSING)
