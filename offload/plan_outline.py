"""`PlanOutline`: what each part of a model would take over a range of budgets."""

from dataclasses import dataclass

from offload.device_plan import DevicePlan


@dataclass(frozen=True, slots=True)
class PlanPoint:
    """The plan at one budget; all sizes in bytes."""

    budget_bytes: int
    runtime_bytes: int
    dense_bytes: int
    kv_bytes: int
    compute_bytes: int
    reading_bytes: int
    staging_bytes: int
    slot_bytes: int
    resident_share: float
    """Share of the routed experts that fit the slots, 0 to 1; 1.0 for dense models."""
    low_tokens_per_second: float = 0.0
    """The slow end of what is predicted for decoding; like the others 0 where nothing was."""
    tokens_per_second: float = 0.0
    """The most likely."""
    high_tokens_per_second: float = 0.0
    host_bytes: int = 0
    """Of the cache of experts behind a compute device's slots, where one computes: then all sizes are of the process's
    memory, and slots and staging are not in it."""


@dataclass(frozen=True, slots=True)
class PlanOutline:
    """Plans of one model and context at budgets from the floor to where every expert has a slot."""

    n_ctx: int
    n_ubatch: int
    """As configured: where experts have little room, batches are smaller."""
    floor_bytes: int
    whole_bytes: int
    """Least budget at which nothing is paged; the floor itself for a dense model."""
    budget_bytes: int
    """What the configuration's budget comes to on this machine now; below the floor, the model is refused."""
    total_memory_bytes: int
    """Of this machine, or of the container the process is in."""
    available_memory_bytes: int
    """Free now beside all that runs, this process and what it has open included."""
    points: tuple[PlanPoint, ...]
    """In rising budgets, evenly from the floor to the whole; a single one for a dense model. What forecasting takes
    counts as runtime, at the budgets at which it is worth it. None where the `device`'s budget is below its floor."""
    device: DevicePlan | None = None
    """What lies in a compute device's memory, the same at every budget of the process's; None: the CPU computes
    alone."""
