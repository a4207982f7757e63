"""`outline_plans` and `outline_of`: the plans of one model over a range of budgets."""

from pathlib import Path

from offload.config import EngineConfig
from offload.device_plan import DevicePlan
from offload.engine_needs import EngineNeeds
from offload.errors import UsageError
from offload.machine import machine_memory
from offload.memory_plan import MemoryPlan
from offload.plan_outline import PlanOutline, PlanPoint

MAX_POINTS = 257


def outline_plans(
    path: str | Path | None, config: EngineConfig, n_points: int, *, own_bytes: int | None = None
) -> tuple[Path, PlanOutline]:
    """Return the model's file, and its plans at `n_points` budgets from the floor to where nothing is paged.

    The plan of each budget is the one that `plan_model` makes of it. A configured budget below the floor is no error:
    the outline says what the floor is; where that of a device's memory is, it has no points. `own_bytes`: what the
    process takes without the model that is open now; None: none is open.

    Raises:
        UsageError: `n_points` is not from 1 to 257, or a value of `config` makes no sense.
        OffloadError: of the model, as `engine.open_model` does.
    """
    check_points(n_points)
    measured = EngineNeeds(path, config, own_bytes=own_bytes)
    return measured.header.files[0], outline_with_floors(measured, n_points)


def check_points(n_points: int) -> None:
    """Refuse a number of points that no outline has.

    Raises:
        UsageError: `n_points` is not from 1 to 257.
    """
    if not 1 <= n_points <= MAX_POINTS:
        raise UsageError(f"n_points is {n_points}.", hint=f"Ask for 1 to {MAX_POINTS} points.")


def outline_with_floors(measured: EngineNeeds, n_points: int) -> PlanOutline:
    """Return as `outline_of` does; without points where the budget of a device's memory is below its floor."""
    if measured.fits_device:
        return outline_of(measured, n_points)
    return _outline(measured, (), _device_without_slots(measured))


def outline_of(measured: EngineNeeds, n_points: int) -> PlanOutline:
    """Return the plans of a model that was looked at, at `n_points` budgets.

    Raises:
        OffloadError: of the model, as `engine.open_model` does.
    """
    plans = [measured.share(budget_bytes).plan for budget_bytes in _budgets(measured, n_points)]
    return _outline(measured, tuple(map(_point, plans)), plans[0].device)


def _outline(measured: EngineNeeds, points: tuple[PlanPoint, ...], device: DevicePlan | None) -> PlanOutline:
    needs, machine = measured.needs, machine_memory()
    return PlanOutline(
        n_ctx=needs.n_ctx,
        n_ubatch=needs.n_ubatch,
        floor_bytes=measured.floor_bytes,
        whole_bytes=measured.whole_bytes,
        budget_bytes=measured.budget_bytes,
        total_memory_bytes=machine.total_bytes,
        available_memory_bytes=machine.available_bytes,
        points=points,
        device=device,
    )


def _device_without_slots(measured: EngineNeeds) -> DevicePlan | None:
    needs = measured.device_needs
    if needs is None:
        return None
    return DevicePlan(
        name=needs.name,
        budget_bytes=measured.vram_bytes,
        floor_bytes=measured.device_floor_bytes,
        dense_bytes=needs.dense_bytes,
        kv_bytes=needs.kv_bytes,
        compute_bytes=needs.compute_bytes,
        staging_bytes=0,
        slot_bytes=0,
    )


def _budgets(measured: EngineNeeds, n_points: int) -> list[int]:
    """Return rising budgets, evenly from the floor to the whole; fewer where there are not so many between them."""
    first, span = measured.floor_bytes, measured.whole_bytes - measured.floor_bytes
    return sorted({first + span * index // max(1, n_points - 1) for index in range(n_points)})


def _point(plan: MemoryPlan) -> PlanPoint:
    return PlanPoint(
        budget_bytes=plan.budget_bytes,
        runtime_bytes=plan.runtime_bytes,
        dense_bytes=plan.dense_bytes,
        kv_bytes=plan.kv_bytes,
        compute_bytes=plan.compute_bytes,
        reading_bytes=plan.reading_bytes,
        staging_bytes=plan.staging_bytes,
        slot_bytes=plan.slot_bytes,
        resident_share=plan.resident_share,
        host_bytes=plan.host_bytes,
    )
