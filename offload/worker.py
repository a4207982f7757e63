"""The worker: one process that owns one model and speaks the protocol, so that a native crash takes no face with it.

    input thread:  bytes → lines → requests ──┬── stats, stop, shutdown: acted on at once
                                              └── all others: queue, in order, at most MAX_WAITING
    main thread:   queue → engine, or model files → events

Invariants, each with its test in tests/offload/test_worker.py:
1. A line that is no request is answered by one error event, and nothing else happens.
2. One request runs at a time; they are answered in the order they came. With its last event its id is free.
3. A stop ends its request before the next token, while it waits, loads, prefills, decodes, packs, pulls or asks
   the hub; an inspection or plan that was begun is over sooner than it could be stopped, and is answered.
4. A request that fails leaves the worker serving.
5. After shutdown or end of input what runs is stopped, the model closed, and `run` returns.
6. Inspecting, planning, packing and pulling leave the model that is open as it is.
7. A download tells of its progress at most ten times a second, and of every new phase.

Thread rule: `run` is called by one thread, `feed` by one other; `shutdown` by any, a signal handler included.
"""

import contextlib
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO, TypeAlias

from offload.config import FinishReason, Token
from offload.errors import CancelledError, OffloadError, UsageError
from offload.protocol import (
    PROTOCOL_VERSION,
    Done,
    Generate,
    Hello,
    Load,
    Loaded,
    Loading,
    PullPhase,
    Shutdown,
    StatsEvent,
    StatsRequest,
    Stop,
    TokenEvent,
    Unload,
    Unloaded,
)
from offload.protocol_devices import DevicesEvent, DevicesRequest
from offload.protocol_errors import ErrorEvent, report_of
from offload.protocol_files import Inspect, Inspected, Pack, Packed, Packing, Planned, PlanRequest
from offload.protocol_hub import (
    CatalogEvent,
    CatalogRequest,
    Discard,
    Discarded,
    Find,
    Fit,
    Fitted,
    Found,
    Pull,
    Pulled,
    Pulling,
)
from offload.protocol_lines import MAX_LINE_BYTES, Event, ProtocolError, decode_request, encode
from offload.served import Models, OnProgress, OnPull, ServedEngine, loaded_event
from offload.stats import Stats

MAX_WAITING = 64
_CHUNK_BYTES = 65536
_REPLACES_OPEN_FILES = sys.platform != "win32"

PULL_TELLS_SECONDS = 0.1

Queued: TypeAlias = (
    Load
    | Generate
    | Unload
    | Inspect
    | PlanRequest
    | Pack
    | CatalogRequest
    | Find
    | Fit
    | Pull
    | Discard
    | DevicesRequest
)


