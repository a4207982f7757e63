"""`EngineNeeds`: what an engine of one model needs, measured once; from there a plan for any budget is arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from offload.bytesize import parse_memory
from offload.config import EngineConfig
from offload.demo_model import demo_model_path
from offload.errors import BudgetError, UsageError
from offload.experts.span_reader import bounce_bytes
from offload.experts.store import ExpertStore
from offload.forecast_state import load_state
from offload.forecast_wiring import LARGEST_SHARE, forecast_bytes
from offload.gguf_header import GgufHeader, read_gguf_header
from offload.llama.footprint import measure_footprint
from offload.llama.library import load
from offload.machine import backs_all_with_huge_pages, machine_memory, resident_memory
from offload.memory_plan import MemoryPlan, Needs, automatic_budget, make_plan, sequences_within
from offload.route_recorder import trace_header
from offload.routing.forecaster_file import State
from offload.routing.route_trace import TraceHeader
from offload.store_choice import choose_store

MARGIN_BYTES = 64 << 20
"""Added to what the process takes before a model is loaded: thread stacks, work buffers of two backends, the
allocator's slack."""
DEFAULT_N_CTX = 4096


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was learnt of a model before, and what forecasting with it takes."""

    trace_header: TraceHeader | None = None
    states: Mapping[str, State] = field(default_factory=dict)
    n_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SharedBudget:
    """One budget, shared out."""

    plan: MemoryPlan
    needs: Needs
    """Those the plan is made of: of all its sequences, forecasting counted as runtime."""
    forecast_bytes: int = 0
    """0: nothing is forecast."""
    learnt: Learnt | None = None
    """None where all experts fit, or forecasting is off: it was not asked for."""


class EngineNeeds:
    """A model that was looked at; no weights are loaded. For one thread."""

    def __init__(self, path: str | Path | None, config: EngineConfig, *, own_bytes: int | None = None) -> None:
        """Read the header, choose the store, and ask llama.cpp for the size of its caches and buffers.

        `own_bytes`: what the process will take once the model that is open now is closed; None: what it takes now.

        Raises as `engine.open_model` does, but for BudgetError.
        """
        _check(config)
        load()
        self.header: GgufHeader = read_gguf_header(demo_model_path() if path is None else path)
        self.store: ExpertStore | None = choose_store(self.header, config.store)
        self._config = config
        n_ctx = config.n_ctx or min(self.header.count("context_length") or DEFAULT_N_CTX, DEFAULT_N_CTX)
        n_ubatch = min(config.n_ubatch, n_ctx)
        footprint = measure_footprint(
            self.header.files[0],
            n_ctx=n_ctx,
            n_batch=max(config.n_batch, n_ubatch),
            n_ubatch=n_ubatch,
            n_outputs_max=n_outputs(config, n_ubatch),
        )
        now_bytes = resident_memory().current_bytes
        self.own_bytes = now_bytes if own_bytes is None else own_bytes
        self.budget_bytes = _budget(config.memory, now_bytes)
        """What the configuration asks for, and may be below the floor."""
        self.needs = Needs(
            runtime_bytes=self.own_bytes + MARGIN_BYTES,
            dense_bytes=self.header.dense_bytes if self.store is not None else self.header.total_bytes,
            kv_bytes=footprint.kv_bytes,
            compute_bytes=footprint.compute_bytes,
            reading_bytes=config.n_readers * bounce_bytes(self.store) if self.store is not None else 0,
            n_ctx=n_ctx,
            n_ubatch=n_ubatch,
            n_expert_used=self.header.n_expert_used,
            layers=self.store.layers if self.store is not None else {},
            huge_pages=backs_all_with_huge_pages(),
        )
        """Of one sequence, and without forecasting."""

    def share(self, budget_bytes: int, n_parallel: int = 1, *, fewer_parallel: bool = False) -> SharedBudget:
        """Share a budget out among `n_parallel` sequences, or fewer, and what forecasting takes where it is worth it.

        Raises:
            BudgetError: the budget is below the floor.
            ForecasterFileError: the file of what was learnt is named in the configuration, and of no use.
        """
        store_name = self.store.files[0].name if self.store is not None else ""
        if fewer_parallel or self.store is None:
            n_parallel = sequences_within(self.needs, budget_bytes, n_parallel)
        needs = self.needs.of_sequences(n_parallel)
        plan = make_plan(needs, budget_bytes, store_name)
        if not self._config.forecast or self.store is None or plan.holds_all:
            return SharedBudget(plan, needs)
        learnt = self._learnt
        if not 0 < learnt.n_bytes <= LARGEST_SHARE * plan.slot_bytes:
            return SharedBudget(plan, needs, learnt=learnt)
        with_forecasts = replace(needs, runtime_bytes=needs.runtime_bytes + learnt.n_bytes)
        try:
            plan = make_plan(with_forecasts, budget_bytes, store_name)
        except BudgetError:
            return SharedBudget(plan, needs, learnt=learnt)
        return SharedBudget(plan, with_forecasts, learnt.n_bytes, learnt)

    @cached_property
    def _learnt(self) -> Learnt:
        """What was learnt of the model: read once, where anything is paged at all."""
        assert self.store is not None, "a model with experts"
        traced = trace_header(self.header, self.store)
        states = load_state(traced, Path(self._config.forecaster) if self._config.forecaster else None)
        return Learnt(traced, states, forecast_bytes(self.header, self.store, states))


def n_outputs(config: EngineConfig, n_ubatch: int) -> int:
    """Return how many tokens of a batch may have logits."""
    return max(config.n_batch, n_ubatch) if config.prompt_outputs else 1


def _budget(memory: str | int, now_bytes: int) -> int:
    if isinstance(memory, int):
        return memory
    machine = machine_memory()
    if memory.strip().lower() == "auto":
        return automatic_budget(machine.total_bytes, machine.available_bytes, now_bytes)
    return parse_memory(memory, machine.total_bytes)


def _check(config: EngineConfig) -> None:
    for name, value, least in (
        ("n_ctx", config.n_ctx, 0),
        ("n_batch", config.n_batch, 1),
        ("n_ubatch", config.n_ubatch, 1),
        ("n_threads", config.n_threads, 0),
        ("n_readers", config.n_readers, 1),
    ):
        if value < least:
            raise UsageError(f"{name} is {value}.", hint=f"It must be at least {least}.")
