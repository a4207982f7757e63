"""The engine client: one worker process as a Qt object. Requests are methods, events are typed signals.

    NOT_RUNNING ─start─▶ STARTING ─hello─▶ READY ─load─▶ LOADING ─loaded─▶ LOADED ─generate─▶ GENERATING
                                             ▲              │ └stop┐          ▲ │ ▲                │ └stop┐
                                             ├─failed───────┘      ▼          │ │ └─done, failed───┘      ▼
                                             ├─failed───────── STOPPING ─loaded─┘ │ └─done, failed─── STOPPING
                                             └─unloaded, failed── UNLOADING ◀─unload─┘

    any state with a worker ─shutdown─▶ SHUTTING_DOWN ─ended─▶ NOT_RUNNING
    any other with a worker ─ended─▶ DEAD ─restart─▶ STARTING

A load is taken in LOADED too: the worker closes the model that is open.

Invariants, each with its test in tests/app/test_engine_client*.py (states, stream, deaths):
1. A request in a state that does not take it raises, and nothing is sent or changed.
2. An event that belongs to no request that runs changes nothing.
3. The pieces of `tokens` put together are exactly the text of the worker's token events, and all of them are given
   before the `done`, `failed`, `died` or `shut_down` that ends their answer.
4. Between two `tokens` lies 1 / UPDATES_PER_SECOND, but for the last piece of an answer.
5. One poll is unanswered at a time, until patience is over.
6. Every start ends in exactly one of `died` and `shut_down`, unless `close` ends it; `died` carries the whole text.
7. The guard names a model from before its load is sent until the load ended; it is left where the worker died.
8. The state is the new one before the signal that tells of it, so that a receiver may ask for the next thing.

Thread rule: the thread of Qt's event loop only. Nothing here waits, but for `close`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer

from offload.protocol import (
    Done,
    EngineConfig,
    Generate,
    GenerationParams,
    Hello,
    Load,
    Loaded,
    Loading,
    Message,
    StatsEvent,
    StatsRequest,
    Stop,
    TokenEvent,
    Unload,
    Unloaded,
)
from offload.protocol_errors import ErrorEvent
from offload.protocol_lines import Event, encode
from offload.protocol_process import worker_command
from offload_app.engine_signals import EngineSignals
from offload_app.engine_state import EngineState, Failure, Patience, Refusal, RequestRefusedError, request_line, takes
from offload_app.load_guard import LoadGuard
from offload_app.running_answer import RunningAnswer
from offload_app.stats_poll import StatsPoll
from offload_app.throttle import Throttle
from offload_app.worker_death import Activity, Death, DeathCause, ProcessEnd
from offload_app.worker_link import WorkerLink

WORKER_COMMAND = worker_command()
UPDATES_PER_SECOND = 20.0


class _Running(NamedTuple):
    """The request that was sent and has not ended."""

    id: int
    activity: Activity


class EngineClient(EngineSignals):
    """One worker process; `command` starts it, `guard` remembers what is being loaded."""

    def __init__(
        self,
        command: Sequence[str] = WORKER_COMMAND,
        *,
        guard: LoadGuard | None = None,
        patience: Patience | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._command = tuple(command)
        self._guard = guard
        self._patience = patience or Patience()
        self._state = EngineState.NOT_RUNNING
        self._link: WorkerLink | None = None
        self._last_id = 0
        self._running: _Running | None = None
        self._load: Load | None = None
        self._poll = StatsPoll(self._patience.poll_seconds)
        self._answer = RunningAnswer(0)
        self._throttle = Throttle[None](lambda _: self._show_tokens(), per_second=UPDATES_PER_SECOND, parent=self)
        self._stopping = QTimer(self, singleShot=True, interval=round(self._patience.stop_seconds * 1000))
        self._stopping.timeout.connect(lambda: self.unresponsive.emit(self._patience.stop_seconds))

    @property
    def state(self) -> EngineState:
        """Return where the worker and its model are."""
        return self._state

    @property
    def answer_text(self) -> str:
        """Return the text so far of the generation that runs, or of the last one."""
        return self._answer.text

    @property
    def model_load(self) -> Load | None:
        """Return the request of the model that is open or being loaded; after a death, of the one that was."""
        return self._load

    def start(self) -> None:
        """Start the worker; `hello` or `died` follows.

        Raises:
            RequestRefusedError: it was started before.
        """
        self._check("start")
        self._start()

    def restart(self) -> None:
        """Start a new worker in the place of one that died; it has no model open.

        Raises:
            RequestRefusedError: the worker did not die.
        """
        self._check("restart")
        self._start()

    def load(self, model: str | None = None, config: EngineConfig | None = None) -> int:
        """Open `model` (None: the demo model) and return the request's id; `loaded` or `failed` follows.

        Raises:
            RequestRefusedError: something runs, or there is no worker.
        """
        self._check("load")
        request = Load(self._last_id + 1, model, config or EngineConfig())
        line = request_line(request, self._state)
        if self._guard is not None:
            self._guard.begin(request)
        self._load = request
        self._send(line, _Running(request.id, Activity.LOADING), EngineState.LOADING)
        return request.id

    def generate(self, messages: Sequence[Message], params: GenerationParams | None = None) -> int:
        """Answer the conversation and return the request's id; `tokens`, then `done` or `failed` follow.

        Raises:
            RequestRefusedError: no model is open, something runs, or `messages` are none or too long to send.
        """
        self._check("generate")
        if not messages:
            raise RequestRefusedError("generate", Refusal.NO_REQUEST, self._state, "there is no message to answer")
        request = Generate(self._last_id + 1, messages=tuple(messages), params=params or GenerationParams())
        line = request_line(request, self._state)
        self._answer = RunningAnswer(request.id)
        self._send(line, _Running(request.id, Activity.GENERATING), EngineState.GENERATING)
        return request.id

    def stop(self) -> None:
        """End the load or generation that runs: its `failed` or `done` follows; asking again does nothing.

        Raises:
            RequestRefusedError: no load or generation runs.
        """
        self._check("stop")
        if self._state is not EngineState.STOPPING and self._running is not None:
            self._write(encode(Stop(self._running.id)))
            self._stopping.start()
            self._enter(EngineState.STOPPING)

    def unload(self) -> None:
        """Close the model; `unloaded` or `failed` follows.

        Raises:
            RequestRefusedError: no model is open, or something runs.
        """
        self._check("unload")
        request = Unload(self._last_id + 1)
        self._send(encode(request), _Running(request.id, Activity.UNLOADING), EngineState.UNLOADING)

    def request_stats(self, *, residency: bool = False) -> bool:
        """Ask for the statistics, of every expert too where `residency`; return whether it was asked.

        Meant to be called 4 to 10 times a second. Not asked while the last poll is unanswered, and where there is no
        worker to ask.
        """
        if not takes(self._state, "stats") or not self._poll.may_ask:
            return False
        overdue_seconds = self._poll.overdue_seconds
        self._last_id += 1
        self._poll.ask(self._last_id)
        self._write(encode(StatsRequest(self._last_id, residency)))
        if overdue_seconds is not None:
            self.unresponsive.emit(overdue_seconds)
        return True

    def shutdown(self) -> None:
        """End the worker: ask it, kill it where it does not end in time; `shut_down` follows, at once without one."""
        if self._link is None:
            self._enter(EngineState.NOT_RUNNING)
            self.shut_down.emit()
        elif self._state is not EngineState.SHUTTING_DOWN:
            self._stopping.stop()
            self._link.shutdown()
            self._enter(EngineState.SHUTTING_DOWN)

    def kill(self) -> None:
        """End a worker that does not answer, at once; `died` follows, or `shut_down` where that was asked.

        Raises:
            RequestRefusedError: there is no worker.
        """
        self._check("kill")
        assert self._link is not None
        self._link.kill(DeathCause.KILLED)

    def close(self) -> None:
        """End the worker at once and wait until it is gone, telling nobody; may be called again."""
        self._throttle.cancel()
        if self._link is not None:
            self._link.close()
        self._unlink()
        self._state = EngineState.NOT_RUNNING

    # What is sent

    def _check(self, request: str) -> None:
        if not takes(self._state, request):
            raise RequestRefusedError(request, Refusal.WRONG_STATE, self._state)

    def _start(self) -> None:
        self._load = None
        link = WorkerLink(self._command, self._patience, on_event=self._on_event, on_end=self._on_end, parent=self)
        self._link = link
        self._enter(EngineState.STARTING)
        link.start()

    def _send(self, line: bytes, running: _Running, state: EngineState) -> None:
        self._last_id = running.id
        self._running = running
        self._write(line)
        self._enter(state)

    def _write(self, line: bytes) -> None:
        assert self._link is not None
        self._link.send(line)

    def _enter(self, state: EngineState) -> None:
        if state is not self._state:
            self._state = state
            self.state_changed.emit(state)

    # What comes

    def _on_event(self, event: Event) -> None:
        match event:
            case TokenEvent() if self._runs(event.id, Activity.GENERATING):
                self._answer.add(event.text)
                self._throttle.push(None)
            case StatsEvent() if self._poll.answer(event.id):
                self.stats.emit(event)
            case Loading() if self._runs(event.id, Activity.LOADING):
                self.loading.emit(event.fraction)
            case Hello() if self._state is EngineState.STARTING:
                self._enter(EngineState.READY)
                self.hello.emit(event)
            case Loaded() if self._runs(event.id, Activity.LOADING):
                self._end_load()
                self._end_request(EngineState.LOADED)
                self.loaded.emit(event)
            case Done() if self._runs(event.id, Activity.GENERATING):
                self._end_request(EngineState.LOADED)
                self.done.emit(event)
            case Unloaded() if self._runs(event.id, Activity.UNLOADING):
                self._load = None
                self._end_request(EngineState.READY)
                self.unloaded.emit()
            case ErrorEvent() if not self._poll.answer(event.id):
                self._on_error(event)

    def _on_error(self, event: ErrorEvent) -> None:
        running = self._running
        if running is None or event.id != running.id:
            return
        if running.activity is Activity.GENERATING:
            self._end_request(EngineState.LOADED)
        else:
            # The worker closes what was open before it loads, and whatever comes of closing.
            self._end_load()
            self._load = None
            self._end_request(EngineState.READY)
        self.failed.emit(Failure(running.id, running.activity, event.error))

    def _on_end(self, end: ProcessEnd) -> None:
        self._throttle.flush()
        was_asked = self._state is EngineState.SHUTTING_DOWN
        death = self._death(end)
        if was_asked and not end.is_crash:
            self._end_load()
        self._unlink()
        self._enter(EngineState.NOT_RUNNING if was_asked else EngineState.DEAD)
        if was_asked:
            self.shut_down.emit()
        else:
            self.died.emit(death)

    def _death(self, end: ProcessEnd) -> Death:
        if self._running is not None:
            activity, request_id = self._running.activity, self._running.id
        else:
            activity = Activity.STARTING if self._state is EngineState.STARTING else Activity.IDLE
            request_id = None
        text = self._answer.text if activity is Activity.GENERATING else ""
        return Death(end, activity, self._load, request_id, text)

    def _runs(self, request_id: int, activity: Activity) -> bool:
        return self._running == (request_id, activity)

    def _show_tokens(self) -> None:
        piece = self._answer.take_new()
        if piece is not None:
            self.tokens.emit(piece)

    def _end_request(self, state: EngineState) -> None:
        self._throttle.flush()
        self._running = None
        self._stopping.stop()
        if self._state is not EngineState.SHUTTING_DOWN:
            self._enter(state)

    def _end_load(self) -> None:
        if self._guard is not None and self._running is not None and self._running.activity is Activity.LOADING:
            self._guard.end()

    def _unlink(self) -> None:
        self._stopping.stop()
        self._running = None
        self._poll.forget()
        if self._link is not None:
            self._link.deleteLater()
            self._link = None
