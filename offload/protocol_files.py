"""The protocol's requests and events about model files: inspecting, planning, packing; none of them opens a model."""

from dataclasses import dataclass, field

from offload.config import EngineConfig
from offload.model_summary import ModelSummary
from offload.plan_outline import PlanOutline

# Requests


@dataclass(frozen=True, slots=True)
class Inspect:
    """Ask what a model file says of itself; nothing is loaded."""

    id: int
    model: str | None = None
    """Path of the GGUF; null: the demo model."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Ask what each part of a model would take at `n_points` budgets, 1 to 257; nothing is loaded.

    A model that is open stays open, and what it takes is not counted. A budget below the floor is no error here.
    """

    id: int
    model: str | None = None
    config: EngineConfig = field(default_factory=EngineConfig)
    n_points: int = 49
    with_speed: bool = False
    """Whether tokens a second are predicted; what was not measured yet of this machine then is, some seconds long."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Write the packed store beside a model; one that is there is replaced only with `force`, and by a whole one.

    The model may be open: it reads on as before, and the new store with its next load. On Windows nothing may be open
    where a store is replaced.
    """

    id: int
    model: str
    force: bool = False


# Events


@dataclass(frozen=True, slots=True)
class Inspected:
    """What the header of a model file says, and what lies beside it."""

    id: int
    model: ModelSummary


@dataclass(frozen=True, slots=True)
class Planned:
    """What each part of `model` (a path) would take."""

    id: int
    model: str
    outline: PlanOutline


@dataclass(frozen=True, slots=True)
class Packing:
    """How much of the model is packed: `fraction` of 1."""

    id: int
    fraction: float


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed store of `n_bytes` lies at `path`, whole."""

    id: int
    path: str
    n_bytes: int
