"""The protocol's requests and events about models that are not here yet: catalogue, looking up, planning, downloading.

`models_folder` is the folder of models, an absolute path; `name` is what a person types: USER/REPO or USER/REPO:QUANT.
"""

from dataclasses import dataclass, field

from offload.config import EngineConfig
from offload.model_offer import CatalogEntry, ModelOffer, PullPhase
from offload.model_summary import ModelSummary
from offload.plan_outline import PlanOutline

# Requests


@dataclass(frozen=True, slots=True)
class CatalogRequest:
    """Ask for the catalogue that travels with the program; nothing is asked of the network."""

    id: int


@dataclass(frozen=True, slots=True)
class Find:
    """Ask the hub for a model, and how much of it is in `models_folder` already."""

    id: int
    name: str
    models_folder: str


@dataclass(frozen=True, slots=True)
class Pull:
    """Download a model into `models_folder`, going on from what there is; a stop keeps what has come."""

    id: int
    name: str
    models_folder: str


@dataclass(frozen=True, slots=True)
class Discard:
    """Remove what has come of a download that is not wanted any more; a whole model stays."""

    id: int
    name: str
    models_folder: str


@dataclass(frozen=True, slots=True)
class Fit:
    """Ask how a model of the hub will run here, from `models_folder`; of it the header alone is downloaded.

    Plans as a `plan` with speeds does, at `n_points` budgets, 1 to 257. Asked again with another `config`, the header
    is still there, as long as no other model was asked about.
    """

    id: int
    name: str
    models_folder: str
    config: EngineConfig = field(default_factory=EngineConfig)
    n_points: int = 49


# Events


@dataclass(frozen=True, slots=True)
class CatalogEvent:
    """The catalogue, the smallest model first."""

    id: int
    entries: tuple[CatalogEntry, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What the hub has."""

    id: int
    model: ModelOffer


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the header of a model on the hub says, with the path its first file will have, and its plans here."""

    id: int
    model: ModelSummary
    outline: PlanOutline


@dataclass(frozen=True, slots=True)
class Pulling:
    """How far a download is, ten times a second at most; while it looks both numbers are 0, and while it checks the
    bytes are those of one file.
    """

    id: int
    phase: PullPhase
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model lies at `path` (its first file), whole and checked."""

    id: int
    path: str


@dataclass(frozen=True, slots=True)
class Discarded:
    """What had come is gone."""

    id: int
    freed_bytes: int
