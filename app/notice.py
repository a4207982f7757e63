"""A notice: one thing that a person is told above the chat, and what can be done about it; values only."""

from dataclasses import dataclass
from enum import Enum


class Subject(Enum):
    """What a notice is about: a new one takes the place of the old one of its subject."""

    WORKER = "worker"
    MODEL = "model"
    PATIENCE = "patience"
    """The worker does not answer."""
    STORE = "store"
    SETTINGS = "settings"
    DOWNLOAD = "download"
    """A model that is got."""
    DEFECT = "defect"


class Weight(Enum):
    """How much a notice matters."""

    NEWS = "news"
    WARNING = "warning"
    ERROR = "error"


class Choice(Enum):
    """What a person may do about it."""

    LOAD = "load"
    CANCEL = "cancel"
    RESTART = "restart"
    SMALLER_BUDGET = "smaller_budget"
    LOAD_ANYWAY = "load_anyway"
    USE_DEMO = "use_demo"
    CHOOSE_FILE = "choose_file"
    END_WORKER = "end_worker"
    DISMISS = "dismiss"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that a person is told."""

    subject: Subject
    weight: Weight
    text: str
    choices: tuple[Choice, ...] = (Choice.DISMISS,)
    """The first is what most people want."""
    fraction: float | None = None
    """Of 1, where the notice is about something that goes on."""
    details: str = ""
    """For a report: copied by a button."""
