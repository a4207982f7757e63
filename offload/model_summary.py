"""`ModelSummary`: what a model file says of itself, read from its header alone."""

from dataclasses import dataclass
from enum import Enum


class PackState(Enum):
    """What lies beside a model as its packed store."""

    NONE = "none"
    READY = "ready"
    STALE = "stale"
    """Made from another model or for another processor, or damaged: to be packed again."""
    DENSE = "dense"
    """The model has no experts to pack."""


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model; counts are zero where the header does not say."""

    path: str
    """Of the first file."""
    name: str
    """What the file calls itself; empty where it does not."""
    architecture: str
    quantization: str
    """As llama.cpp names file types: `Q4_K_M`; else the type most of the weights have."""
    n_files: int
    file_bytes: int
    """Of all files."""
    expert_bytes: int
    """Of all routed experts: what is paged, and about what a packed store takes at most; it adds a head and padding."""
    n_params: int
    n_layer: int
    n_expert: int
    n_expert_used: int
    context_length: int
    """Tokens the model was trained for."""
    pack_state: PackState
    packed_bytes: int = 0
    """Of the packed store beside it."""
