"""What the engine is made of: a model prepared (header read, store chosen, memory planned), and one opened."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from offload.bytesize import format_bytes
from offload.config import DirectIo, EngineConfig, OnMiss
from offload.device_needs import DeviceNeeds
from offload.device_share import make_device_plan
from offload.engine_needs import EngineNeeds, Learnt, n_outputs
from offload.errors import BudgetError, ForecasterFileError, UsageError
from offload.experts.disk_probe import probe_direct_io
from offload.experts.store import ExpertStore
from offload.forecast_wiring import ForecastWiring
from offload.ggml.devices import ComputeDevice
from offload.gguf_header import GgufHeader
from offload.llama.context import LlamaContext
from offload.llama.model import LlamaModel
from offload.machine import physical_cores, resident_memory
from offload.memory_needs import Needs
from offload.memory_plan import MemoryPlan, make_plan
from offload.miss_costs import uses_to_copy
from offload.paged_model import PagedModel, dense_overrides
from offload.routing.forecaster_file import State
from offload.routing.route_trace import TraceHeader
from offload.slot_home import DeviceShare


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model file that is known to fit the budget."""

    path: Path
    header: GgufHeader
    store: ExpertStore | None
    """Where experts are read from; None for a dense model."""
    needs: Needs
    plan: MemoryPlan
    n_threads: int
    own_bytes: int
    """What the process took before the model was loaded."""
    forecast_bytes: int = 0
    """What forecasting takes, which the plan counts as runtime; 0: nothing is forecast."""
    forecast_states: Mapping[str, State] = field(default_factory=dict)
    """What was learnt of the model before."""
    trace_header: TraceHeader | None = None
    """Of the model, where it was needed so far: its fingerprint reads the file."""
    device: ComputeDevice | None = None
    """What computes; None: the CPU alone."""
    device_needs: DeviceNeeds | None = None


class OpenedModel:
    """llama.cpp's model and contexts, paged where there are experts. Opened, used and closed by one thread."""

    def __init__(
        self,
        prepared: Prepared,
        config: EngineConfig,
        cancelled: Callable[[], bool],
        on_progress: Callable[[float], bool] | None,
    ) -> None:
        """Load weights and make the contexts. Raises as `engine.open_model` does."""
        plan, header = prepared.plan, prepared.header
        self.paged: PagedModel | None = None
        self.forecast: ForecastWiring | None = None
        if prepared.store is not None:
            share = _device_share(prepared, config)
            # Where the CPU computes rows, what the device holds depends on the routes alone, never on forecasts.
            if prepared.forecast_bytes and (share is None or share.on_cpu is None):
                self.forecast = _forecast(prepared, config)
            self.paged = PagedModel(
                header,
                prepared.store,
                capacity=plan.capacity,
                staged_capacity=plan.staged_capacity,
                n_readers=config.n_readers,
                direct_io=_reads_direct(config, prepared.store),
                cancelled=cancelled,
                on_progress=on_progress,
                device=share,
            )
            self.model = self.paged.model
        else:
            self.model = _dense_model(prepared, on_progress)
        try:
            self.contexts = [
                LlamaContext.open(
                    self.model,
                    n_ctx=plan.n_ctx,
                    n_batch=max(config.n_batch, plan.n_ubatch),
                    n_ubatch=plan.n_ubatch,
                    n_threads=prepared.n_threads,
                    n_outputs_max=n_outputs(config, plan.n_ubatch),
                    computes_all_outputs=config.prompt_outputs,
                )
                for _ in range(plan.n_parallel)
            ]
        except BaseException:
            self.close()
            raise
        self.plan = plan
        if self.paged is not None:
            for context in self.contexts:
                context.pending_error = self.paged.pending_error
            try:
                self.plan = fit_plan(prepared, resident_memory().current_bytes + prepared.forecast_bytes)
            except BaseException:
                self.close()
                raise
            self.paged.keep_in_ram(self.plan.host_bytes)
            self.paged.resize(self.plan.capacity, self.plan.staged_capacity)
            if self.forecast is not None:
                self.forecast.keeping.set_slots(self.plan.capacity)
                self.forecast.attach(self.paged, self.context)

    @property
    def context(self) -> LlamaContext:
        """The context of a single sequence."""
        return self.contexts[0]

    def close(self) -> None:
        """Free everything; harmless when called twice."""
        if self.paged is not None:
            self.paged.close()
        else:
            self.model.close()


