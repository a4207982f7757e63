"""Stands in for what measures a machine: says what it is told, and remembers what it was asked."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Self

from offload.errors import ExpertReadError
from offload.experts.reader import Target
from offload.fit.estimate import Estimate
from offload.fit.machine_speed import DiskPoint, DiskSpeed, MachineSpeed, WeightForm
from offload.fit.measuring import DiskPlace
from offload.gguf_types import GgmlType

DISK = DiskSpeed((DiskPoint(1 << 20, Estimate(0.9e9, 1e9, 1.2e9)),))
STEP = Estimate(0.8e-6, 1e-6, 1.5e-6)
WEIGHTS = Estimate(18e9, 20e9, 22e9)
Q4 = WeightForm(GgmlType.Q4_K, interleaved=True)
F32 = WeightForm(GgmlType.F32, interleaved=False)
MACHINE = MachineSpeed(DISK, STEP, {Q4: WEIGHTS, F32: WEIGHTS})


class FakeMeasuring:
    """A machine whose disk may be broken, and on which others may be busy."""

    def __init__(self, *, others: float = 0.0, disk_error: Exception | None = None) -> None:
        self.others, self.disk_error = others, disk_error
        self.asked: list[str] = []
        self.places: list[DiskPlace] = []

    def disk(self, place: DiskPlace, n_readers: int) -> DiskSpeed:
        self.asked.append("disk")
        self.places.append(place)
        if self.disk_error is not None:
            raise self.disk_error
        return DISK

    def step(self, n_threads: int) -> Estimate:
        self.asked.append("step")
        return STEP

    def weights(self, form: WeightForm, n_threads: int, step_seconds: float) -> Estimate:
        self.asked.append(form.type.name)
        return WEIGHTS

    def others_share(self, over_seconds: float = 0.0) -> float:
        return self.others


class FakeClock:
    """Time that passes only where a fake lets it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TimedPasses:
    """Passes over weights that take a time that is given."""

    def __init__(self, n_bytes: int, n_steps: int, seconds: float, clock: FakeClock) -> None:
        self.n_bytes, self.n_steps = n_bytes, n_steps
        self._seconds, self._clock = seconds, clock
        self.n_passes = 0

    def seconds(self, clock: Callable[[], float] = ...) -> float:  # type: ignore[assignment]
        self.n_passes += 1
        self._clock.now += self._seconds
        return self._seconds

    def open(self, *_args: object, **_options: object) -> AbstractContextManager[Self]:
        return nullcontext(self)


class TimedReader:
    """A file that is read at a speed that is given, or not at all."""

    direct = True

    def __init__(self, clock: FakeClock, seconds_of: Callable[[int], float], *, fails: bool = False) -> None:
        self._clock, self._seconds_of, self._fails = clock, seconds_of, fails
        self.is_closed = False
        self.offsets: list[int] = []

    def __call__(self, path: Path, *, direct: bool) -> Self:
        return self

    def read(self, offset: int, targets: Sequence[Target]) -> None:
        if self._fails:
            raise ExpertReadError("the disk is broken.", file=Path("model"), offset=offset)
        (target,) = targets
        self.offsets.append(offset)
        self._clock.now += self._seconds_of(target.n_bytes)

    def close(self) -> None:
        self.is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
