"""`Measuring`: how the parts of a machine are measured, and how busy others keep it meanwhile."""

import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import psutil

from offload.fit.compute_speed import measure_step, measure_weights
from offload.fit.disk_speed import measure_disk, readable_file
from offload.fit.estimate import Estimate
from offload.fit.machine_speed import DiskSpeed, WeightForm

_MOVED_BYTES = 256 << 20
"""By all together, below which disks are idle."""


@dataclass(frozen=True, slots=True)
class DiskPlace:
    """Where experts are, or will be, read from."""

    folder: Path
    files: tuple[Path, ...] = ()
    """That may be read to measure: the model's own, the one that is read first."""


class Uses(NamedTuple):
    """Processor seconds, and bytes that disks read and wrote, of all processes and of this one, so far."""

    seconds: float
    """On the clock."""
    busy_seconds: float
    own_seconds: float
    moved_bytes: float = 0.0
    own_moved_bytes: float = 0.0


def others_share(before: Uses, now: Uses, n_cores: int) -> float:
    """Return the share that others had, 0 to 1: of all cores, or of what disks moved, whichever is more."""
    wall = now.seconds - before.seconds
    busy = now.busy_seconds - before.busy_seconds - (now.own_seconds - before.own_seconds)
    moved = now.moved_bytes - before.moved_bytes
    of_others = moved - (now.own_moved_bytes - before.own_moved_bytes)
    of_cores = busy / (n_cores * wall) if wall > 0 else 0.0
    of_disks = of_others / moved if moved > _MOVED_BYTES else 0.0
    return min(1.0, max(0.0, of_cores, of_disks))


class Measuring(Protocol):
    """How the parts of a machine are measured; all may raise OffloadError or OSError."""

    def disk(self, place: DiskPlace, n_readers: int) -> DiskSpeed:
        """Measure a disk."""

    def step(self, n_threads: int) -> Estimate:
        """Measure what an operation takes at least, in seconds."""

    def weights(self, form: WeightForm, n_threads: int, step_seconds: float) -> Estimate:
        """Measure bytes of weights a second."""

    def others_share(self, over_seconds: float = 0.0) -> float:
        """Return the share of cores or disks that others had since the last call, or in so many seconds from now on."""


class RealMeasuring:
    """Measures this machine. For one thread."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._last = self._uses()

    def disk(self, place: DiskPlace, n_readers: int) -> DiskSpeed:
        """Read the model, or a file written for it."""
        with readable_file(place.folder, place.files) as file:
            return measure_disk(file, n_readers=n_readers)

    def step(self, n_threads: int) -> Estimate:
        """Compute a graph of next to nothing."""
        return measure_step(n_threads)

    def weights(self, form: WeightForm, n_threads: int, step_seconds: float) -> Estimate:
        """Multiply with weights out of memory."""
        return measure_weights(form, n_threads, step_seconds)

    def others_share(self, over_seconds: float = 0.0) -> float:
        """Compare what all processes and this one used."""
        if over_seconds:
            self._last = self._uses()
            time.sleep(over_seconds)
        before, self._last = self._last, self._uses()
        return others_share(before, self._last, psutil.cpu_count() or 1)

    def _uses(self) -> Uses:
        of_all, own = psutil.cpu_times(), self._process.cpu_times()
        busy = of_all.user + of_all.system + getattr(of_all, "nice", 0.0)
        uses = Uses(time.monotonic(), busy, own.user + own.system)
        if sys.platform == "linux":  # elsewhere a process's count is of files and pipes, or there is none
            with suppress(OSError, RuntimeError, psutil.Error):
                disks, of_process = psutil.disk_io_counters(), self._process.io_counters()
                if disks is not None:
                    moved, own_moved = (count.read_bytes + count.write_bytes for count in (disks, of_process))
                    uses = uses._replace(moved_bytes=moved, own_moved_bytes=own_moved)
        return uses
