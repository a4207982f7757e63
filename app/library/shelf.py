"""A shelved model: one model of the list, and all that is known of it; values only."""

from dataclasses import dataclass

from offload.protocol import ModelSummary, PlanOutline
from offload.protocol_errors import ErrorReport
from offload_app.model_folder import FoundModel

DEMO = ""
"""The key of the demo model; that of every other is the path of its first file."""


@dataclass(frozen=True, slots=True)
class ShelvedModel:
    """One model; neither `summary` nor `refusal`: it was not looked at yet."""

    key: str
    found: FoundModel | None = None
    """What lies on the disk; None: the demo model, or a file that is not there."""
    is_other: bool = False
    """Whether it lies outside the folder and was opened before."""
    summary: ModelSummary | None = None
    refusal: ErrorReport | None = None
    """Why the file could not be read."""
    seen_stamp: tuple[int, ...] | None = None
    """Stamp of the file that summary or refusal are of."""
    pack_fraction: float | None = None
    """How much is packed, of 1, while it is being packed."""
    pack_refusal: ErrorReport | None = None
    """Why the last packing failed."""

    @property
    def is_missing(self) -> bool:
        """Return whether the file is not there."""
        return self.found is None and self.key != DEMO

    @property
    def path(self) -> str:
        """Return the path of the first file; empty while that of the demo model is not known."""
        return self.key or (self.summary.path if self.summary is not None else "")

    @property
    def is_unseen(self) -> bool:
        """Return whether the file is to be looked at, for the first time or again."""
        return not self.is_missing and self.seen_stamp != (self.found.stamp if self.found is not None else ())


@dataclass(frozen=True, slots=True)
class Outlook:
    """The plans of one model at one context; neither `outline` nor `refusal`: they are being made."""

    key: str
    n_ctx: int
    """As asked; 0: automatic."""
    outline: PlanOutline | None = None
    refusal: ErrorReport | None = None
