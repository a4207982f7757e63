"""`EngineNeeds`: what an engine of one model needs, measured once; from there a plan for any budget is arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from offload.bytesize import parse_memory
from offload.config import EngineConfig, StoreChoice
from offload.demo_model import demo_model_path
from offload.device_budget import check_vram, device_budget
from offload.device_needs import DeviceNeeds, device_dense_bytes, input_bytes, least_host_bytes
from offload.device_share import (
    device_floor_bytes,
    host_floor_bytes,
    host_whole_bytes,
    make_device_plan,
    sequences_within_both,
)
from offload.errors import BudgetError, UsageError
from offload.experts.span_reader import bounce_bytes
from offload.experts.store import ExpertStore, WeightLayout
from offload.forecast_state import load_state
from offload.forecast_wiring import LARGEST_SHARE, forecast_bytes
from offload.ggml.devices import CPU, ComputeDevice, choose_device, list_devices
from offload.gguf_header import GgufHeader, read_gguf_header
from offload.llama.footprint import Footprint, FootprintDevice, measure_footprint
from offload.llama.library import load
from offload.machine import backs_all_with_huge_pages, machine_memory, resident_memory
from offload.memory_needs import Needs
from offload.memory_plan import MemoryPlan, automatic_budget, make_plan, sequences_within
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
    """One budget, shared out; with a compute device, that of its memory too."""

    plan: MemoryPlan
    needs: Needs
    """Those the plan is made of: of all its sequences, forecasting counted as runtime."""
    forecast_bytes: int = 0
    """0: nothing is forecast."""
    learnt: Learnt | None = None
    """None where all experts fit, or forecasting is off: it was not asked for."""
    device_needs: DeviceNeeds | None = None
    """As `needs`, of the device's memory; None where the CPU computes alone."""


class EngineNeeds:
    """A model that was looked at; no weights are loaded. For one thread."""

    def __init__(self, path: str | Path | None, config: EngineConfig, *, own_bytes: int | None = None) -> None:
        """Read the header, choose store and device, and ask llama.cpp for the size of its caches and buffers.

        `own_bytes`: what the process will take once the model that is open now is closed; None: what it takes now.

        Raises as `engine.open_model` does, but for BudgetError.
        """
        _check(config)
        load()
        self.header: GgufHeader = read_gguf_header(demo_model_path() if path is None else path)
        self._config = config
        self._own_bytes = own_bytes
        self._look(_device(config))
        if is_automatic(config.device) and is_automatic(config.vram) and not self.fits_device:
            self._look(None)

    def _look(self, device: ComputeDevice | None) -> None:
        """Find out what the model needs with that device; None: on the CPU alone."""
        config, header = self._config, self.header
        self.device = device
        """What computes; None: the CPU alone. Its memory is as it was when it was listed."""
        self.store: ExpertStore | None = _store(header, config, device)
        n_ctx = config.n_ctx or min(header.count("context_length") or DEFAULT_N_CTX, DEFAULT_N_CTX)
        n_ubatch = min(config.n_ubatch, n_ctx)
        footprint = measure_footprint(
            header.files[0],
            n_ctx=n_ctx,
            n_batch=max(config.n_batch, n_ubatch),
            n_ubatch=n_ubatch,
            n_outputs_max=n_outputs(config, n_ubatch),
            device=FootprintDevice(device.address, device.is_stand_in) if device is not None else None,
        )
        now_bytes = resident_memory().current_bytes
        self.own_bytes = now_bytes if self._own_bytes is None else self._own_bytes
        self.needs = Needs(
            runtime_bytes=self.own_bytes + MARGIN_BYTES,
            dense_bytes=self._dense_bytes if device is None else input_bytes(header),
            kv_bytes=footprint.kv_bytes,
            compute_bytes=footprint.compute_bytes,
            reading_bytes=config.n_readers * bounce_bytes(self.store) if self.store is not None else 0,
            n_ctx=n_ctx,
            n_ubatch=n_ubatch,
            n_expert_used=header.n_expert_used,
            layers=self.store.layers if self.store is not None else {},
            huge_pages=backs_all_with_huge_pages(),
        )
        """Of the process, of one sequence, and without forecasting."""
        self.device_needs = self._needs_of(device, footprint) if device is not None else None
        """Of the device's memory, of one sequence; None where the CPU computes alone."""
        self.budget_bytes, self.vram_bytes = _budgets(config, device, now_bytes)
        """What the configuration asks for, of the process's memory and of the device's; either may be below the
        floor."""

    @property
    def _dense_bytes(self) -> int:
        return self.header.dense_bytes if self.store is not None else self.header.total_bytes

    def _needs_of(self, device: ComputeDevice, footprint: Footprint) -> DeviceNeeds:
        return DeviceNeeds(
            device.name,
            device_dense_bytes(self.header, self._dense_bytes),
            footprint.device_kv_bytes,
            footprint.device_compute_bytes,
            least_host_bytes(self.needs.layers, self.header.n_expert_used, self._config.n_readers),
            device.most_bytes,
        )

    @property
    def fits_device(self) -> bool:
        """Whether the budget of the device's memory is at least its floor; where the CPU computes alone it is."""
        return self.vram_bytes >= self.device_floor_bytes

    @property
    def device_floor_bytes(self) -> int:
        """The least budget of the device's memory there is a plan for; 0 where the CPU computes alone."""
        return 0 if self.device_needs is None else device_floor_bytes(self.needs, self.device_needs)

    @property
    def floor_bytes(self) -> int:
        """The least budget of the process's memory there is a plan for."""
        return self.needs.floor_bytes if self.device_needs is None else host_floor_bytes(self.needs, self.device_needs)

    @property
    def whole_bytes(self) -> int:
        """The least budget at which no expert is read twice; the floor itself for a dense model."""
        return self.needs.whole_bytes if self.device_needs is None else host_whole_bytes(self.needs, self.device_needs)

    def share(self, budget_bytes: int, n_parallel: int = 1, *, fewer_parallel: bool = False) -> SharedBudget:
        """Share a budget out among `n_parallel` sequences, or fewer, and what forecasting takes where it is worth it.

        Raises:
            BudgetError: the budget is below the floor, or that of the device's memory is.
            ForecasterFileError: the file of what was learnt is named in the configuration, and of no use.
        """
        if fewer_parallel or self.store is None:
            n_parallel = self._sequences_within(budget_bytes, n_parallel)
        needs = self.needs.of_sequences(n_parallel)
        device_needs = self.device_needs.of_sequences(n_parallel) if self.device_needs is not None else None
        plan = self._plan(needs, device_needs, budget_bytes)
        if not self._config.forecast or self.store is None or plan.holds_all:
            return SharedBudget(plan, needs, device_needs=device_needs)
        learnt = self._learnt
        if not 0 < learnt.n_bytes <= LARGEST_SHARE * plan.expert_bytes:
            return SharedBudget(plan, needs, learnt=learnt, device_needs=device_needs)
        with_forecasts = replace(needs, runtime_bytes=needs.runtime_bytes + learnt.n_bytes)
        try:
            plan = self._plan(with_forecasts, device_needs, budget_bytes)
        except BudgetError:
            return SharedBudget(plan, needs, learnt=learnt, device_needs=device_needs)
        return SharedBudget(plan, with_forecasts, learnt.n_bytes, learnt, device_needs)

    def _plan(self, needs: Needs, device_needs: DeviceNeeds | None, budget_bytes: int) -> MemoryPlan:
        store_name = self.store.files[0].name if self.store is not None else ""
        if device_needs is None:
            return make_plan(needs, budget_bytes, store_name)
        return make_device_plan(needs, device_needs, budget_bytes, self.vram_bytes, store_name)

    def _sequences_within(self, budget_bytes: int, most: int) -> int:
        if self.device_needs is None:
            return sequences_within(self.needs, budget_bytes, most)
        return sequences_within_both(self.needs, self.device_needs, budget_bytes, self.vram_bytes, most)

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