class Worker:
    """Serves one model: `feed` takes lines, `run` does the work, events go to `emit` as whole lines."""

    def __init__(self, emit: Callable[[bytes], None], models: Models, *, version: str) -> None:
        self._write = emit
        self._models = models
        self._version = version
        self._engine: ServedEngine | None = None
        # A SimpleQueue, because a signal handler may shut down while this thread is inside it; `_enqueue` bounds it.
        self._waiting: queue.SimpleQueue[Queued | None] = queue.SimpleQueue()
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

    def _answer(self, request_id: int, work: Callable[[], Event | None]) -> None:
        event = self._outcome(request_id, work)
        if event is not None:
            self._emit(event)

    def _enqueue(self, request: Queued) -> None:
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

    def _stats(self, request: StatsRequest) -> StatsEvent:
        residency: tuple[str, ...] = ()
        with self._state:
            engine = self._engine
            stats = Stats() if engine is None else engine.stats()
            if engine is not None and request.residency:
                residency = tuple("".join(map(str, layer)) for layer in engine.residency())
        return StatsEvent(request.id, loaded=engine is not None, stats=stats, residency=residency)

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

    def _serve(self, request: Queued) -> None:
        """Act on a request and send its last event, by which time its id is free again."""
        with self._state:
            stopped = self._stopped[request.id]
        try:
            last = self._outcome(request.id, lambda: self._act(request, stopped))
        finally:
            with self._state:
                self._running = None
                self._stopped.pop(request.id, None)
        if last is not None:
            self._emit(last)

    def _act(self, request: Queued, stopped: threading.Event) -> Event:
        match request:
            case Load():
                return self._load(request, stopped)
            case Generate():
                return self._generate(request, stopped)
            case Unload():
                return self._unload(request)
            case Inspect():
                return self._inspect(request, stopped)
            case PlanRequest():
                return self._plan(request, stopped)
            case Pack():
                return self._pack(request, stopped)
            case CatalogRequest():
                return CatalogEvent(request.id, tuple(self._models.catalog()))
            case Find():
                return self._find(request, stopped)
            case Fit():
                return self._fit(request, stopped)
            case Pull():
                return self._pull(request, stopped)
            case Discard():
                return Discarded(request.id, self._models.discard(request.name, request.models_folder))
            case DevicesRequest():
                return DevicesEvent(request.id, tuple(self._models.devices()))

    def _load(self, request: Load, stopped: threading.Event) -> Loaded:
        self._close_engine()
        on_progress = self._progress(Loading, request.id, stopped)
        if not on_progress(0.0):
            raise CancelledError("The load was stopped.")
        engine = self._models.open(request.model, request.config, on_progress=on_progress)
        with self._state:
            self._engine = engine
        if stopped.is_set():
            self._close_engine()
            raise CancelledError("The load was stopped.")
        return loaded_event(request.id, engine)

    def _generate(self, request: Generate, stopped: threading.Event) -> Done:
        engine = self._engine
        if engine is None:
            raise UsageError("No model is open.", hint="Send a load request first.")
        finish_reason = FinishReason.CANCELLED
        # Closed before anybody can close the engine, also where an event could not be sent.
        with contextlib.closing(self._tokens(engine, request, stopped)) as tokens:
            for token in tokens:
                self._emit(TokenEvent(request.id, token.id, token.text, token.index))
                finish_reason = token.finish_reason or finish_reason
        return Done(request.id, finish_reason, engine.stats())

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

    def _unload(self, request: Unload) -> Unloaded:
        self._close_engine()
        return Unloaded(request.id)

    def _inspect(self, request: Inspect, stopped: threading.Event) -> Inspected:
        if stopped.is_set():
            raise CancelledError("The inspection was stopped.")
        return Inspected(request.id, self._models.inspect(request.model))

    def _plan(self, request: PlanRequest, stopped: threading.Event) -> Planned:
        if stopped.is_set():
            raise CancelledError("The plan was stopped.")
        path, outline = self._models.plan(
            request.model,
            request.config,
            n_points=request.n_points,
            own_bytes=self._own_bytes(),
            with_speed=request.with_speed,
        )
        return Planned(request.id, str(path), outline)

    def _pack(self, request: Pack, stopped: threading.Event) -> Packed:
        """Pack a model, be it the one that is open.

        An engine that reads the store that is replaced goes on with the old file until it is closed: the new one takes
        over its name alone, and the old one's room on the disk is free only then. Windows replaces no file that is
        open, so there a model must be unloaded before; better said now than after minutes of packing.
        """
        if request.force and self._engine is not None and not _REPLACES_OPEN_FILES:
            raise UsageError("A packed store may be in use by the model that is open.", hint="Unload the model first.")
        on_progress = self._progress(Packing, request.id, stopped)
        if not on_progress(0.0):
            raise CancelledError("Packing was stopped.")
        path = self._models.pack(request.model, force=request.force, on_progress=on_progress)
        return Packed(request.id, str(path), path.stat().st_size)

    def _find(self, request: Find, stopped: threading.Event) -> Found:
        if stopped.is_set():
            raise CancelledError("The search was stopped.")
        offer = self._models.find(request.name, request.models_folder, go_on=lambda: not stopped.is_set())
        return Found(request.id, offer)

    def _fit(self, request: Fit, stopped: threading.Event) -> Fitted:
        if stopped.is_set():
            raise CancelledError("The plan was stopped.")
        summary, outline = self._models.fit(
            request.name,
            request.models_folder,
            request.config,
            n_points=request.n_points,
            own_bytes=self._own_bytes(),
            go_on=lambda: not stopped.is_set(),
        )
        return Fitted(request.id, summary, outline)

    def _own_bytes(self) -> int | None:
        """Return what the process takes without the model that is open; None: none is."""
        return None if self._engine is None else self._engine.own_bytes

    def _pull(self, request: Pull, stopped: threading.Event) -> Pulled:
        on_progress = self._pulling(request.id, stopped)
        if not on_progress(PullPhase.LOOKING, 0, 0):
            raise CancelledError("The download was stopped.")
        path = self._models.pull(request.name, request.models_folder, on_progress=on_progress)
        return Pulled(request.id, str(path))

    def _pulling(self, request_id: int, stopped: threading.Event) -> OnPull:
        """Return what tells of every phase, and within one now and then; goes on until the request is stopped."""
        told: tuple[PullPhase, float] | None = None

        def on_progress(phase: PullPhase, done_bytes: int, total_bytes: int) -> bool:
            nonlocal told
            now = time.monotonic()
            if told is None or told[0] is not phase or now - told[1] >= PULL_TELLS_SECONDS:
                told = (phase, now)
                self._emit(Pulling(request_id, phase, done_bytes, total_bytes))
            return not stopped.is_set()

        return on_progress

    def _progress(self, event: type[Loading | Packing], request_id: int, stopped: threading.Event) -> OnProgress:
        """Return what tells of every whole percent once, and goes on until the request is stopped."""
        shown = -1

        def on_progress(fraction: float) -> bool:
            nonlocal shown
            percent = min(max(int(fraction * 100), 0), 100)
            if percent != shown:
                shown = percent
                self._emit(event(request_id, percent / 100))
            return not stopped.is_set()

        return on_progress

    def _close_engine(self) -> None:
        with self._state:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    # Both threads

    def _outcome(self, request_id: int, work: Callable[[], Event | None]) -> Event | None:
        """Return what `work` returns, or its failure as an error event: the border where any exception is converted."""
        try:
            return work()
        except BrokenPipeError:
            raise
        except OffloadError as error:
            return ErrorEvent(request_id, report_of(error))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return ErrorEvent(request_id, report_of(error))

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
