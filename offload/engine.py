"""The composition root: opens a model within a memory budget and generates with it.

    file ── header ── store ── plan ── paged model ── context ── generator

Thread rule: one thread opens, generates and closes, and a batch has threads of its own meanwhile; `stop`, `stats` and
`residency` are for any thread.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from offload.batch import BatchJob, BatchRun
from offload.config import (
    BatchAnswer,
    BatchPrompt,
    EngineConfig,
    FinishReason,
    GenerationParams,
    Message,
    Token,
)
from offload.device_needs import DeviceNeeds
from offload.engine_devices import listed_devices
from offload.engine_outline import outline_plans
from offload.engine_parts import OpenedModel, Prepared, prepare
from offload.errors import OffloadError, UsageError
from offload.experts.fingerprint import source_files
from offload.experts.pressure import Elastic, ElasticSlots, ElasticTier, PressureWatch
from offload.fit.machine_key import machine_name
from offload.fit.measured import LEAST_TOKENS, keep_run, measured_file, run_of
from offload.forecast_state import save_state
from offload.generation import Generator
from offload.gguf_title import model_title
from offload.inspection import inspect_model, quantization
from offload.llama.chat import render
from offload.lockstep import Lockstep
from offload.machine import resident_memory
from offload.memory_plan import MemoryPlan
from offload.memory_use import memory_use
from offload.paged_model import PagedModel
from offload.route_recorder import JudgedRoutes, RouteRecorder, trace_header
from offload.routing.route_trace import RouteStep, TraceHeader
from offload.stats import PagingUse, Stats
from offload.store_choice import pack_model, verify_store

__all__ = [
    "Engine",
    "inspect_model",
    "listed_devices",
    "open_model",
    "outline_plans",
    "pack_model",
    "plan_model",
    "verify_store",
]


def open_model(
    path: str | Path | None = None,
    config: EngineConfig = EngineConfig(),  # noqa: B008 - frozen
    *,
    n_parallel: int = 1,
    fewer_parallel: bool = False,
    on_progress: Callable[[float], bool] | None = None,
) -> "Engine":
    """Open the GGUF at `path` (of a split model: any part); None: the bundled demo model.

    `batch` runs `n_parallel` sequences at a time; with `fewer_parallel` fewer, where the memory is better spent on
    experts. A dense model runs one.

    `on_progress` gets the share loaded, 0.0 to 1.0, and stops the load by returning False.

    Raises:
        ModelNotFoundError: no such file.
        ModelFileError: the file is malformed, truncated or not supported.
        BudgetError: the memory budget is below the floor.
        UsageError: a value of `config` makes no sense.
        CancelledError: `on_progress` returned False.
    """
    prepared = prepare(path, config, n_parallel, fewer_parallel=fewer_parallel)
    return Engine(prepared, config, on_progress)


def plan_model(
    path: str | Path | None,
    config: EngineConfig = EngineConfig(),  # noqa: B008 - frozen
    *,
    n_parallel: int = 1,
) -> MemoryPlan:
    """Return the memory plan without loading weights. Raises as `open_model` does."""
    return prepare(path, config, n_parallel).plan


class Engine:
    """An open model. Made by `open_model`; a context manager."""

    def __init__(
        self, prepared: Prepared, config: EngineConfig, on_progress: Callable[[float], bool] | None = None
    ) -> None:
        """Load the model that was prepared."""
        self.path = prepared.path
        self.config = config
        self._prepared = prepared
        self.own_bytes = prepared.own_bytes
        """What the process took before the model was loaded."""
        self.store_name = prepared.plan.store_name
        self._is_kept = False
        self._stopped = threading.Event()
        self._watch: PressureWatch | None = None
        self._opened = OpenedModel(prepared, config, self._stopped.is_set, on_progress)
        try:
            self.plan = self._opened.plan
            model = self._opened.model
            self.description = model_title(prepared.header, quantization(prepared.header))
            self.chat_template = model.chat_template
            self.n_ctx = self._opened.context.n_ctx
            self._sequences = [Generator(context, model.vocab) for context in self._opened.contexts]
            self._generator = self._sequences[0]
            if self._opened.paged is not None:
                self._watch = PressureWatch(_elastic(self._opened.paged, self.plan, prepared.device_needs))
        except BaseException:
            self._opened.close()
            raise

    def complete(self, prompt: str, params: GenerationParams = GenerationParams()) -> Iterator[Token]:  # noqa: B008
        """Continue `prompt` as it is. Special tokens written in it count as such.

        Raises:
            UsageError: a parameter makes no sense, the prompt is longer than the context, or the engine is closed.
            ExpertReadError: an expert could not be read; the engine can be used again.
        """
        return self._generate(self._tokens_of(prompt), params)

    def chat(self, messages: Sequence[Message], params: GenerationParams = GenerationParams()) -> Iterator[Token]:  # noqa: B008
        """Answer a conversation, through the model's chat template. Raises as `complete` does."""
        return self._generate(self._tokens_of(messages), params)

    def batch(self, prompts: Sequence[BatchPrompt]) -> Iterator[BatchAnswer]:
        """Answer many prompts, `plan.n_parallel` at a time, each as if it were alone: its answer is the same.

        Yields the answers in the prompts' order, each as soon as those before it are there. An expert that cannot be
        read ends the answers that need it, with an error. After `stop` the answers that were begun are yielded as they
        are, CANCELLED; the others are not. Nothing is computed before the first answer is asked for.

        Raises:
            UsageError: a prompt is too long or a parameter makes no sense (nothing is run), or the engine is busy.
        """
        jobs = [self._job(prompt, prompt.name or f"prompt {number}") for number, prompt in enumerate(prompts, 1)]
        self._stopped.clear()
        return self._run_batch(jobs)

    def compute(self, text: str) -> Iterator[tuple[int, int]]:
        """Compute a text of any length as it is, in pieces as long as the context, and generate nothing.

        Yields (tokens done, all tokens) after every piece. Raises as `complete` does.
        """
        tokens = self._opened.model.vocab.tokenize(text, add_special=True, parse_special=True)
        for start in range(0, len(tokens), self.n_ctx):
            piece = tokens[start : start + self.n_ctx]
            self._generator.forget()
            for token in self._generate(piece, GenerationParams(n_predict=0)):
                if token.finish_reason is FinishReason.CANCELLED:
                    return
            yield start + len(piece), len(tokens)

    def forget(self) -> None:
        """Empty the context: the next prompt shares nothing with what was computed."""
        self._generator.forget()

    def trace_header(self, *, inputs: bool = False) -> TraceHeader:
        """Return the header of a trace of this model, with router inputs if asked.

        Raises:
            UsageError: the model has no routed experts.
        """
        header = self._trace_header
        if header is None:
            raise UsageError("A dense model routes nothing.", hint="Trace a Mixture-of-Experts model.")
        return header if inputs else replace(header, n_embd=0)

    def record_routes(self, sink: Callable[[RouteStep], None], *, inputs: bool = False) -> RouteRecorder:
        """Hand every routed batch to `sink` from now on, until the recorder is closed. Raises as `trace_header`."""
        header, paged = self.trace_header(inputs=inputs), self._opened.paged
        assert paged is not None, "a model with a store is paged"
        return RouteRecorder(header, self._opened.context, paged.weights, sink)

    @contextmanager
    def judged_routes(self) -> Iterator[JudgedRoutes | None]:
        """Judge the routes of what is generated meanwhile; None for a dense model. Recording costs a little time."""
        if self._trace_header is None:
            yield None
            return
        judged = JudgedRoutes(self.trace_header(), self.plan.capacity)
        with self.record_routes(judged.add):
            yield judged

    def stop(self) -> None:
        """End the running generation within one token; it finishes as CANCELLED. From any thread."""
        self._stopped.set()

    def stats(self) -> Stats:
        """Return what the engine reports of itself now. From any thread."""
        plan, resident, forecast_bytes = self.plan, resident_memory(), self._prepared.forecast_bytes
        memory = memory_use(plan, resident, forecast_bytes)
        forecast = self._opened.forecast.use() if self._opened.forecast is not None else None
        return Stats(memory=memory, paging=self._paging(), speed=self._generator.speed, forecast=forecast)

    def residency(self) -> list[bytes]:
        """Return, per paged layer, one `stats.ResidentState` byte per expert. From any thread."""
        paged = self._opened.paged
        return [paged.pager.residency(layer) for layer in self.plan.capacity] if paged is not None else []

    def close(self) -> None:
        """Free everything; harmless when called twice."""
        if self._watch is not None:
            self._watch.close()
        self._keep_speed()
        self._keep_forecasts()
        self._opened.close()

    def _keep_speed(self) -> None:
        """Keep how fast the last answer came, for predictions: of one sequence on the CPU, and long enough to tell."""
        plan, prepared = self.plan, self._prepared
        if self._is_kept or plan.n_parallel > 1 or self._generator.speed.n_generated < LEAST_TOKENS:
            return
        if plan.device is not None:
            return  # predictions are of the CPU
        self._is_kept = True
        with suppress(OffloadError):
            traced = self._trace_header
            run = run_of(
                self.stats(),
                traced.fingerprint if traced is not None else source_files(prepared.header)[0].fingerprint,
                machine_name(),
                resident_share=plan.resident_share,
                accesses_per_token=plan.n_expert_used * len(plan.capacity),
                n_threads=prepared.n_threads,
                now=time.time(),
            )
            keep_run(run, measured_file())

    def _keep_forecasts(self) -> None:
        """Keep what was learnt of the model for the next time, where that is possible: it is no more than a help."""
        forecast, self._opened.forecast = self._opened.forecast, None
        if forecast is not None and self._trace_header is not None:
            with suppress(OffloadError):
                file = Path(self.config.forecaster) if self.config.forecaster else None
                save_state(self._trace_header, forecast.states(), file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def _trace_header(self) -> TraceHeader | None:
        """The header of traces, made once: its fingerprint reads the file; None for a dense model."""
        prepared = self._prepared
        if prepared.trace_header is not None or prepared.store is None:
            return prepared.trace_header
        return trace_header(prepared.header, prepared.store)

    def _tokens_of(self, content: str | Sequence[Message]) -> list[int]:
        """Return the tokens of a text, or of a conversation through the chat template."""
        vocab = self._opened.model.vocab
        if isinstance(content, str):
            return vocab.tokenize(content, add_special=True, parse_special=True)
        text = render(
            self.chat_template, content, bos_text=vocab.bos_text, eos_text=vocab.eos_text, file=str(self.path)
        )
        begins = bool(vocab.bos_text) and text.startswith(vocab.bos_text)
        return vocab.tokenize(text, add_special=not begins, parse_special=True)

    def _job(self, prompt: BatchPrompt, name: str) -> BatchJob:
        try:
            tokens = self._tokens_of(prompt.content)
            self._generator.generate(tokens, prompt.params)  # refuses now what it would refuse later
        except UsageError as error:
            raise UsageError(f"{name}: {error.message}", hint=error.hint, **error.numbers) from None
        return BatchJob(tokens, prompt.params)

    def _run_batch(self, jobs: Sequence[BatchJob]) -> Iterator[BatchAnswer]:
        _ = self._opened.model.handle  # refuses where the engine was closed before the first answer was asked for
        paged, contexts = self._opened.paged, self._opened.contexts
        sequences = self._sequences[: max(1, len(jobs))]
        if paged is None or len(sequences) == 1:
            yield from BatchRun(jobs, sequences, None, self._stopped.is_set).answers()
        else:
            lockstep = Lockstep(paged.weights.compute_together, len(sequences), one_backend=not paged.is_on_device)
            forecast = self._opened.forecast
            pausing = forecast.paused() if forecast is not None else nullcontext()
            with pausing, paged.parked(lockstep.park, lockstep.take_error, contexts):
                yield from BatchRun(jobs, sequences, lockstep, self._stopped.is_set).answers()
        if paged is not None and self._stopped.is_set():
            paged.placer.reset()

    def _generate(self, tokens: Sequence[int], params: GenerationParams) -> Iterator[Token]:
        self._stopped.clear()
        steps = self._generator.generate(tokens, params, cancelled=self._stopped.is_set)
        return self._let_go(steps)

    def _let_go(self, steps: Iterator[Token]) -> Iterator[Token]:
        """Pass the tokens on; a cancelled batch leaves experts pinned and staged, which are let go."""
        _ = self._opened.model.handle  # refuses where the engine was closed before the first token was asked for
        for token in steps:
            if token.finish_reason is FinishReason.CANCELLED and self._opened.paged is not None:
                self._opened.paged.placer.reset()
            yield token

    def _paging(self) -> PagingUse:
        paged = self._opened.paged
        if paged is None:
            return PagingUse()
        counts, staging, tiers = paged.pager.counts(), paged.staging, paged.tier_counts()
        rows = paged.weights.host_rows
        staged_bytes = staging.bytes_read if staging is not None else 0
        return PagingUse(
            n_layer=len(self.plan.capacity),
            n_expert=self.plan.n_expert,
            n_slots=sum(paged.pager.capacity(layer) for layer in self.plan.capacity),
            hits=counts.hits,
            misses=counts.misses,
            bytes_read=tiers.bytes_read if tiers is not None else counts.bytes_read + staged_bytes,
            bytes_prefetched=counts.bytes_prefetched,
            stall_seconds=counts.stall_seconds,
            staging_wait_seconds=staging.wait_seconds if staging is not None else 0.0,
            expert_compute_seconds=paged.weights.compute_seconds,
            read_seconds=counts.read_seconds,
            bytes_uploaded=tiers.bytes_uploaded if tiers is not None else 0,
            bytes_downloaded=tiers.bytes_downloaded if tiers is not None else 0,
            host_hits=tiers.host.hits if tiers is not None else 0,
            host_misses=tiers.host.misses if tiers is not None else 0,
            cpu_rows=rows.n_rows if rows is not None else 0,
        )


def _elastic(paged: PagedModel, plan: MemoryPlan, device_needs: DeviceNeeds | None) -> Elastic:
    """Return what shrinks when the system runs short of memory: slots, or what is kept behind those of a device."""
    if paged.tier is not None:
        least_bytes = device_needs.least_host_bytes if device_needs is not None else 0
        return ElasticTier(paged.tier, plan.host_bytes, least_bytes)
    return ElasticSlots(paged.pager, plan.capacity, plan.n_expert_used)
