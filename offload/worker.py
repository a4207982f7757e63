"""The worker: one process that owns one model and speaks the protocol, so that a native crash takes no face with it.

    input thread:  bytes → lines → requests ──┬── stats, stop, shutdown: acted on at once
                                              └── load, generate, unload: queue, in order, at most MAX_WAITING
    main thread:   queue → engine → events

Invariants, each with its test in tests/offload/test_worker.py:
1. A line that is no request is answered by one error event, and nothing else happens.
2. One load or generation runs at a time; they are answered in the order they came.
3. A stop ends its request before the next token, while it loads, waits, prefills or decodes.
4. A request that fails leaves the worker serving.
5. After shutdown or end of input what runs is stopped, the model closed, and `run` returns.

Thread rule: `run` is called by one thread, `feed` by one other; `shutdown` by any, a signal handler included.
"""

import contextlib
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from offload.config import EngineConfig, FinishReason, GenerationParams, Message, Token
from offload.errors import CancelledError, OffloadError, UsageError
from offload.protocol import (
    MAX_LINE_BYTES,
    PROTOCOL_VERSION,
    Done,
    ErrorEvent,
    Event,
    Generate,
    Hello,
    Load,
    Loaded,
    Loading,
    ProtocolError,
    Shutdown,
    StatsEvent,
    StatsRequest,
    Stop,
    TokenEvent,
    Unload,
    Unloaded,
    decode_request,
    encode,
    report_of,
)
from offload.stats import Stats

MAX_WAITING = 64
_CHUNK_BYTES = 65536


class Plan(Protocol):
    """What a worker needs of a memory plan."""

    def as_dict(self) -> Mapping[str, object]:
        """Return the plan in bytes by part."""

    def lines(self) -> list[str]:
        """Return the plan for reading."""


class ServedEngine(Protocol):
    """What a worker needs of an engine. `stop`, `stats` and `residency` are called from the input thread."""

    @property
    def path(self) -> Path:
        """Return the model's file."""

    @property
    def description(self) -> str:
        """Return the model in one line."""

    @property
    def n_ctx(self) -> int:
        """Return the context in tokens."""

    @property
    def store_name(self) -> str:
        """Return where experts are read from."""

    @property
    def chat_template(self) -> str | None:
        """Return the model's own template, None where it has none."""

    @property
    def plan(self) -> Plan:
        """Return the memory plan it runs by."""

    def complete(self, prompt: str, params: GenerationParams = ...) -> Iterator[Token]:
        """Continue `prompt` as it is."""

    def chat(self, messages: Sequence[Message], params: GenerationParams = ...) -> Iterator[Token]:
        """Answer the conversation."""

    def stop(self) -> None:
        """End the running generation within one token."""

    def stats(self) -> Stats:
        """Return the statistics of this moment."""

    def residency(self) -> list[bytes]:
        """Return per paged layer one `ResidentState` per expert."""

    def close(self) -> None:
        """Close the model."""


class OpenModel(Protocol):
    """How a worker opens a model; `on_progress` is given a fraction of 1 and answers whether to go on."""

    def __call__(self, path: str | None, config: EngineConfig, *, on_progress: Callable[[float], bool]) -> ServedEngine:
        """Open `path`, the demo model where it is None."""


def loaded_event(request_id: int, engine: ServedEngine) -> Loaded:
    """Return the event that says what was opened."""
    return Loaded(
        request_id,
        model=str(engine.path),
        description=engine.description,
        n_ctx=engine.n_ctx,
        store=engine.store_name,
        has_chat_template=engine.chat_template is not None,
        plan=engine.plan.as_dict(),
        plan_lines=tuple(engine.plan.lines()),
    )


