"""Why something about a model file was refused, where the worker itself could not say it; pure."""

from PySide6.QtCore import QCoreApplication

from offload.protocol_devices import DevicesRequest
from offload.protocol_errors import ErrorReport
from offload.protocol_files import Inspect, Pack, PlanRequest
from offload.protocol_hub import CatalogRequest, Discard, Find, Fit, Pull
from offload_app.library.library_requests import LibraryRequest
from offload_app.model_status import model_name
from offload_app.worker_death import CrashKind, DeathCause, ProcessEnd

DIED = "WorkerDiedError"


_HubRequest = CatalogRequest | Find | Fit | Pull | Discard


def died_report(request: LibraryRequest, end: ProcessEnd) -> ErrorReport:
    """Return that the worker ended over `request`, twice or without having begun."""
    if isinstance(request, CatalogRequest | Find | Fit | Pull | Discard) and end.cause is not DeathCause.NOT_STARTED:
        return _hub_report(request, end)
    if end.cause is DeathCause.NOT_STARTED:
        text = _tr("The process that looks at models could not be started: {error}.")
        reason = end.start_error.rstrip(".") or "?"
        return ErrorReport(DIED, text.format(error=reason), _tr("Install the program again."))
    if isinstance(request, DevicesRequest):
        return _devices_report(end)
    assert isinstance(request, Inspect | PlanRequest | Pack)
    name = model_name(request.model)
    if isinstance(request, Pack):
        text = _tr("The process that packs {name} ended in the middle, twice.")
    elif end.cause is DeathCause.SILENT:
        text = _tr("Nothing was heard for too long while {name} was looked at.")
        return ErrorReport(DIED, text.format(name=name), _tr("Is the disk it lies on slow, or gone? Look again later."))
    else:
        text = _tr("The process that looked at {name} ended in the middle, twice.")
    if end.kind is CrashKind.OUT_OF_MEMORY:
        hint = _tr("The system ended it, most likely because memory ran out: close other programs.")
    elif end.kind is CrashKind.BUS_ERROR:
        hint = _tr("The file or its disk cannot be read to the end, or the disk is full.")
    else:
        hint = _tr("The file is probably damaged: get it again.")
    return ErrorReport(DIED, text.format(name=name), hint)


def _hub_report(request: _HubRequest, end: ProcessEnd) -> ErrorReport:
    match request:
        case CatalogRequest():
            text, name = _tr("The process that reads the catalogue ended in the middle, twice."), ""
        case Pull() | Discard():
            text, name = _tr("The process that downloads {name} ended in the middle, twice."), request.name
        case Fit():
            text, name = _tr("The process that read the header of {name} ended in the middle, twice."), request.name
        case Find() if end.cause is DeathCause.SILENT:
            text, name = _tr("The hub was asked for {name}, and did not answer in time."), request.name
        case Find():
            text, name = _tr("The process that looked up {name} ended in the middle, twice."), request.name
    hint = _tr("Try again; what has come is kept.") if isinstance(request, Pull) else _tr("Try again later.")
    return ErrorReport(DIED, text.format(name=name), hint)


def _devices_report(end: ProcessEnd) -> ErrorReport:
    if end.cause is DeathCause.SILENT:
        text = _tr("The graphics driver was asked for its devices, and did not answer in time.")
    else:
        text = _tr("The process that asks the graphics driver for its devices ended in the middle, twice.")
    return ErrorReport(DIED, text, _tr("Choose CPU only, or bring the driver up to date."))


def full_report(most: int) -> ErrorReport:
    """Return that too much was asked at once."""
    text = _tr("More than {most} requests about models wait already.").format(most=most)
    return ErrorReport("UsageError", text, _tr("Try again in a moment."))


def unnameable_report() -> ErrorReport:
    """Return that a file's name cannot be told to the worker."""
    text = _tr("The file's name has characters that are no text.")
    return ErrorReport("UsageError", text, _tr("Give it another name."))


def _tr(text: str) -> str:
    return QCoreApplication.translate("Library", text)
