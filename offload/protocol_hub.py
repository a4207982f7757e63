"""The protocol's requests and events about models that are not here yet: catalogue, looking up, downloading.

`models_folder` is the folder of models, an absolute path; `name` is what a person types: USER/REPO or USER/REPO:QUANT.
"""

from dataclasses import dataclass

from offload.model_offer import CatalogEntry, ModelOffer, PullPhase

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
