"""`ExpertStore`: where each expert's bytes lie, and how they are laid out in a slot.

A store answers, for a layer, which parts (gate, up, down) each of its experts has and how a slot must hold them, and
for one expert the span of file each part occupies. It opens no file and reads no byte of an expert: `reader` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple, Protocol

from offload.experts.key import ExpertKey

PAGE = 4096
"""Alignment in bytes of direct reads, slot regions and records."""


def page_floor(n_bytes: int) -> int:
    """Return the largest multiple of `PAGE` that is not above `n_bytes`."""
    return n_bytes - n_bytes % PAGE


def page_ceil(n_bytes: int) -> int:
    """Return the smallest multiple of `PAGE` that is not below `n_bytes`."""
    return -(-n_bytes // PAGE) * PAGE


class WeightKind(Enum):
    """Which of an expert's matrices; the value is the word in the tensor's name."""

    GATE = "gate"
    UP = "up"
    GATE_UP = "gate_up"
    DOWN = "down"


KIND_ORDER = tuple(WeightKind)
"""Order of the parts of one expert, in layouts and in records."""


class WeightLayout(Enum):
    """How a matrix is arranged in memory: rows as the GGUF has them, or interleaved for the CPU's kernels."""

    PLAIN = "plain"
    INTERLEAVED = "interleaved"


class Codec(Enum):
    """How a span is stored."""

    RAW = 0
    ZSTD = 1


@dataclass(frozen=True, slots=True)
class PartLayout:
    """One matrix of an expert, the same for all experts of a layer.

    `phase` is the part's file offset modulo `PAGE` where that is the same for every expert of the layer, else -1.
    A slot region starts at a page and holds the part at `start`, so that a direct read of the aligned range around
    the part lands in place.
    """

    kind: WeightKind
    n_bytes: int
    """Of one expert, as it lies in memory."""
    layout: WeightLayout
    phase: int

    @property
    def start(self) -> int:
        """Offset of the part in its slot region, in bytes."""
        return max(self.phase, 0)

    @property
    def region_bytes(self) -> int:
        """Length of the slot region: a multiple of `PAGE`."""
        return page_ceil(self.start + self.n_bytes)


@dataclass(frozen=True, slots=True)
class LayerLayout:
    """The experts of one layer; `parts` in `KIND_ORDER`."""

    layer: int
    n_expert: int
    parts: tuple[PartLayout, ...]

    @property
    def expert_bytes(self) -> int:
        """Weights of one expert, padding not counted."""
        return sum(part.n_bytes for part in self.parts)

    @property
    def slot_bytes(self) -> int:
        """Memory one expert takes in a slot, padding counted."""
        return sum(part.region_bytes for part in self.parts)


class Span(NamedTuple):
    """Where one part of one expert lies: `stored_bytes` at `offset` of `files[file_index]`, `n_bytes` once decoded."""

    file_index: int
    offset: int
    stored_bytes: int
    kind: WeightKind
    n_bytes: int
    codec: Codec


class ExpertStore(Protocol):
    """Where experts are. Immutable once open, so any thread may ask."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that spans point into."""
        ...

    @property
    def layers(self) -> Mapping[int, LayerLayout]:
        """The layers that have routed experts, by block number, ascending."""
        ...

    def spans(self, key: ExpertKey) -> tuple[Span, ...]:
        """Return the spans of one expert, in the order of its layer's parts. Raises KeyError for an unknown key."""
        ...
