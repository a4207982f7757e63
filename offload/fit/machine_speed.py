"""`MachineSpeed`: how fast this machine reads experts and computes with weights, as it was measured."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from offload.fit.estimate import Estimate
from offload.gguf_types import GgmlType


class WeightForm(NamedTuple):
    """How weights are stored, on which their speed depends."""

    type: GgmlType
    interleaved: bool
    """Interleaved for the CPU's kernels, as in a packed store, where there is a kernel for that."""


@dataclass(frozen=True, slots=True)
class DiskPoint:
    """Bytes a second of all readers together, by reads of one size at random places."""

    request_bytes: int
    bytes_per_second: Estimate


@dataclass(frozen=True, slots=True)
class DiskSpeed:
    """The disk that experts are read from; `points` by rising size, at least one."""

    points: tuple[DiskPoint, ...]
    is_assumed: bool = False
    """It could not be measured: these are guesses."""

    def __post_init__(self) -> None:
        sizes = [point.request_bytes for point in self.points]
        if not sizes or sizes != sorted(set(sizes)) or any(point.bytes_per_second.low <= 0 for point in self.points):
            raise ValueError("a disk's speed needs points of rising sizes and speeds above zero")

    def at(self, request_bytes: int) -> Estimate:
        """Return the speed of reads of this size: between measured sizes, straight over the logarithm of the size."""
        points = self.points
        if request_bytes <= points[0].request_bytes:
            return points[0].bytes_per_second
        for before, after in pairwise(points):
            if request_bytes <= after.request_bytes:
                span = math.log(after.request_bytes / before.request_bytes)
                part = math.log(request_bytes / before.request_bytes) / span
                return before.bytes_per_second.toward(after.bytes_per_second, part)
        return points[-1].bytes_per_second


ASSUMED_DISK = DiskSpeed((DiskPoint(1 << 20, Estimate(150e6, 600e6, 2500e6)),), is_assumed=True)
"""Where nothing can be measured: from a slow SATA disk to an NVMe one."""


@dataclass(frozen=True, slots=True)
class MachineSpeed:
    """What a prediction needs to know of a machine."""

    disk: DiskSpeed
    step_seconds: Estimate
    """The least time any operation of a graph takes, with all threads meeting at its end."""
    weights: Mapping[WeightForm, Estimate] = field(default_factory=dict)
    """Bytes of weights a second that matrix-vector products get through, out of memory."""
    is_busy: bool = False
    """Others were computing while it was measured."""