def prepare(
    path: str | Path | None, config: EngineConfig, n_parallel: int = 1, *, fewer_parallel: bool = False
) -> Prepared:
    """Read the header, choose the store and plan the memory; loads no weights. Raises as `engine.open_model` does."""
    if n_parallel < 1:
        raise UsageError(f"n_parallel is {n_parallel}.", hint="At least one sequence runs at a time.")
    measured = EngineNeeds(path, config)
    shared = measured.share(measured.budget_bytes, n_parallel, fewer_parallel=fewer_parallel)
    learnt = shared.learnt or Learnt()
    return Prepared(
        path=measured.header.files[0],
        header=measured.header,
        store=measured.store,
        needs=shared.needs,
        plan=shared.plan,
        n_threads=config.n_threads or physical_cores(),
        own_bytes=measured.own_bytes,
        forecast_bytes=shared.forecast_bytes,
        forecast_states=learnt.states,
        trace_header=learnt.trace_header,
        device=measured.device,
        device_needs=shared.device_needs,
    )


def fit_plan(prepared: Prepared, loaded_bytes: int) -> MemoryPlan:
    """Return a plan that gives up slots for what the process, its experts not yet read, takes beyond the plan.

    Raises:
        BudgetError: batches of the size that llama.cpp was told no longer fit.
    """
    plan, device = prepared.plan, prepared.plan.device
    excess = loaded_bytes - (plan.runtime_bytes + plan.dense_bytes + plan.kv_bytes)
    if device is not None and prepared.device is not None and prepared.device.is_stand_in:
        excess -= device.total_bytes - device.compute_bytes  # its memory is ours too
    if excess <= 0:
        return plan
    needs = replace(prepared.needs, runtime_bytes=prepared.needs.runtime_bytes + excess)
    if device is not None and prepared.device_needs is not None:
        device_budget = device.budget_bytes
        return make_device_plan(needs, prepared.device_needs, plan.budget_bytes, device_budget, plan.store_name)
    fitted = make_plan(needs, plan.budget_bytes, plan.store_name)
    if fitted.n_ubatch < plan.n_ubatch:
        raise BudgetError(
            f"Once loaded, the model takes {format_bytes(excess)} more than planned: its batches no longer fit.",
            budget_bytes=plan.budget_bytes,
            floor_bytes=plan.total_bytes + excess,
            hint="Raise --memory a little, or lower -c (context) or -ub (batch).",
        )
    return fitted


def _dense_model(prepared: Prepared, on_progress: Callable[[float], bool] | None) -> LlamaModel:
    """Load a model without experts, on the device if there is one."""
    header, device = prepared.header, prepared.device
    if device is None or device.is_stand_in:
        return LlamaModel.open(header.files[0], overrides=dense_overrides(header), on_progress=on_progress)
    return LlamaModel.open(header.files[0], on_progress=on_progress, device=device.address)


def _device_share(prepared: Prepared, config: EngineConfig) -> DeviceShare | None:
    """Return what the model has of the device it is computed on; None: of none."""
    plan, device = prepared.plan, prepared.device
    if device is None or prepared.store is None:
        return None
    n_threads = prepared.n_threads
    on_cpu = None
    if config.on_miss is OnMiss.COMPUTE:
        on_cpu = math.inf
    elif config.on_miss is OnMiss.AUTO and not plan.holds_all:
        on_cpu = uses_to_copy(prepared.header, prepared.store, device.address, n_threads)
    return DeviceShare(
        address=device.address,
        stands_in=device.is_stand_in,
        capacity=plan.capacity,
        staged=plan.staged_capacity is not None,
        host_bytes=0,  # once it is known what loading took
        n_readers=config.n_readers,
        on_cpu=on_cpu,
        n_threads=n_threads,
    )


def _forecast(prepared: Prepared, config: EngineConfig) -> ForecastWiring:
    """Return the forecasters of a model, with what was learnt of it; our own file of that may be no use."""
    assert prepared.store is not None, "a model with experts"
    of_model = prepared.header, prepared.store, prepared.plan.capacity
    try:
        return ForecastWiring(*of_model, prepared.forecast_states)
    except (ValueError, KeyError) as error:
        if config.forecaster:
            message = f"What was learnt does not fit this model: {error}."
            raise ForecasterFileError(message, file=Path(config.forecaster), hint="Train again.") from error
        return ForecastWiring(*of_model)


def _reads_direct(config: EngineConfig, store: ExpertStore) -> bool:
    if config.direct_io is DirectIo.AUTO:
        return probe_direct_io(store.files[0]).direct
    return config.direct_io is DirectIo.ON
