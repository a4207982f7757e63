"""The state of the engine client: its states, what it tells, and how it refuses; values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from offload.protocol import Generate, Load
from offload.protocol_errors import ErrorReport
from offload.protocol_lines import MAX_LINE_BYTES, encode
from offload_app.worker_death import Activity


class EngineState(Enum):
    """Where the worker and its model are."""

    NOT_RUNNING = "not_running"
    STARTING = "starting"
    """The process was started and has not said hello."""
    READY = "ready"
    """No model is open."""
    LOADING = "loading"
    LOADED = "loaded"
    """A model is open and nothing runs."""
    GENERATING = "generating"
    STOPPING = "stopping"
    """A load or generation was asked to stop and has not ended."""
    UNLOADING = "unloading"
    SHUTTING_DOWN = "shutting_down"
    DEAD = "dead"
    """The worker ended without being asked to."""


_WITHOUT_WORKER = frozenset({EngineState.NOT_RUNNING, EngineState.DEAD})
_TAKEN_IN: Mapping[str, frozenset[EngineState]] = {
    "start": frozenset({EngineState.NOT_RUNNING}),
    "restart": frozenset({EngineState.DEAD}),
    "load": frozenset({EngineState.READY, EngineState.LOADED}),
    "generate": frozenset({EngineState.LOADED}),
    "stop": frozenset({EngineState.LOADING, EngineState.GENERATING, EngineState.STOPPING}),
    "stats": frozenset(EngineState) - _WITHOUT_WORKER - {EngineState.STARTING, EngineState.SHUTTING_DOWN},
    "unload": frozenset({EngineState.LOADED}),
    "kill": frozenset(EngineState) - _WITHOUT_WORKER,
}


def takes(state: EngineState, request: str) -> bool:
    """Return whether `request`, named as the client's method, is taken in `state`; for enabling what asks for it."""
    return state in _TAKEN_IN[request]


class Refusal(Enum):
    """Why a request is not sent."""

    WRONG_STATE = "wrong_state"
    TOO_LONG = "too_long"
    """Longer than a line of the protocol."""
    NO_REQUEST = "no_request"
    """The values make no request."""


class RequestRefusedError(Exception):
    """A request that was not sent; the worker and the client are as before."""

    def __init__(self, request: str, reason: Refusal, state: EngineState, details: str = "") -> None:
        super().__init__(f"{request} was refused while the worker is {state.value}: {details or reason.value}")
        self.request = request
        self.reason = reason
        self.state = state


@dataclass(frozen=True, slots=True)
class Tokens:
    """The next piece of an answer, one or more tokens."""

    id: int
    text: str
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that the worker answered by an error."""

    id: int
    activity: Activity
    report: ErrorReport

    @property
    def was_stopped(self) -> bool:
        """Return whether it failed because a person stopped it."""
        return self.report.type == "CancelledError"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the worker is waited for, in seconds."""

    hello_seconds: float = 60.0
    stop_seconds: float = 10.0
    """After a stop, before the worker is called unresponsive."""
    shutdown_seconds: float = 10.0
    """After a shutdown, before the worker is killed."""
    poll_seconds: float = 10.0
    """For an answer to a poll, before the worker is called unresponsive and polled again."""


def request_line(request: Load | Generate, state: EngineState) -> bytes:
    """Return the line of `request`.

    Raises:
        RequestRefusedError: its values make no line, or one that no worker reads.
    """
    name = type(request).__name__.lower()
    try:
        line = encode(request)
    except ValueError as error:
        raise RequestRefusedError(name, Refusal.NO_REQUEST, state, str(error)) from error
    if len(line) > MAX_LINE_BYTES:
        raise RequestRefusedError(name, Refusal.TOO_LONG, state, f"{len(line)} bytes are more than {MAX_LINE_BYTES}")
    return line
