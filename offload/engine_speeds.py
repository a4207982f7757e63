"""`outline_speeds`: plans over budgets with the tokens a second that are predicted for each."""

from dataclasses import replace
from pathlib import Path

from offload.config import EngineConfig
from offload.engine_fit import predictor_for
from offload.engine_needs import EngineNeeds
from offload.engine_outline import check_points, outline_with_floors
from offload.fit.estimate import Estimate
from offload.fit.machine_probe import BUSY_SHARE, MachineProbe, kept_file
from offload.fit.measuring import DiskPlace, Measuring, RealMeasuring
from offload.plan_outline import PlanOutline, PlanPoint

_LOOK_SECONDS = 0.2
"""How long is looked whether the machine is idle."""


def outline_speeds(
    path: str | Path | None,
    config: EngineConfig,
    n_points: int,
    *,
    own_bytes: int | None = None,
    folder: Path | None = None,
    measuring: Measuring | None = None,
) -> tuple[Path, PlanOutline]:
    """Return as `outline_plans` does, with speeds; what was not measured of this machine is, some seconds long.

    `folder` is where the model will lie, where `path` is a header that stands for it; else it lies beside it.
    While others keep the machine busy, an answer perhaps, and nothing is known of it, nothing is measured or predicted;
    nor where a compute device is used: what is known of the CPU says nothing of that.

    Raises:
        OffloadError: as `outline_plans` does, or the computation cannot be measured.
    """
    check_points(n_points)
    measured = EngineNeeds(path, config, own_bytes=own_bytes)
    file, outline = measured.header.files[0], outline_with_floors(measured, n_points)
    if measured.device is not None:
        return file, outline
    measuring, kept = measuring or RealMeasuring(), kept_file()
    if not kept.read() and measuring.others_share(_LOOK_SECONDS) > BUSY_SHARE:
        return file, outline
    probe = MachineProbe(kept, measuring)
    disk = DiskPlace(folder) if folder is not None else None
    predictor = predictor_for(measured, config, probe, disk)
    points = tuple(_with_speed(point, predictor.at(point.resident_share).tokens_per_second) for point in outline.points)
    return file, replace(outline, points=points)


def _with_speed(point: PlanPoint, speed: Estimate) -> PlanPoint:
    return replace(
        point,
        low_tokens_per_second=speed.low,
        tokens_per_second=speed.middle,
        high_tokens_per_second=speed.high,
    )
