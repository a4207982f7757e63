"""The one protocol of every face: requests to a worker and its events, one JSON object per line.

The same events are printed by `offload generate --jsonl`, read by the application and compared by tests.
A line is UTF-8, at most 16 MiB, and its `type` names one of these (fields with a default may be left out):

    requests                                                  answered by
    {"type":"load","id":1,"model":"m.gguf","config":{..}}     loading .. loaded, or error
    {"type":"generate","id":2,"prompt":"..","params":{..}}    token .. done, or error
    {"type":"generate","id":3,"messages":[{"role":"user","content":".."}]}
    {"type":"stats","id":4,"residency":true}                  stats, also while text is generated
    {"type":"stop","id":2}                                    nothing itself: ends request 2, as `done` or error says
    {"type":"unload","id":5}                                  unloaded, or error
    {"type":"inspect","id":6,"model":"m.gguf"}                inspected, or error: nothing is loaded
    {"type":"plan","id":7,"model":"m.gguf","config":{..}}     planned, or error: nothing is loaded
    {"type":"pack","id":8,"model":"m.gguf"}                   packing .. packed, or error
    {"type":"catalog","id":9}                                 catalog, or error
    {"type":"find","id":10,"name":"U/R:Q4_K_M","models_folder":"/m"}     found, or error
    {"type":"pull","id":11,"name":"U/R:Q4_K_M","models_folder":"/m"}     pulling .. pulled, or error
    {"type":"discard","id":12,"name":"U/R:Q4_K_M","models_folder":"/m"}  discarded, or error
    {"type":"fit","id":13,"name":"U/R:Q4_K_M","models_folder":"/m","config":{..}}  fitted, or error
    {"type":"devices","id":14}                                devices, or error: nothing is loaded
    {"type":"shutdown"}                                       the worker stops what runs and exits; so does end of input

    events
    {"type":"hello","protocol":1,"version":"0.1.0"}           first line of every stream
    {"type":"loading","id":1,"fraction":0.25}
    {"type":"loaded","id":1,"model":"/m.gguf","description":"..","plan":{..},..}
    {"type":"token","id":2,"token":785,"text":"The","index":0}
    {"type":"done","id":2,"finish_reason":"stop","stats":{..}}
    {"type":"stats","id":4,"stats":{..},"residency":["0022300..",..]}
    {"type":"unloaded","id":5}
    {"type":"inspected","id":6,"model":{"path":"/m.gguf","architecture":"qwen3moe",..}}
    {"type":"planned","id":7,"model":"/m.gguf","outline":{"floor_bytes":..,"points":[..],..}}
    {"type":"packing","id":8,"fraction":0.25}
    {"type":"packed","id":8,"path":"/m.offload","n_bytes":8153960448}
    {"type":"catalog","id":9,"entries":[{"title":"..","name":"U/R:Q4_K_M",..},..]}
    {"type":"found","id":10,"model":{"name":"U/R:Q4_K_M","n_bytes":18556688640,..}}
    {"type":"pulling","id":11,"phase":"downloading","done_bytes":4096,"total_bytes":18556688640}
    {"type":"pulled","id":11,"path":"/m/U/R/R-Q4_K_M.gguf"}
    {"type":"discarded","id":12,"freed_bytes":4096}
    {"type":"fitted","id":13,"model":{"path":"/m/U/R/R-Q4_K_M.gguf",..},"outline":{..}}
    {"type":"devices","id":14,"devices":[{"name":"CUDA0","description":"..","total_bytes":..,"free_bytes":..},..]}
    {"type":"error","id":2,"error":{"type":"BudgetError","message":"..","hint":"..","numbers":{..}}}

Requests are answered in order, one at a time; only `stats`, `stop` and `shutdown` overtake. An `id` is chosen
by the asker and belongs to one request until its last event. A line that is not exactly one of the requests
is answered by an error event (`id` null where none could be read), and nothing else happens.
`--jsonl` prints the events of request 1; where it fails before the model is opened, the error may come alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from offload.config import DirectIo, EngineConfig, FinishReason, GenerationParams, Message, OnMiss, Role, StoreChoice
from offload.device_plan import DevicePlan
from offload.errors import OffloadError, UsageError
from offload.listed_device import ListedDevice
from offload.model_offer import CatalogEntry, ModelOffer, PullPhase
from offload.model_summary import ModelSummary, PackState
from offload.plan_outline import PlanOutline, PlanPoint
from offload.protocol_devices import DevicesEvent, DevicesRequest
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
from offload.protocol_json import dataclass_from_json, dump_line, parse_object, to_json
from offload.stats import DeviceMemoryUse, MemoryUse, PagingUse, ResidentState, Speed, Stats

__all__ = [
    "MAX_LINE_BYTES",
    "PROTOCOL_VERSION",
    "CatalogEntry",
    "CatalogEvent",
    "CatalogRequest",
    "DeviceMemoryUse",
    "DevicePlan",
    "DevicesEvent",
    "DevicesRequest",
    "DirectIo",
    "Discard",
    "Discarded",
    "Done",
    "EngineConfig",
    "ErrorEvent",
    "ErrorReport",
    "Event",
    "Find",
    "FinishReason",
    "Fit",
    "Fitted",
    "Found",
    "Generate",
    "GenerationParams",
    "Hello",
    "Inspect",
    "Inspected",
    "ListedDevice",
    "Load",
    "Loaded",
    "Loading",
    "MemoryUse",
    "Message",
    "ModelOffer",
    "ModelSummary",
    "OnMiss",
    "Pack",
    "PackState",
    "Packed",
    "Packing",
    "PagingUse",
    "PlanOutline",
    "PlanPoint",
    "PlanRequest",
    "Planned",
    "ProtocolError",
    "Pull",
    "PullPhase",
    "Pulled",
    "Pulling",
    "Request",
    "ResidentState",
    "Role",
    "Shutdown",
    "Speed",
    "Stats",
    "StatsEvent",
    "StatsRequest",
    "Stop",
    "StoreChoice",
    "TokenEvent",
    "Unload",
    "Unloaded",
    "decode_event",
    "decode_request",
    "encode",
    "report_of",
]

PROTOCOL_VERSION = 1
MAX_LINE_BYTES = 16 * 1024 * 1024

Number: TypeAlias = int | float | str


class ProtocolError(UsageError):
    """A line that is not one of the protocol's; `request_id` is its `id` where one could be read."""

    def __init__(self, message: str, *, hint: str = "", request_id: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.request_id = request_id


# Requests


@dataclass(frozen=True, slots=True)
class Load:
    """Open a model; one that is open is closed first."""

    id: int
    model: str | None = None
    """Path of the GGUF; null: the demo model."""
    config: EngineConfig = field(default_factory=EngineConfig)


@dataclass(frozen=True, slots=True)
class Generate:
    """Continue `prompt` as it is, or answer `messages` through the model's chat template: one of the two."""

    id: int
    prompt: str | None = None
    messages: tuple[Message, ...] = ()
    params: GenerationParams = field(default_factory=GenerationParams)

    def __post_init__(self) -> None:
        if (self.prompt is None) == (not self.messages):
            raise UsageError("generate takes either prompt or messages.", hint="Send exactly one of the two.")


@dataclass(frozen=True, slots=True)
class Stop:
    """End the request with this `id`; no effect once it has ended, nor on an inspection or plan once begun."""

    id: int


@dataclass(frozen=True, slots=True)
class StatsRequest:
    """Ask for the statistics now, and for the state of every expert where `residency` is true."""

    id: int
    residency: bool = False


@dataclass(frozen=True, slots=True)
class Unload:
    """Close the model."""

    id: int


@dataclass(frozen=True, slots=True)
class Inspect:
    """Ask what a model file says of itself; nothing is loaded."""

    id: int
    model: str | None = None
    """Path of the GGUF; null: the demo model."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Ask what each part of a model would take at `n_points` budgets, 1 to 257; nothing is loaded.

    A model that is open stays open, and what it takes is not counted. A budget below the floor is no error here.
    """

    id: int
    model: str | None = None
    config: EngineConfig = field(default_factory=EngineConfig)
    n_points: int = 49
    with_speed: bool = False
    """Whether tokens a second are predicted; what was not measured yet of this machine then is, some seconds long."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Write the packed store beside a model; one that is there is replaced only with `force`, and by a whole one.

    The model may be open: it reads on as before, and the new store with its next load. On Windows nothing may be open
    where a store is replaced.
    """

    id: int
    model: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Stop what runs and end the worker."""


# Events


@dataclass(frozen=True, slots=True)
class Hello:
    """The first line of every stream: the protocol's version and the program's."""

    protocol: int
    version: str


@dataclass(frozen=True, slots=True)
class Loading:
    """How much of the model is loaded: `fraction` of 1."""

    id: int
    fraction: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model is open; `plan` is the memory plan in bytes by part, `plan_lines` the same for reading."""

    id: int
    model: str
    description: str
    n_ctx: int
    store: str
    has_chat_template: bool
    plan: Mapping[str, object]
    plan_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """One step of a generation: `token` is its id in the vocabulary, -1 where it only carries held-back text."""

    id: int
    token: int
    text: str
    index: int


@dataclass(frozen=True, slots=True)
class Done:
    """A generation has ended."""

    id: int
    finish_reason: FinishReason
    stats: Stats


@dataclass(frozen=True, slots=True)
class StatsEvent:
    """The statistics of one moment; `loaded` is false and they are all zero while no model is open.

    `residency` has one string per paged layer with one digit per expert, as `stats.ResidentState` numbers them.
    """

    id: int
    loaded: bool
    stats: Stats
    residency: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unloaded:
    """No model is open now."""

    id: int


@dataclass(frozen=True, slots=True)
class Inspected:
    """What the header of a model file says, and what lies beside it."""

    id: int
    model: ModelSummary


@dataclass(frozen=True, slots=True)
class Planned:
    """What each part of `model` (a path) would take."""

    id: int
    model: str
    outline: PlanOutline


@dataclass(frozen=True, slots=True)
class Packing:
    """How much of the model is packed: `fraction` of 1."""

    id: int
    fraction: float


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed store of `n_bytes` lies at `path`, whole."""

    id: int
    path: str
    n_bytes: int


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An error as every face reports it: the class's name, what failed, what to do, and the values."""

    type: str
    message: str
    hint: str = ""
    numbers: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """Request `id` failed, or a line was no request (`id` is null where none could be read)."""

    id: int | None
    error: ErrorReport


Request: TypeAlias = (
    Load
    | Generate
    | Stop
    | StatsRequest
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
    | Shutdown
)
Event: TypeAlias = (
    Hello
    | Loading
    | Loaded
    | TokenEvent
    | Done
    | StatsEvent
    | Unloaded
    | Inspected
    | Planned
    | Packing
    | Packed
    | CatalogEvent
    | Found
    | Fitted
    | Pulling
    | Pulled
    | Discarded
    | DevicesEvent
    | ErrorEvent
)

_REQUESTS: Mapping[str, type[Request]] = {
    "load": Load,
    "generate": Generate,
    "stop": Stop,
    "stats": StatsRequest,
    "unload": Unload,
    "inspect": Inspect,
    "plan": PlanRequest,
    "pack": Pack,
    "catalog": CatalogRequest,
    "find": Find,
    "fit": Fit,
    "pull": Pull,
    "discard": Discard,
    "devices": DevicesRequest,
    "shutdown": Shutdown,
}
_EVENTS: Mapping[str, type[Event]] = {
    "hello": Hello,
    "loading": Loading,
    "loaded": Loaded,
    "token": TokenEvent,
    "done": Done,
    "stats": StatsEvent,
    "unloaded": Unloaded,
    "inspected": Inspected,
    "planned": Planned,
    "packing": Packing,
    "packed": Packed,
    "catalog": CatalogEvent,
    "found": Found,
    "fitted": Fitted,
    "pulling": Pulling,
    "pulled": Pulled,
    "discarded": Discarded,
    "devices": DevicesEvent,
    "error": ErrorEvent,
}
_NAMES: Mapping[type, str] = {cls: name for table in (_REQUESTS, _EVENTS) for name, cls in table.items()}

_Line = TypeVar("_Line")


def encode(message: Request | Event) -> bytes:
    """Return the line of a request or event, newline included."""
    fields = to_json(message)
    assert isinstance(fields, dict)
    return dump_line({"type": _NAMES[type(message)], **fields})


def decode_request(line: bytes) -> Request:
    """Return the request of one line.

    Raises:
        ProtocolError: the line is not exactly one request.
    """
    return _decode(line, _REQUESTS, "request")


def decode_event(line: bytes) -> Event:
    """Return the event of one line.

    Raises:
        ProtocolError: the line is not exactly one event.
    """
    return _decode(line, _EVENTS, "event")


def report_of(error: BaseException) -> ErrorReport:
    """Return how every face reports `error`, one of this program's or not."""
    if isinstance(error, OffloadError):
        return ErrorReport(error.type, error.message, error.hint, error.numbers)
    hint = "This is a defect of offload: please report it."
    return ErrorReport(type(error).__name__, str(error) or "no message", hint)


def _decode(line: bytes, table: Mapping[str, type[_Line]], noun: str) -> _Line:
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolError(f"The line is longer than {MAX_LINE_BYTES} bytes.", hint="Send a shorter prompt.")
    request_id = None
    try:
        fields = parse_object(line)
        request_id = _id_of(fields)
        name = fields.pop("type", None)
        if not isinstance(name, str) or name not in table:
            raise UsageError(f"Unknown {noun} type {ascii(name)[:60]}.", hint=f"Known: {', '.join(table)}.")
        if fields.get("id") is not None and request_id is None:
            raise UsageError(f"{name}.id must be an integer from 0 to {2**63 - 1}.")
        return dataclass_from_json(table[name], fields, name)
    except UsageError as error:
        raise ProtocolError(error.message, hint=error.hint, request_id=request_id) from None


def _id_of(fields: Mapping[str, object]) -> int | None:
    value = fields.get("id")
    return value if type(value) is int and 0 <= value < 2**63 else None
