"""`memory_use`: a memory plan as the statistics tell it, beside what the process was measured to take."""

from offload.device_plan import DevicePlan
from offload.machine import ResidentMemory
from offload.memory_plan import MemoryPlan
from offload.stats import DeviceMemoryUse, MemoryUse


def memory_use(plan: MemoryPlan, resident: ResidentMemory, forecast_bytes: int) -> MemoryUse:
    """Return the parts of `plan`; `forecast_bytes` of its runtime are what forecasting takes."""
    return MemoryUse(
        budget_bytes=plan.budget_bytes,
        runtime_bytes=plan.runtime_bytes + plan.reading_bytes - forecast_bytes,
        dense_bytes=plan.dense_bytes,
        kv_bytes=plan.kv_bytes,
        compute_bytes=plan.compute_bytes,
        staging_bytes=plan.staging_bytes,
        slot_bytes=plan.slot_bytes,
        forecast_bytes=forecast_bytes,
        resident_bytes=resident.current_bytes,
        peak_bytes=resident.peak_bytes,
        host_bytes=plan.host_bytes,
        device=_of_device(plan.device) if plan.device is not None else None,
    )


def _of_device(plan: DevicePlan) -> DeviceMemoryUse:
    return DeviceMemoryUse(
        name=plan.name,
        budget_bytes=plan.budget_bytes,
        dense_bytes=plan.dense_bytes,
        kv_bytes=plan.kv_bytes,
        compute_bytes=plan.compute_bytes,
        staging_bytes=plan.staging_bytes,
        slot_bytes=plan.slot_bytes,
    )
