"""The library's signals: everything that a library client tells, and which of it answers which request."""

from PySide6.QtCore import QObject, Signal, SignalInstance

from offload.protocol_devices import DevicesRequest
from offload.protocol_files import Inspect, Pack, PlanRequest
from offload.protocol_hub import CatalogRequest, Discard, Find, Fit, Pull
from offload_app.library.library_requests import LibraryRequest


class LibrarySignals(QObject):
    """What is told of models and the hub; with each the request that it belongs to."""

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

    def result_of(self, request: LibraryRequest) -> SignalInstance:
        """Return the signal that tells what `request` asked for."""
        match request:
            case Inspect():
                return self.inspected
            case PlanRequest():
                return self.planned
            case Pack():
                return self.packed
            case CatalogRequest():
                return self.listed
            case Find():
                return self.found
            case Fit():
                return self.fitted
            case Pull():
                return self.pulled
            case Discard():
                return self.discarded
            case DevicesRequest():
                return self.devices_listed
