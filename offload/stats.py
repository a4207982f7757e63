"""What a run reports of itself: frozen values, the same for the CLI, the application and the tests."""

from dataclasses import dataclass, field
from enum import IntEnum


class ResidentState(IntEnum):
    """State of one expert, for the heat map."""

    ABSENT = 0
    LOADING = 1
    READY = 2
    PINNED = 3
    """In use by the computation."""
    FORECAST_RIGHT = 4
    """Ready: it was forecast and read ahead, and has been used since."""
    FORECAST_WRONG = 5
    """Ready: it was forecast and read ahead for a token that did not use it, and has not been used since."""


@dataclass(frozen=True, slots=True)
class DeviceMemoryUse:
    """Bytes by part in a compute device's memory, against its budget; all of them planned, and taken as a whole."""

    name: str
    """Of the device, as ggml says."""
    budget_bytes: int = 0
    dense_bytes: int = 0
    kv_bytes: int = 0
    compute_bytes: int = 0
    staging_bytes: int = 0
    slot_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """What is taken."""
        return self.dense_bytes + self.kv_bytes + self.compute_bytes + self.staging_bytes + self.slot_bytes


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes by part against the budget; the parts are planned, `resident` and `peak` are measured of the process.

    With a compute device these are of the process's memory alone: slots and staging lie in the `device`'s.
    """

    budget_bytes: int = 0
    runtime_bytes: int = 0
    """Of the program itself, and of reading; without forecasting."""
    dense_bytes: int = 0
    kv_bytes: int = 0
    compute_bytes: int = 0
    staging_bytes: int = 0
    slot_bytes: int = 0
    forecast_bytes: int = 0
    """Of forecasting, at most."""
    resident_bytes: int = 0
    peak_bytes: int = 0
    host_bytes: int = 0
    """Of the cache of experts behind a device's slots."""
    device: DeviceMemoryUse | None = None
    """None: the CPU computes alone."""


@dataclass(frozen=True, slots=True)
class PagingUse:
    """What the pager did since it was opened. Hits and misses are of demand accesses in decode only."""

    n_layer: int = 0
    n_expert: int = 0
    n_slots: int = 0
    """Slots of all layers together."""
    hits: int = 0
    misses: int = 0
    bytes_read: int = 0
    bytes_prefetched: int = 0
    stall_seconds: float = 0.0
    """Time the compute waited for reads, decode."""
    staging_wait_seconds: float = 0.0
    """Time the compute waited for reads, prefill."""
    expert_compute_seconds: float = 0.0
    read_seconds: float = 0.0
    """Time readers spent reading, summed over the readers."""
    bytes_uploaded: int = 0
    """From the process's memory to a compute device's; this and what follows is 0 where none computes."""
    bytes_downloaded: int = 0
    """Back, of experts that leave their slot for the cache behind it."""
    host_hits: int = 0
    """Of parts of experts that were not in a slot: found in the cache."""
    host_misses: int = 0
    """Read from the disk."""
    cpu_rows: int = 0
    """Rows computed by the CPU, where the expert lay in its memory and not in the device's."""

    @property
    def hit_rate(self) -> float:
        """Share of demand accesses found in a slot; 1.0 when there were none."""
        total = self.hits + self.misses
        return self.hits / total if total else 1.0

    @property
    def host_hit_rate(self) -> float:
        """Share of what was not in a slot that was found in the cache behind them; 1.0 when there was nothing."""
        total = self.host_hits + self.host_misses
        return self.host_hits / total if total else 1.0

    @property
    def uses_device(self) -> bool:
        """Whether experts went to a compute device, or were computed beside one."""
        return bool(self.bytes_uploaded or self.host_hits or self.host_misses or self.cpu_rows)


@dataclass(frozen=True, slots=True)
class ForecastScore:
    """How well one forecaster forecast the routed experts, so many layers ahead."""

    name: str
    lead: int
    """Layers ahead; 0: before any layer of the token was computed."""
    recall: float
    """Share of the routed experts that were among as many of the likeliest."""
    calibration_error: float | None
    """How far probabilities were from what came true, on average; None where scores are no probabilities."""


@dataclass(frozen=True, slots=True)
class ForecastUse:
    """What forecasting did since the model was opened."""

    scores: tuple[ForecastScore, ...] = ()
    useful_bytes: int = 0
    """Of experts that were forecast and read ahead: there when they were demanded."""
    late_bytes: int = 0
    """Demanded while on their way."""
    wasted_bytes: int = 0
    """Evicted unused."""
    gain: float | None = None
    """How many times faster tokens were with forecasts than without; None before both were tried."""
    is_paying: bool = True
    """Whether forecasts are made; where they cost time they are switched off, and tried again now and then."""
    forecast_seconds: float = 0.0
    """Spent forecasting, nearly all of it while reads were waited for."""
    note: str = ""
    """Why a forecaster is missing; empty: none is."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Of the last generation."""

    n_prompt: int = 0
    """Prompt tokens computed (the part found in the context is not computed again)."""
    n_cached: int = 0
    """Prompt tokens found in the context."""
    n_generated: int = 0
    prompt_seconds: float = 0.0
    decode_seconds: float = 0.0
    first_token_seconds: float = 0.0
    """From the request to the first token."""

    @property
    def tokens_per_second(self) -> float:
        """Decoded tokens a second; 0.0 before there are any."""
        return self.n_generated / self.decode_seconds if self.decode_seconds else 0.0

    @property
    def prompt_tokens_per_second(self) -> float:
        """Prompt tokens computed a second; 0.0 before there are any."""
        return self.n_prompt / self.prompt_seconds if self.prompt_seconds else 0.0


@dataclass(frozen=True, slots=True)
class Stats:
    """Everything a run reports of itself at one moment."""

    memory: MemoryUse = field(default_factory=MemoryUse)
    paging: PagingUse = field(default_factory=PagingUse)
    speed: Speed = field(default_factory=Speed)
    forecast: ForecastUse | None = None
    """None where nothing is forecast: a dense model, or by choice."""
