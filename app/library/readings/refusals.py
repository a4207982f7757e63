"""Why something about a model file was refused, where the worker itself could not say it; pure."""

from PySide6.QtCore import QCoreApplication

from offload.protocol import ErrorReport, Inspect, Pack, PlanRequest
from offload_app.model_status import model_name
from offload_app.worker_death import CrashKind, DeathCause, ProcessEnd

DIED = "WorkerDiedError"


def died_report(request: Inspect | PlanRequest | Pack, end: ProcessEnd) -> ErrorReport:
    """Return that the worker ended over `request`, twice or without having begun."""
    name = model_name(request.model)
    if end.cause is DeathCause.NOT_STARTED:
        text = _tr("The process that looks at models could not be started: {error}.")
        reason = end.start_error.rstrip(".") or "?"
        return ErrorReport(DIED, text.format(error=reason), _tr("Install the program again."))
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
