"""What a trace holds: which experts each token was routed to, in every layer, as the model computed."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1
"""In `RouteStep.routes`: not computed in this layer; the last one computes only the last token of a prompt."""


class Phase(Enum):
    """What a step was for."""

    PREFILL = "prefill"
    DECODE = "decode"


@dataclass(frozen=True, slots=True)
class TraceHeader:
    """What all steps of a trace have in common."""

    model_name: str
    architecture: str
    fingerprint: str
    """Of the model file the routes are of; empty where it is not known."""
    layers: tuple[int, ...]
    """Block numbers of the layers that have routed experts, ascending."""
    n_expert: int
    n_expert_used: int
    expert_bytes: tuple[int, ...]
    """Stored bytes of one expert, by layer in the order of `layers`."""
    n_embd: int = 0
    """Width of the router inputs that are recorded; 0: none are."""
    has_weights: bool = True
    """Whether gate weights are recorded."""


@dataclass(frozen=True, slots=True)
class RouteStep:
    """One batch that was computed at once: a piece of a prompt, or one decoded token."""

    sequence: int
    """Which conversation it belongs to, counted from 0."""
    phase: Phase
    tokens: NDArray[np.int32]
    """Token ids [n_tokens]; -1 where they are not known."""
    routes: NDArray[np.int16]
    """Experts [n_layer, n_tokens, n_expert_used], the one the router prefers first, or `UNKNOWN`."""
    weights: NDArray[np.float16] | None = None
    """Gate weights [n_layer, n_tokens, n_expert_used]."""
    inputs: NDArray[np.float16] | None = None
    """Router inputs [n_layer, n_tokens, n_embd]."""


class RouteTrace(Protocol):
    """A trace that can be read, from its beginning, as often as is wanted."""

    @property
    def header(self) -> TraceHeader:
        """What all steps have in common."""
        ...

    def steps(self) -> Iterator[RouteStep]:
        """Yield the steps in the order they were computed."""
        ...
