"""The composition root: opens a model within a memory budget and generates with it.

    file ── header ── store ── plan ── paged model ── context ── generator

Thread rule: one thread opens, generates and closes; `stop`, `stats` and `residency` are for any thread.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from offload.config import EngineConfig, FinishReason, GenerationParams, Message, Token
from offload.engine_parts import OpenedModel, Prepared, prepare
from offload.errors import UsageError
from offload.experts.pressure import PressureWatch
from offload.generation import Generator
from offload.llama.chat import render
from offload.machine import resident_memory
from offload.memory_plan import MemoryPlan
from offload.route_recorder import JudgedRoutes, RouteRecorder, trace_header
from offload.routing.route_trace import RouteStep, TraceHeader
from offload.stats import MemoryUse, PagingUse, Stats
from offload.store_choice import pack_model, verify_store

__all__ = ["Engine", "open_model", "pack_model", "plan_model", "verify_store"]


def open_model(
    path: str | Path | None = None,
    config: EngineConfig = EngineConfig(),  # noqa: B008 - frozen
    *,
    on_progress: Callable[[float], bool] | None = None,
) -> "Engine":
    """Open the GGUF at `path` (of a split model: any part); None: the bundled demo model.

    `on_progress` gets the share loaded, 0.0 to 1.0, and stops the load by returning False.

    Raises:
        ModelNotFoundError: no such file.
        ModelFileError: the file is malformed, truncated or not supported.
        BudgetError: the memory budget is below the floor.
        UsageError: a value of `config` makes no sense.
        CancelledError: `on_progress` returned False.
    """
    return Engine(prepare(path, config), config, on_progress)


def plan_model(path: str | Path | None, config: EngineConfig = EngineConfig()) -> MemoryPlan:  # noqa: B008
    """Return the memory plan without loading weights. Raises as `open_model` does."""
    return prepare(path, config).plan


class Engine:
    """An open model. Made by `open_model`; a context manager."""

    def __init__(
        self, prepared: Prepared, config: EngineConfig, on_progress: Callable[[float], bool] | None = None
    ) -> None:
        """Load the model that was prepared."""
        self.path = prepared.path
        self.config = config
        self._prepared = prepared
        self.store_name = prepared.plan.store_name
        self._stopped = threading.Event()
        self._watch: PressureWatch | None = None
        self._opened = OpenedModel(prepared, config, self._stopped.is_set, on_progress)
        try:
            self.plan = self._opened.plan
            model = self._opened.model
            self.description = model.description
            self.chat_template = model.chat_template
            self.n_ctx = self._opened.context.n_ctx
            self._generator = Generator(self._opened.context, model.vocab)
            if self._opened.paged is not None:
                self._watch = PressureWatch(self._opened.paged.pager, self.plan.capacity, self.plan.n_expert_used)
        except BaseException:
            self._opened.close()
            raise

    def complete(self, prompt: str, params: GenerationParams = GenerationParams()) -> Iterator[Token]:  # noqa: B008
        """Continue `prompt` as it is. Special tokens written in it count as such.

        Raises:
            UsageError: a parameter makes no sense, the prompt is longer than the context, or the engine is closed.
            ExpertReadError: an expert could not be read; the engine can be used again.
        """
        tokens = self._opened.model.vocab.tokenize(prompt, add_special=True, parse_special=True)
        return self._generate(tokens, params)

    def chat(self, messages: Sequence[Message], params: GenerationParams = GenerationParams()) -> Iterator[Token]:  # noqa: B008
        """Answer a conversation, through the model's chat template. Raises as `complete` does."""
        vocab = self._opened.model.vocab
        text = render(
            self.chat_template, messages, bos_text=vocab.bos_text, eos_text=vocab.eos_text, file=str(self.path)
        )
        begins = bool(vocab.bos_text) and text.startswith(vocab.bos_text)
        return self._generate(vocab.tokenize(text, add_special=not begins, parse_special=True), params)

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
        plan, resident = self.plan, resident_memory()
        memory = MemoryUse(
            budget_bytes=plan.budget_bytes,
            runtime_bytes=plan.runtime_bytes + plan.reading_bytes,
            dense_bytes=plan.dense_bytes,
            kv_bytes=plan.kv_bytes,
            compute_bytes=plan.compute_bytes,
            staging_bytes=plan.staging_bytes,
            slot_bytes=plan.slot_bytes,
            resident_bytes=resident.current_bytes,
            peak_bytes=resident.peak_bytes,
        )
        return Stats(memory=memory, paging=self._paging(), speed=self._generator.speed)

    def residency(self) -> list[bytes]:
        """Return, per paged layer, one `stats.ResidentState` byte per expert. From any thread."""
        paged = self._opened.paged
        return [paged.pager.states(layer) for layer in self.plan.capacity] if paged is not None else []

    def close(self) -> None:
        """Free everything; harmless when called twice."""
        if self._watch is not None:
            self._watch.close()
        self._opened.close()

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
        return None if prepared.store is None else trace_header(prepared.header, prepared.store)

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
        counts, staging = paged.pager.counts(), paged.staging
        return PagingUse(
            n_layer=len(self.plan.capacity),
            n_expert=self.plan.n_expert,
            n_slots=sum(paged.pager.capacity(layer) for layer in self.plan.capacity),
            hits=counts.hits,
            misses=counts.misses,
            bytes_read=counts.bytes_read + (staging.bytes_read if staging is not None else 0),
            bytes_prefetched=counts.bytes_prefetched,
            stall_seconds=counts.stall_seconds,
            staging_wait_seconds=staging.wait_seconds if staging is not None else 0.0,
            expert_compute_seconds=paged.weights.compute_seconds,
            read_seconds=counts.read_seconds,
        )