def _device(config: EngineConfig) -> ComputeDevice | None:
    """Return what computes. Where that is the CPU by choice no GPU is asked: being asked takes memory."""
    return None if config.device.strip().lower() == CPU else choose_device(config.device, list_devices())


def _store(header: GgufHeader, config: EngineConfig, device: ComputeDevice | None) -> ExpertStore | None:
    """Return where experts are read from: with a device, in the layout that the file has."""
    store = choose_store(header, config.store)
    parts = (part for layout in (store.layers if store is not None else {}).values() for part in layout.parts)
    if device is not None and any(part.layout is not WeightLayout.PLAIN for part in parts):
        # Interleaved weights are for the CPU's kernels alone.
        return choose_store(header, StoreChoice.GGUF)
    return store


def _budgets(config: EngineConfig, device: ComputeDevice | None, now_bytes: int) -> tuple[int, int]:
    """Return the budgets of the process's memory, and of the device's: 0 where there is none."""
    memory_bytes = _budget(config.memory, now_bytes)
    if device is None:
        return memory_bytes, 0
    vram_bytes = device_budget(
        config.vram,
        total_bytes=device.total_bytes,
        free_bytes=device.free_bytes,
        process_bytes=memory_bytes if device.shares_memory else None,
    )
    if device.shares_memory and is_automatic(config.memory):
        memory_bytes -= vram_bytes  # both are taken of what is free of the one memory there is
    return memory_bytes, vram_bytes


def _budget(memory: str | int, now_bytes: int) -> int:
    if isinstance(memory, int):
        return memory
    machine = machine_memory()
    if is_automatic(memory):
        return automatic_budget(machine.total_bytes, machine.available_bytes, now_bytes)
    return parse_memory(memory, machine.total_bytes)


def is_automatic(choice: str | int) -> bool:
    """Say whether a value of the configuration leaves it to us."""
    return isinstance(choice, str) and choice.strip().lower() == "auto"


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
    check_vram(config.vram)
