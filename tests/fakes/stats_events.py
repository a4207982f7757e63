"""Statistics as a worker sends them: of a model whose experts are paged, at one moment."""

from dataclasses import replace
from typing import Any

from offload.protocol import DeviceMemoryUse, MemoryUse, PagingUse, Speed, Stats, StatsEvent
from offload.stats import ForecastScore, ForecastUse

GB, MB = 1 << 30, 1 << 20

MEMORY = MemoryUse(
    budget_bytes=6 * GB,
    runtime_bytes=400 * MB,
    dense_bytes=GB,
    kv_bytes=500 * MB,
    compute_bytes=200 * MB,
    staging_bytes=300 * MB,
    slot_bytes=3 * GB,
    resident_bytes=5 * GB,
    peak_bytes=5 * GB + 512 * MB,
)
DEVICE = DeviceMemoryUse(
    "CUDA0",
    budget_bytes=6 * GB,
    dense_bytes=GB,
    kv_bytes=500 * MB,
    compute_bytes=200 * MB,
    staging_bytes=300 * MB,
    slot_bytes=3 * GB,
)
TIERED = replace(MEMORY, kv_bytes=0, staging_bytes=0, slot_bytes=0, host_bytes=4 * GB, device=DEVICE)
SCORES = (
    ForecastScore("gate ahead", 1, 0.75, None),
    ForecastScore("blend", 0, 0.5, None),
    ForecastScore("blend", 1, 0.875, 0.01),
)
FORECAST = ForecastUse(SCORES, useful_bytes=2 * MB, late_bytes=MB, wasted_bytes=MB, gain=1.25)
NO_MODEL = StatsEvent(1, loaded=False, stats=Stats())


def paged(
    *,
    hits: int = 0,
    misses: int = 0,
    bytes_read: int = 0,
    bytes_prefetched: int = 0,
    stall_seconds: float = 0.0,
    n_generated: int = 0,
    decode_seconds: float = 0.0,
    residency: tuple[str, ...] = (),
    forecast: ForecastUse | None = None,
    memory: MemoryUse = MEMORY,
) -> StatsEvent:
    """Return the statistics of a model of two paged layers with four experts each."""
    paging = PagingUse(
        n_layer=2,
        n_expert=4,
        n_slots=6,
        hits=hits,
        misses=misses,
        bytes_read=bytes_read,
        bytes_prefetched=bytes_prefetched,
        stall_seconds=stall_seconds,
    )
    first = 1.5 if n_generated else 0.0
    speed = Speed(n_generated=n_generated, decode_seconds=decode_seconds, first_token_seconds=first)
    return StatsEvent(1, True, Stats(memory, paging, speed, forecast), residency)


def tiered(**counts: Any) -> StatsEvent:
    """Return the statistics of that model on a device, with `counts` of its paging."""
    stats = paged(memory=TIERED).stats
    return StatsEvent(1, True, replace(stats, paging=replace(stats.paging, **counts)))


def dense() -> StatsEvent:
    """Return the statistics of a model without experts, before it has answered."""
    return StatsEvent(1, True, Stats(memory=replace(MEMORY, slot_bytes=0, staging_bytes=0)))
