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

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from offload.protocol import EngineConfig, Hello, Stop
from offload.protocol_devices import DevicesRequest
from offload.protocol_errors import ErrorEvent, ErrorReport
from offload.protocol_files import Inspect, Pack, Packing, PlanRequest
from offload.protocol_hub import CatalogRequest, Discard, Find, Fit, Pull, Pulling
from offload.protocol_lines import Event, encode
from offload_app.engine_state import Patience
from offload_app.library.library_requests import LONG, UNHURRIED, LibraryRequest, answer_of, names_of
from offload_app.library.readings.refusals import died_report, full_report, unnameable_report
from offload_app.model_choices import is_keepable
from offload_app.worker_death import DeathCause, ProcessEnd
from offload_app.worker_link import WorkerLink

MOST_WAITING = 64


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


class LibraryClient(QObject):
    """Inspects, plans, packs, looks up and downloads models in a process of its own; `command` starts it."""

    inspected = Signal(object, object)
    """Inspect, ModelSummary."""
    planned = Signal(object, object)
    """PlanRequest, PlanOutline."""
    packing = Signal(object, float)
    """Pack, and how much of it is done, of 1."""
    packed = Signal(object, object)
    """Pack, Packed."""
    listed = Signal(object, object)
    """CatalogRequest, tuple of CatalogEntry."""
    found = Signal(object, object)
    """Find, ModelOffer."""
    fitted = Signal(object, object)
    """Fit, Fitted."""
    pulling = Signal(object, object)
    """Pull, and the Pulling that says how far it is."""
    pulled = Signal(object, str)
    """Pull, and the path of the model's first file."""
    discarded = Signal(object, object)
    """Discard, and how many bytes are free again."""
    devices_listed = Signal(object, object)
    """DevicesRequest, tuple of ListedDevice."""
    refused = Signal(object, object)
    """The request, and the ErrorReport that says why."""
    cancelled = Signal(object)
    """The request, which was stopped because a person wanted that."""

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
        self._last_id = 0
        self._waiting: deque[LibraryRequest] = deque()
        self._running: LibraryRequest | None = None
        self._is_superseded = False
        self._is_stopped = False
        self._retried_id: int | None = None
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
        self._results: dict[type, SignalInstance] = {
            Inspect: self.inspected,
            PlanRequest: self.planned,
            Pack: self.packed,
            CatalogRequest: self.listed,
            Find: self.found,
            Fit: self.fitted,
            Pull: self.pulled,
            Discard: self.discarded,
            DevicesRequest: self.devices_listed,
        }

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
        return self._running

    @property
    def n_waiting(self) -> int:
        """Return how many requests wait behind it."""
        return len(self._waiting)

    def inspect(self, model: str | None) -> int:
        """Ask what `model` (None: the demo model) says of itself, and return the request's id."""
        return self._ask(Inspect(self._next_id(), model))

    def plan(self, model: str | None, config: EngineConfig, *, with_speed: bool = False) -> int:
        """Ask what each part of `model` would take, in the place of any plan that was asked for before."""
        self._waiting = deque(request for request in self._waiting if not isinstance(request, PlanRequest))
        if isinstance(self._running, PlanRequest):
            self._is_superseded = True
        return self._ask(PlanRequest(self._next_id(), model, config, with_speed=with_speed))

    def pack(self, model: str, *, force: bool = False) -> int:
        """Have the packed store of `model` written, in the place of one that is there where `force`."""
        return self._ask(Pack(self._next_id(), model, force))

    def catalog(self) -> int:
        """Ask for the catalogue."""
        return self._ask(CatalogRequest(self._next_id()))

    def find(self, name: str, models_folder: str) -> int:
        """Have the hub asked for a model."""
        return self._ask(Find(self._next_id(), name, models_folder))

    def fit(self, name: str, models_folder: str, config: EngineConfig) -> int:
        """Ask how a model of the hub will run from `models_folder`."""
        return self._ask(Fit(self._next_id(), name, models_folder, config))

    def pull(self, name: str, models_folder: str) -> int:
        """Have a model downloaded."""
        return self._ask(Pull(self._next_id(), name, models_folder))

    def discard(self, name: str, models_folder: str) -> int:
        """Have what has come of a download removed."""
        return self._ask(Discard(self._next_id(), name, models_folder))

    def devices(self) -> int:
        """Ask which devices may compute in the place of the CPU."""
        return self._ask(DevicesRequest(self._next_id()))

    def cancel(self, request_id: int) -> None:
        """Stop a request, where it has not ended."""
        if self._running is not None and self._running.id == request_id:
            if self._link is not None and self._is_linked:
                self._link.send(encode(Stop(request_id)))
                self._is_stopped = True
                if isinstance(self._running, UNHURRIED):
                    self._overdue.start(self._stop_ms)
                elif isinstance(self._running, Fit):
                    self._overdue.start(self._fit_stop_ms)
            return
        for request in self._waiting:
            if request.id == request_id:
                self._waiting.remove(request)
                self.cancelled.emit(request)
                return

    def shutdown(self) -> None:
        """Ask the worker to end; what runs is stopped, and nobody is told."""
        self._is_closed = True
        self._waiting.clear()
        self._end_worker()

    def close(self) -> None:
        """End the worker at once and wait until it is gone, telling nobody; may be called again."""
        self._is_closed = True
        self._waiting.clear()
        self._rest.stop()
        self._overdue.stop()
        if self._link is not None:
            self._link.close()
        self._unlink()

    # What is sent

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _ask(self, request: LibraryRequest) -> int:
        if self._is_closed:
            return request.id
        if len(self._waiting) >= MOST_WAITING:
            # After the asker knows the id.
            QTimer.singleShot(0, self, lambda: self.refused.emit(request, full_report(MOST_WAITING)))
            return request.id
        self._waiting.append(request)
        QTimer.singleShot(0, self, self._advance)
        return request.id

    def _advance(self) -> None:
        """Send the next request, or start the worker it needs; where neither, the worker rests."""
        if self._is_closed:
            return
        if self._running is None and self._waiting and self._link is None:
            self._start()
        if self._running is not None or not self._is_linked or self._link is None:
            return
        while self._waiting and self._running is None:
            self._send(self._waiting.popleft())
        if self._running is None and not self._rest.isActive():
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
        self._running, self._is_superseded, self._is_stopped = request, False, False
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
        request = self._running
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
        if answer is not None and not self._end_request():
            self._results[type(request)].emit(request, answer)

    def _end_by_error(self, request: LibraryRequest, report: ErrorReport) -> None:
        if self._end_request():
            return
        if report.type == "CancelledError":
            self.cancelled.emit(request)
        else:
            self.refused.emit(request, report)

    def _end_request(self) -> bool:
        """Take what runs for ended; return whether nobody wants to know of it any more."""
        self._overdue.stop()
        self._running = None
        return self._is_superseded

    def _on_end(self, end: ProcessEnd) -> None:
        request = None if self._is_superseded else self._running
        never_began = not self._is_linked and not self._is_ending
        was_stopped = self._is_stopped and request is not None
        self._overdue.stop()
        self._rest.stop()
        self._unlink()
        if self._is_closed:
            return
        if never_began and self._waiting:
            # It died before it could be asked anything: that, too, is tried once more.
            request = self._waiting.popleft()
        if request is not None:
            if was_stopped:
                self.cancelled.emit(request)
            elif request.id == self._retried_id or end.cause is DeathCause.NOT_STARTED:
                self.refused.emit(request, died_report(request, end))
            else:
                self._retried_id = request.id
                self._waiting.appendleft(request)
        QTimer.singleShot(0, self, self._advance)

    def _unlink(self) -> None:
        self._running, self._is_superseded, self._is_stopped = None, False, False
        self._is_linked, self._is_ending = False, False
        if self._link is not None:
            self._link.deleteLater()
            self._link = None
