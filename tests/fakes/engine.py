"""An engine without a model: answers by echoing, and misbehaves in the ways that prompts and model names ask for.

The module has the functions of `offload.engine` and `offload.inspection` that the faces use, and can stand in their
place; `fakes.models` hands them to a worker.

    prompts   endless: one token, then nothing until it is stopped      prefill: nothing at all until it is stopped
              stubborn: one token, then nothing, stopped or not         crash: the process is killed
              fail: DecodeError after one token                         defect: an exception that is not ours
              many N: N lines                                           full: ends because the context is full
    models    missing, bad, huge: the error of that kind                slow: loads or packs until it is cancelled
              plain: without a chat template                            (any other, or None): loads
              defect: an exception that is not ours, where it is inspected
"""

import os
import queue
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

from offload.config import (
    BatchAnswer,
    BatchPrompt,
    EngineConfig,
    FinishReason,
    GenerationParams,
    Message,
    Token,
)
from offload.errors import BudgetError, CancelledError, DecodeError, ModelFileError, ModelNotFoundError, UsageError
from offload.experts.key import ExpertKey
from offload.listed_device import ListedDevice
from offload.model_summary import ModelSummary, PackState
from offload.plan_outline import PlanOutline, PlanPoint
from offload.stats import MemoryUse, PagingUse, ResidentState, Speed, Stats

OnProgress = Callable[[float], bool]
OnBytes = Callable[[int, int], bool]
OWN_BYTES = 40 << 20
_PARAMS = GenerationParams()
_CONFIG = EngineConfig()


@dataclass(frozen=True, slots=True)
class FakePlan:
    """A plan of three parts."""

    budget_bytes: int = 6 << 30

    def as_dict(self) -> Mapping[str, object]:
        return {"budget_bytes": self.budget_bytes, "slot_bytes": 4 << 30, "parts": {"kv_bytes": 1 << 20}}

    def lines(self) -> list[str]:
        return ["budget  6.0 GiB", "slots   4.0 GiB"]


class FakeJudgedRoutes:
    """Says that the best cache would have missed half as often as the fake engine does."""

    def best_hit_rate(self) -> float:
        return 0.875


