"""The protocol's lines: a request or event becomes one line of JSON, and comes back from it."""

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from offload.errors import UsageError
from offload.protocol import (
    Done,
    Generate,
    Hello,
    Load,
    Loaded,
    Loading,
    Shutdown,
    StatsEvent,
    StatsRequest,
    Stop,
    TokenEvent,
    Unload,
    Unloaded,
)
from offload.protocol_devices import DevicesEvent, DevicesRequest
from offload.protocol_errors import ErrorEvent
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
from offload.protocol_json import dataclass_from_json, dump_line, parse_object, to_json

MAX_LINE_BYTES = 16 * 1024 * 1024

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


class ProtocolError(UsageError):
    """A line that is not one of the protocol's; `request_id` is its `id` where one could be read."""

    def __init__(self, message: str, *, hint: str = "", request_id: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.request_id = request_id


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