class Worker:
    """Serves one model: `feed` takes lines, `run` does the work, events go to `emit` as whole lines."""

    def __init__(self, emit: Callable[[bytes], None], open_model: OpenModel, *, version: str) -> None:
        self._write = emit
        self._open_model = open_model
        self._version = version
        self._engine: ServedEngine | None = None
        # A SimpleQueue, because a signal handler may shut down while this thread is inside it; `_enqueue` bounds it.
        self._waiting: queue.SimpleQueue[Load | Generate | Unload | None] = queue.SimpleQueue()
        self._stopped: dict[int, threading.Event] = {}
        self._running: int | None = None
        self._closing = threading.Event()
        # Guards the engine's existence and the tables above, so that nothing is asked of an engine being closed.
        self._state = threading.RLock()
        # Held across the write on purpose: two threads emit, and a line must not be torn.
        self._output = threading.Lock()

    # The input thread

    def feed(self, lines: Iterator[bytes]) -> None:
        """Act on `lines` until they end or one asks for shutdown; then shut down."""
        try:
            for line in lines:
                if not self._accept(line):
                    return
        finally:
            self.shutdown()

    def shutdown(self) -> None:
        """Stop what runs and let `run` return; requests still waiting are dropped."""
        with self._state:
            self._closing.set()
            for stopped in self._stopped.values():
                stopped.set()
            self._stop_engine()
            while not self._waiting.empty():
                self._waiting.get_nowait()
            self._waiting.put(None)

    def _accept(self, line: bytes) -> bool:
        try:
            request = decode_request(line)
        except ProtocolError as error:
            self._emit(ErrorEvent(error.request_id, report_of(error)))
            return True
        match request:
            case Shutdown():
                return False
            case Stop(id=target):
                self._stop(target)
            case StatsRequest():
                self._answer(request.id, lambda: self._stats(request))
            case _:
                self._answer(request.id, lambda: self._enqueue(request))
        return True

    def _enqueue(self, request: Load | Generate | Unload) -> None:
        with self._state:
            if request.id in self._stopped:
                raise UsageError(f"Request {request.id} is not answered yet.", hint="Give every request its own id.")
            if self._waiting.qsize() >= MAX_WAITING:
                raise UsageError(f"{MAX_WAITING} requests are waiting.", hint="Wait for an answer before asking more.")
            self._stopped[request.id] = threading.Event()
            self._waiting.put(request)

    def _stop(self, target: int) -> None:
        with self._state:
            if target in self._stopped:
                self._stopped[target].set()
                if target == self._running:
                    self._stop_engine()

    def _stop_engine(self) -> None:
        # Not before the generation has been begun: the engine would take it for an older one's.
        if self._engine is not None and self._running is not None:
            self._engine.stop()

    def _stats(self, request: StatsRequest) -> None:
        residency: tuple[str, ...] = ()
        with self._state:
            engine = self._engine
            stats = Stats() if engine is None else engine.stats()
            if engine is not None and request.residency:
                residency = tuple("".join(map(str, layer)) for layer in engine.residency())
        self._emit(StatsEvent(request.id, loaded=engine is not None, stats=stats, residency=residency))

    # The main thread

    def run(self) -> None:
        """Say hello, then serve until shutdown; closes the model.

        Raises:
            BrokenPipeError: nobody reads the events any more.
        """
        try:
            self._emit(Hello(PROTOCOL_VERSION, self._version))
            while not self._closing.is_set():
                request = self._waiting.get()
                if request is not None:
                    self._serve(request)
        finally:
            self._close_engine()

    def _serve(self, request: Load | Generate | Unload) -> None:
        with self._state:
            stopped = self._stopped[request.id]
        try:
            match request:
                case Load():
                    self._answer(request.id, lambda: self._load(request, stopped))
                case Generate():
                    self._answer(request.id, lambda: self._generate(request, stopped))
                case Unload():
                    self._answer(request.id, lambda: self._unload(request))
        finally:
            with self._state:
                self._running = None
                self._stopped.pop(request.id, None)

    def _load(self, request: Load, stopped: threading.Event) -> None:
        self._close_engine()
        shown = -1

        def on_progress(fraction: float) -> bool:
            nonlocal shown
            percent = min(max(int(fraction * 100), 0), 100)
            if percent != shown:
                shown = percent
                self._emit(Loading(request.id, percent / 100))
            return not stopped.is_set()

        if not on_progress(0.0):
            raise CancelledError("The load was stopped.")
        engine = self._open_model(request.model, request.config, on_progress=on_progress)
        with self._state:
            self._engine = engine
        if stopped.is_set():
            self._close_engine()
            raise CancelledError("The load was stopped.")
        self._emit(loaded_event(request.id, engine))

    def _generate(self, request: Generate, stopped: threading.Event) -> None:
        engine = self._engine
        if engine is None:
            raise UsageError("No model is open.", hint="Send a load request first.")
        finish_reason = FinishReason.CANCELLED
        # Closed before anybody can close the engine, also where an event could not be sent.
        with contextlib.closing(self._tokens(engine, request, stopped)) as tokens:
            for token in tokens:
                self._emit(TokenEvent(request.id, token.id, token.text, token.index))
                finish_reason = token.finish_reason or finish_reason
        self._emit(Done(request.id, finish_reason, engine.stats()))

    def _tokens(
        self, engine: ServedEngine, request: Generate, stopped: threading.Event
    ) -> Generator[Token, None, None]:
        if request.prompt is not None:
            tokens = engine.complete(request.prompt, request.params)
        else:
            tokens = engine.chat(request.messages, request.params)
        with self._state:
            # From here on a stop reaches the engine; one that came before is seen just below.
            self._running = request.id
        try:
            if stopped.is_set():
                return
            for token in tokens:
                yield token
                if stopped.is_set():
                    engine.stop()
        finally:
            if isinstance(tokens, Generator):
                tokens.close()

    def _unload(self, request: Unload) -> None:
        self._close_engine()
        self._emit(Unloaded(request.id))

    def _close_engine(self) -> None:
        with self._state:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    # Both threads

    def _answer(self, request_id: int, work: Callable[[], None]) -> None:
        """Do `work`; turn its failure into an error event. The border where any exception is converted."""
        try:
            work()
        except BrokenPipeError:
            raise
        except OffloadError as error:
            self._emit(ErrorEvent(request_id, report_of(error)))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self._emit(ErrorEvent(request_id, report_of(error)))

    def _emit(self, event: Event) -> None:
        line = encode(event)
        with self._output:
            self._write(line)


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a raw stream without their newline, never holding more than the protocol's longest.

    Of a longer line its first `MAX_LINE_BYTES + 1` bytes are yielded, which the protocol refuses; the rest is skipped.
    """
    line = bytearray()
    while chunk := stream.read(_CHUNK_BYTES):
        *complete, rest = chunk.split(b"\n")
        for part in complete:
            line += part[: MAX_LINE_BYTES + 1 - len(line)]
            yield bytes(line)
            line.clear()
        line += rest[: MAX_LINE_BYTES + 1 - len(line)]
    if line:
        yield bytes(line)