@dataclass(slots=True)
class FakeEngine:
    """Echoes the last message. Thread rule: as the real one's, `stop`, `stats` and `residency` from any thread."""

    path: Path
    config: EngineConfig
    chat_template: str | None = "{{ messages }}"
    plan: FakePlan = field(default_factory=FakePlan)
    description: str = "fake 0.1B"
    n_ctx: int = 4096
    store_name: str = "gguf"
    own_bytes: int = OWN_BYTES
    n_parallel: int = 1
    fewer_parallel: bool = False
    closed: bool = False
    conversations: list[tuple[Message, ...]] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    params: list[GenerationParams] = field(default_factory=list)
    # A SimpleQueue: unlike an Event it may be put to by a signal handler of the thread that waits.
    _stops: "queue.SimpleQueue[None]" = field(default_factory=queue.SimpleQueue)
    _speed: Speed = field(default_factory=Speed)
    _paging: PagingUse = field(default_factory=lambda: PagingUse(n_layer=2, n_expert=4, n_slots=6))

    def complete(self, prompt: str, params: GenerationParams = _PARAMS) -> Iterator[Token]:
        self.prompts.append(prompt)
        return self._begin(prompt, params)

    def chat(self, messages: Sequence[Message], params: GenerationParams = _PARAMS) -> Iterator[Token]:
        self.conversations.append(tuple(messages))
        return self._begin(messages[-1].content, params)

    def batch(self, prompts: Sequence[BatchPrompt]) -> Iterator[BatchAnswer]:
        """Answer one by one; what misbehaves is the error of its answer, and what is endless is stopped."""
        for index, prompt in enumerate(prompts):
            if isinstance(prompt.content, str):
                tokens = self.complete(prompt.content, prompt.params)
            else:
                tokens = self.chat(prompt.content, prompt.params)
            text, finish_reason, error = "", None, None
            try:
                for token in tokens:
                    text, finish_reason = text + token.text, token.finish_reason
            except DecodeError as failure:
                error = failure
            yield BatchAnswer(index, text, finish_reason, n_prompt=3, n_generated=2, error=error)
            if finish_reason is FinishReason.CANCELLED:
                return

    def stop(self) -> None:
        self._stops.put(None)

    def stats(self) -> Stats:
        return Stats(MemoryUse(budget_bytes=6 << 30, peak_bytes=5 << 30), self._paging, self._speed)

    def residency(self) -> list[bytes]:
        return [bytes([ResidentState.READY, ResidentState.ABSENT, ResidentState.PINNED, ResidentState.LOADING])] * 2

    @contextmanager
    def judged_routes(self) -> Iterator["FakeJudgedRoutes"]:
        yield FakeJudgedRoutes()

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, prompt: str, params: GenerationParams) -> Iterator[Token]:
        """Forget older stops at once, as the real one does, not with the first token: one may come before that."""
        while not self._stops.empty():
            self._stops.get()
        return self._answer(prompt, params)

    def _answer(self, prompt: str, params: GenerationParams) -> Iterator[Token]:
        self.params.append(params)
        self._speed = Speed(n_prompt=len(prompt.split()), prompt_seconds=0.5, first_token_seconds=0.5)
        self._read(n_bytes=1000, misses=0)
        words = self._words(prompt)
        if params.n_predict > 0:
            words = (words * params.n_predict)[: params.n_predict]
        index = 0
        for index, word in enumerate(words):
            if not self._stops.empty():
                yield Token(-1, "", index, FinishReason.CANCELLED)
                return
            yield Token(100 + index, word, index)
            self._speed = replace(self._speed, n_generated=index + 1, decode_seconds=(index + 1) * 0.25)
            self._read(n_bytes=100, misses=1)
        yield from self._end(prompt, index + 1)

    def _words(self, prompt: str) -> list[str]:
        match prompt.split():
            case ["endless" | "stubborn" | "fail", *_]:
                return ["on "]
            case ["prefill" | "crash" | "defect", *_]:
                return []
            case ["many", count, *_]:
                return ["word\n"] * int(count)
            case _:
                return ["You ", "said: ", prompt]

    def _end(self, prompt: str, index: int) -> Iterator[Token]:
        match prompt.split()[:1]:
            case ["endless" | "prefill"]:
                self._stops.get()
                yield Token(-1, "", index, FinishReason.CANCELLED)
            case ["stubborn"]:
                queue.SimpleQueue[None]().get()
            case ["crash"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["fail"]:
                raise DecodeError("llama.cpp could not compute.", status=-3, hint="Try a smaller batch.")
            case ["defect"]:
                raise RuntimeError("slot 7 has no arena")
            case ["full"]:
                yield Token(-1, "", index, FinishReason.CONTEXT_FULL)
            case _:
                yield Token(-1, "", index, FinishReason.STOP)

    def _read(self, *, n_bytes: int, misses: int) -> None:
        used = self._paging
        self._paging = replace(
            used,
            bytes_read=used.bytes_read + n_bytes,
            misses=used.misses + misses,
            hits=used.hits + 3 * misses,
            stall_seconds=used.stall_seconds + 0.05 * misses,
        )


def open_model(
    path: str | Path | None = None,
    config: EngineConfig = _CONFIG,
    *,
    n_parallel: int = 1,
    fewer_parallel: bool = False,
    on_progress: OnProgress | None = None,
) -> FakeEngine:
    name = Path(path or "demo.gguf")
    _check(name)
    go_on = on_progress or (lambda _fraction: True)
    for fraction in (0.25, 0.5, 1.0):
        if not go_on(fraction):
            raise CancelledError("The load was stopped.")
        if name.stem == "slow":
            until_stopped(partial(go_on, fraction))
            raise CancelledError("The load was stopped.")
    template = None if name.stem == "plain" else "{{ messages }}"
    return FakeEngine(name, config, chat_template=template, n_parallel=n_parallel, fewer_parallel=fewer_parallel)


def plan_model(path: str | Path | None, config: EngineConfig) -> FakePlan:
    _check(Path(path or "demo.gguf"))
    return FakePlan()


def inspect_model(path: str | Path | None = None) -> ModelSummary:
    name = Path(path or "demo.gguf")
    _check(name)
    if name.stem == "defect":
        raise RuntimeError("the header has no summary")
    return ModelSummary(
        str(name), "Fake", "qwen3moe", "Q4_K_M", 1, 5 << 30, 4 << 30, 10**10, 2, 4, 2, 4096, PackState.NONE
    )


def outline_plans(
    path: str | Path | None, config: EngineConfig, n_points: int, *, own_bytes: int | None = None
) -> tuple[Path, PlanOutline]:
    """Return points of rising budgets, whose runtime is what is said to be taken."""
    name = Path(path or "demo.gguf")
    _check(name)
    runtime = OWN_BYTES + 1 if own_bytes is None else own_bytes
    points = tuple(PlanPoint(number << 30, runtime, 2, 3, 4, 5, 6, 7, 0.5) for number in range(1, n_points + 1))
    return name, PlanOutline(4096, config.n_ubatch, 1 << 30, n_points << 30, 6 << 30, 16 << 30, 8 << 30, points)


def listed_devices() -> tuple[ListedDevice, ...]:
    """Return a GPU whose memory is its own, and one that computes in the machine's."""
    return (
        ListedDevice("CUDA0", "Fake GPU", 8 << 30, 7 << 30),
        ListedDevice("Vulkan0", "Fake graphics", 16 << 30, 9 << 30, shares_memory=True),
    )


def pack_model(
    model: Path,
    output: Path | None = None,
    *,
    layout: str = "interleaved",
    force: bool = False,
    on_progress: OnBytes | None = None,
) -> Path:
    _check(model)
    output = output or model.with_suffix(f".{layout}.pack")
    if output.exists() and not force:
        raise UsageError(f"{output} exists.", hint="Replace it with --force.")
    go_on = on_progress or (lambda _done, _total: True)
    if model.stem == "slow":
        until_stopped(partial(go_on, 1, 3))
    for done in range(500, 1000):
        if not go_on(done, 1000):
            raise CancelledError("Packing was stopped.")
    output.write_bytes(b"packed")
    return output


def verify_store(path: Path, *, on_progress: OnBytes | None = None) -> list[ExpertKey]:
    _check(path)
    if on_progress is not None and not on_progress(1, 1):
        raise CancelledError("The check was stopped.")
    return [ExpertKey(1, 2), ExpertKey(1, 3)] if path.stem == "damaged" else []


def until_stopped(go_on: Callable[[], bool]) -> None:
    pause: queue.SimpleQueue[None] = queue.SimpleQueue()
    while go_on():
        try:
            pause.get(timeout=0.005)
        except queue.Empty:
            continue


def _check(path: Path) -> None:
    match path.stem:
        case "missing":
            raise ModelNotFoundError(f"There is no file {path}.", path=path, hint="Check the path.")
        case "bad":
            raise ModelFileError("The magic is wrong.", file=path, tensor="blk.0", offset=4)
        case "huge":
            raise BudgetError("It needs 8 bytes, the budget is 4.", budget_bytes=4, floor_bytes=8, hint="Lower -c.")
