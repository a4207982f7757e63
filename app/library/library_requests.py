"""Requests about models that need not be open, and what answers each; values only."""

from typing import TypeAlias

from offload.protocol_devices import DevicesEvent, DevicesRequest
from offload.protocol_files import Inspect, Inspected, Pack, Packed, Planned, PlanRequest
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
)
from offload.protocol_lines import Event

LibraryRequest: TypeAlias = Inspect | PlanRequest | Pack | CatalogRequest | Find | Fit | Pull | Discard | DevicesRequest
LONG = (Pack, Pull, Fit)
"""Take as long as they take."""
UNHURRIED = (Pull, Find)
"""A network may keep their end waiting."""


def names_of(request: LibraryRequest) -> tuple[str, ...]:
    """Return the texts of `request` that a person chose."""
    match request:
        case CatalogRequest() | DevicesRequest():
            return ()
        case Find() | Fit() | Pull() | Discard():
            return request.name, request.models_folder
        case _:
            return () if request.model is None else (request.model,)


def answer_of(request: LibraryRequest, event: Event) -> object | None:
    """Return what `event` answers to `request`; None where it is not its last event."""
    match event:
        case Inspected() if isinstance(request, Inspect):
            return event.model
        case Found() if isinstance(request, Find):
            return event.model
        case Fitted() if isinstance(request, Fit):
            return event
        case Planned() if isinstance(request, PlanRequest):
            return event.outline
        case Packed() if isinstance(request, Pack):
            return event
        case CatalogEvent() if isinstance(request, CatalogRequest):
            return event.entries
        case Pulled() if isinstance(request, Pull):
            return event.path
        case Discarded() if isinstance(request, Discard):
            return event.freed_bytes
        case DevicesEvent() if isinstance(request, DevicesRequest):
            return event.devices
        case _:
            return None
