"""The library client: asks a worker of its own about models, so that the chat goes on whatever a file or a hub does.

    NO WORKER ──request──▶ STARTING ──hello──▶ RESTING ──request──▶ ASKING ──answer──▶ RESTING ──idle──▶ NO WORKER
                              └──────── ended by itself, or silent too long ────┘ the request is asked once more,
                                                                                  then refused

Invariants, each with its test in tests/app/library/test_library_client.py:
1. A request ends in exactly one of its result, `refused` and `cancelled`, unless it was superseded or `close` came.
2. Requests are sent one at a time, in order; a plan that waits or runs is superseded by the next, and never told.
3. A request during which the worker died is asked once more of a new one; the second time it is refused, and named.
4. At most `MOST_WAITING` requests wait; one more is refused.
5. A worker with nothing to do for `IdleTimes.rest_seconds` ends itself, and the next request starts another.
6. An event that belongs to no request that runs changes nothing.
7. A request that was stopped and does not end in time is ended with its worker, and told as cancelled.

Thread rule: the thread of Qt's event loop only. Nothing here waits, but for `close`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer

from offload.protocol import EngineConfig, Hello, Stop
from offload.protocol_devices import DevicesRequest
from offload.protocol_errors import ErrorEvent, ErrorReport
from offload.protocol_files import Inspect, Pack, Packing, PlanRequest
from offload.protocol_hub import CatalogRequest, Discard, Find, Fit, Pull, Pulling
from offload.protocol_lines import Event, encode
from offload_app.engine_state import Patience
from offload_app.library.library_requests import LONG, UNHURRIED, LibraryRequest, answer_of, names_of
from offload_app.library.library_signals import LibrarySignals
from offload_app.library.readings.refusals import died_report, full_report, unnameable_report
from offload_app.library.request_queue import MOST_WAITING, RequestQueue
from offload_app.model_choices import is_keepable
from offload_app.worker_death import DeathCause, ProcessEnd
from offload_app.worker_link import WorkerLink


@dataclass(frozen=True, slots=True)
class IdleTimes:
    """How long is waited, in seconds."""

    rest_seconds: float = 30.0
    """With nothing to do, before the worker is ended."""
    answer_seconds: float = 120.0
    """For an answer about a model, before the worker is ended; what is packed or comes from the hub takes its time."""
    stop_seconds: float = 5.0
    """For the end of what was stopped, before the worker is ended: a network may keep it waiting."""
    fit_stop_seconds: float = 30.0
    """The same where this machine may just be measured: killed, the worker would leave what it reads for that."""


class LibraryClient(LibrarySignals):
    """Inspects, plans, packs, looks up and downloads models in a process of its own; `command` starts it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        times: IdleTimes | None = None,
        patience: Patience | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._command = tuple(command)
        self._patience = patience or Patience()
        self._link: WorkerLink | None = None
        self._is_linked = False
        self._queue = RequestQueue()
        self._is_ending = False
        self._is_closed = False
        times = times or IdleTimes()
        self._rest = QTimer(self, singleShot=True, interval=round(times.rest_seconds * 1000))
        self._rest.timeout.connect(self._end_worker)
        self._overdue = QTimer(self, singleShot=True, interval=round(times.answer_seconds * 1000))
        self._overdue.timeout.connect(self._on_overdue)
        self._stop_ms = round(times.stop_seconds * 1000)
        self._fit_stop_ms = round(times.fit_stop_seconds * 1000)
        self._answer_ms = self._overdue.interval()

    @property
    def has_worker(self) -> bool:
        """Return whether a worker process is there."""
        return self._link is not None

    @property
    def is_ending(self) -> bool:
        """Return whether the worker was asked to end, and is still there."""
        return self._is_ending

    @property
    def running(self) -> LibraryRequest | None:
        """Return the request that is being answered."""
        return self._queue.running

    @property
    def n_waiting(self) -> int:
        """Return how many requests wait behind it."""
        return len(self._queue)

    def inspect(self, model: str | None) -> int:
        """Ask what `model` (None: the demo model) says of itself, and return the request's id."""
        return self._ask(Inspect(self._queue.new_id(), model))

    def plan(self, model: str | None, config: EngineConfig, *, with_speed: bool = False) -> int:
        """Ask what each part of `model` would take, in the place of any plan that was asked for before."""
        self._queue.supersede_plans()
        return self._ask(PlanRequest(self._queue.new_id(), model, config, with_speed=with_speed))

    def pack(self, model: str, *, force: bool = False) -> int:
        """Have the packed store of `model` written, in the place of one that is there where `force`."""
        return self._ask(Pack(self._queue.new_id(), model, force))

    def catalog(self) -> int:
        """Ask for the catalogue."""
        return self._ask(CatalogRequest(self._queue.new_id()))

    def find(self, name: str, models_folder: str) -> int:
        """Have the hub asked for a model."""
        return self._ask(Find(self._queue.new_id(), name, models_folder))

    def fit(self, name: str, models_folder: str, config: EngineConfig) -> int:
        """Ask how a model of the hub will run from `models_folder`."""
        return self._ask(Fit(self._queue.new_id(), name, models_folder, config))

    def pull(self, name: str, models_folder: str) -> int:
        """Have a model downloaded."""
        return self._ask(Pull(self._queue.new_id(), name, models_folder))

    def discard(self, name: str, models_folder: str) -> int:
        """Have what has come of a download removed."""
        return self._ask(Discard(self._queue.new_id(), name, models_folder))

    def devices(self) -> int:
        """Ask which devices may compute in the place of the CPU."""
        return self._ask(DevicesRequest(self._queue.new_id()))

    def cancel(self, request_id: int) -> None:
        """Stop a request, where it has not ended."""
        running = self._queue.running
        if running is None or running.id != request_id:
            withdrawn = self._queue.withdraw(request_id)
            if withdrawn is not None:
                self.cancelled.emit(withdrawn)
        elif self._link is not None and self._is_linked:
            self._link.send(encode(Stop(request_id)))
            self._queue.stop()
            if isinstance(running, UNHURRIED):
                self._overdue.start(self._stop_ms)
            elif isinstance(running, Fit):
                self._overdue.start(self._fit_stop_ms)

    def shutdown(self) -> None:
        """Ask the worker to end; what runs is stopped, and nobody is told."""
        self._is_closed = True
        self._queue.clear()
        self._end_worker()

    def close(self) -> None:
        """End the worker at once and wait until it is gone, telling nobody; may be called again."""
        self._is_closed = True
        self._queue.clear()
        self._rest.stop()
        self._overdue.stop()
        if self._link is not None:
            self._link.close()
        self._unlink()

    # What is sent

    def _ask(self, request: LibraryRequest) -> int:
        if self._is_closed:
            return request.id
        if self._queue.add(request):
            QTimer.singleShot(0, self, self._advance)
        else:
            # After the asker knows the id.
            QTimer.singleShot(0, self, lambda: self.refused.emit(request, full_report(MOST_WAITING)))
        return request.id

    def _advance(self) -> None:
        """Send the next request, or start the worker it needs; where neither, the worker rests."""
        if self._is_closed:
            return
        queue = self._queue
        if queue.running is None and len(queue) and self._link is None:
            self._start()
        if queue.running is not None or not self._is_linked or self._link is None:
            return
        while queue.running is None and (request := queue.next()) is not None:
            self._send(request)
        if queue.running is None and not self._rest.isActive():
            self._rest.start()

    def _start(self) -> None:
        self._rest.stop()
        link = WorkerLink(self._command, self._patience, on_event=self._on_event, on_end=self._on_end, parent=self)
        self._link, self._is_linked = link, False
        link.start()

    def _send(self, request: LibraryRequest) -> None:
        if not all(map(is_keepable, names_of(request))):
            self.refused.emit(request, unnameable_report())
            return
        self._rest.stop()
        self._queue.begin(request)
        if not isinstance(request, LONG):
            self._overdue.start(self._answer_ms)
        assert self._link is not None
        self._link.send(encode(request))

    def _end_worker(self) -> None:
        """Ask the worker to end; what is asked meanwhile waits for the next one."""
        self._rest.stop()
        self._overdue.stop()
        if self._link is not None:
            self._is_linked, self._is_ending = False, True
            self._link.shutdown()

    def _on_overdue(self) -> None:
        if self._link is not None:
            self._link.kill(DeathCause.SILENT)

    # What comes

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Hello):
            self._is_linked = not self._is_ending
            self._advance()
            return
        request = self._queue.running
        if request is None or self._is_closed or getattr(event, "id", None) != request.id:
            return
        match event, request:
            case Packing(), Pack():
                self.packing.emit(request, event.fraction)
            case Pulling(), Pull():
                self.pulling.emit(request, event)
            case ErrorEvent(), _:
                self._end_by_error(request, event.error)
            case _:
                self._take_answer(request, event)
        self._advance()

    def _take_answer(self, request: LibraryRequest, event: Event) -> None:
        """Tell the result of `request`, where `event` is one."""
        answer = answer_of(request, event)
        if answer is not None and self._end_request() is not None:
            self.result_of(request).emit(request, answer)

    def _end_by_error(self, request: LibraryRequest, report: ErrorReport) -> None:
        if self._end_request() is None:
            return
        if report.type == "CancelledError":
            self.cancelled.emit(request)
        else:
            self.refused.emit(request, report)

    def _end_request(self) -> LibraryRequest | None:
        """Take what runs for ended, and return it where somebody wants to know of it."""
        self._overdue.stop()
        return self._queue.end()

    def _on_end(self, end: ProcessEnd) -> None:
        never_began = not self._is_linked and not self._is_ending
        was_stopped, lost = self._queue.is_stopped, self._end_request()
        self._rest.stop()
        self._unlink()
        if self._is_closed:
            return
        if never_began and lost is None:
            # It died before it could be asked anything: that, too, is tried once more.
            lost = self._queue.next()
        if lost is not None:
            if was_stopped:
                self.cancelled.emit(lost)
            elif end.cause is DeathCause.NOT_STARTED or not self._queue.retry(lost):
                self.refused.emit(lost, died_report(lost, end))
        QTimer.singleShot(0, self, self._advance)

    def _unlink(self) -> None:
        self._queue.end()
        self._is_linked, self._is_ending = False, False
        if self._link is not None:
            self._link.deleteLater()
            self._link = None
