"""A crash note: what a person is told of a worker's death, and what can be done; a pure function."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QCoreApplication

from offload_app.worker_death import Activity, CrashKind, Death, DeathCause, ProcessEnd

_LAST_WORDS_SHOWN = 200


class Remedy(Enum):
    """What a person is offered."""

    RESTART = "restart"
    SMALLER_BUDGET = "smaller_budget"


@dataclass(frozen=True, slots=True)
class CrashNote:
    """What happened, why as far as known, and what to do, in sentences; `details` is for a report."""

    happened: str
    reason: str
    advice: str
    remedies: tuple[Remedy, ...]
    details: str = ""

    @property
    def text(self) -> str:
        """Return the sentences in one line."""
        return f"{self.happened} {self.reason} {self.advice}"


def crash_note(death: Death) -> CrashNote:
    """Return what to tell of `death`, in the language of the application."""
    remedies = _remedies(death)
    return CrashNote(
        happened=_happened(death),
        reason=_reason(death.end),
        advice=_advice(death, remedies),
        remedies=remedies,
        details="\n".join(death.end.last_words),
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("CrashNote", text)


def _happened(death: Death) -> str:
    if death.end.cause is DeathCause.NOT_STARTED:
        return _tr("The model process could not be started: {error}.").format(
            error=death.end.start_error.rstrip(".") or "?"
        )
    match death.activity:
        case Activity.STARTING:
            return _tr("The model process ended while it was starting.")
        case Activity.IDLE:
            return _tr("The model process ended while nothing was asked of it.")
        case Activity.LOADING:
            return _tr("The model process ended while “{model}” was being loaded.").format(model=_model(death))
        case Activity.GENERATING:
            return _tr("The model process ended in the middle of an answer of “{model}”.").format(model=_model(death))
        case Activity.UNLOADING:
            return _tr("The model process ended while “{model}” was being closed.").format(model=_model(death))


def _model(death: Death) -> str:
    path = death.load.model if death.load is not None else None
    return path.replace("\\", "/").rpartition("/")[2] if path else _tr("the demo model")


def _reason(end: ProcessEnd) -> str:
    if end.cause is DeathCause.ENDED:
        return _crash_reason(end)
    return _by_cause()[end.cause]


def _by_cause() -> Mapping[DeathCause, str]:
    return {
        DeathCause.NOT_STARTED: _tr("A part of the installation is missing or may not be run."),
        DeathCause.SILENT: _tr("It did not say anything for so long that it was ended."),
        DeathCause.OTHER_PROTOCOL: _tr("It belongs to another release, and the two do not understand each other."),
        DeathCause.NONSENSE: _tr("It said things that this release does not understand, and was ended."),
        DeathCause.FLOOD: _tr("It said more than could be read, and was ended."),
        DeathCause.KILLED: _tr("You ended it."),
    }


def _crash_reason(end: ProcessEnd) -> str:
    said = end.last_words[-1][:_LAST_WORDS_SHOWN] if end.last_words else ""
    name = end.signal_name or f"0x{end.code & 0xFFFFFFFF:08X}"
    match end.kind:
        case CrashKind.OUT_OF_MEMORY:
            return _tr("The system killed it ({name}), most likely because memory ran out.").format(name=name)
        case CrashKind.ASSERTION:
            text = _tr("A check inside the native library failed ({name}).").format(name=name)
        case CrashKind.SEGMENTATION_FAULT:
            text = _tr("The native library touched memory that is not its own ({name}).").format(name=name)
        case CrashKind.BUS_ERROR:
            return _tr(
                "A file could not be read any more ({name}): it was cut or moved, or the disk fails or is full."
            ).format(name=name)
        case CrashKind.ILLEGAL_INSTRUCTION:
            return _tr("The native library used an instruction that this processor does not have ({name}).").format(
                name=name
            )
        case CrashKind.ASKED_TO_END:
            return _tr("Another program ended it ({name}).").format(name=name)
        case CrashKind.OTHER_SIGNAL:
            text = _tr("The system ended it ({name}).").format(name=name)
        case CrashKind.EXIT_CODE:
            text = _tr("It ended with exit code {code}.").format(code=end.code)
        case CrashKind.NO_REASON:
            text = _tr("It gave no reason.")
    return f"{text} {_tr('It last said: {words}').format(words=said)}" if said else text


def _remedies(death: Death) -> tuple[Remedy, ...]:
    if death.end.cause in (DeathCause.NOT_STARTED, DeathCause.OTHER_PROTOCOL):
        return (Remedy.RESTART,)
    may_be_memory = death.end.cause is DeathCause.ENDED and death.end.kind in (
        CrashKind.OUT_OF_MEMORY,
        CrashKind.ASSERTION,
        CrashKind.SEGMENTATION_FAULT,
        CrashKind.OTHER_SIGNAL,
        CrashKind.EXIT_CODE,
    )
    if not may_be_memory or death.load is None:
        return (Remedy.RESTART,)
    if death.end.kind is CrashKind.OUT_OF_MEMORY:
        return (Remedy.SMALLER_BUDGET, Remedy.RESTART)
    return (Remedy.RESTART, Remedy.SMALLER_BUDGET)


def _advice(death: Death, remedies: tuple[Remedy, ...]) -> str:
    sentences = []
    if death.activity is Activity.GENERATING:
        sentences.append(_tr("What had come of the answer is kept."))
    if death.end.cause in (DeathCause.NOT_STARTED, DeathCause.OTHER_PROTOCOL):
        sentences.append(_tr("Install the program again, then restart the model process."))
    elif death.end.cause is DeathCause.ENDED and death.end.kind is CrashKind.BUS_ERROR:
        sentences.append(_tr("Check the model's file and the disk, then restart the model process."))
    elif death.end.cause is DeathCause.ENDED and death.end.kind is CrashKind.ILLEGAL_INSTRUCTION:
        sentences.append(_tr("Install the program again on this computer, so that it is built for its processor."))
    elif remedies[0] is Remedy.SMALLER_BUDGET:
        sentences.append(_tr("Load the model with a smaller memory budget, or close other programs and restart."))
    elif Remedy.SMALLER_BUDGET in remedies:
        sentences.append(_tr("Restart the model process; if it happens again, choose a smaller memory budget."))
    else:
        sentences.append(_tr("Restart the model process to go on."))
    return " ".join(sentences)
