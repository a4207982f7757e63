"""`CatalogEntry` and `ModelOffer`: models that may be downloaded, as the catalogue and as the hub tell of them."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One model of the catalogue that travels with the program; nobody was asked for it."""

    title: str
    name: str
    """What it is pulled by: USER/REPO:QUANT."""
    size_bytes: int
    licence: str
    architecture: str
    n_expert: int
    n_expert_used: int
    total_params: int
    active_params: int
    """What one token is computed with."""
    is_exact: bool = False
    """Whether the size is that of the files, not one that was published and rounded."""
    source: str = ""
    """Where the numbers come from."""


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """One model as the hub has it now, and what of it is here already."""

    name: str
    """What it is pulled by: USER/REPO:QUANT."""
    repo: str
    revision: str
    """The commit."""
    n_files: int
    n_bytes: int
    there_bytes: int
    """Of it, what has come already."""
    free_bytes: int
    """Of the disk it will lie on."""
    path: str
    """Where its first file will be."""
    is_there: bool
    """Whether it is here as the hub has it, whole."""


class PullPhase(Enum):
    """What a download does."""

    LOOKING = "looking"
    """Asks the hub which files there are."""
    DOWNLOADING = "downloading"
    CHECKING = "checking"
    """Compares what has come with the hub's checksum."""
    WAITING = "waiting"
    """Will try again soon: the hub or the network does not do as it should."""
