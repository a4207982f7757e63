"""What a person is told about a model: being loaded, refused, crashed; from what happened to a notice, pure."""

from PySide6.QtCore import QCoreApplication

from offload_app.crash_note import Remedy, crash_note
from offload_app.engine_state import Failure
from offload_app.load_guard import InterruptedLoad
from offload_app.model_status import model_name
from offload_app.notice import Choice, Notice, Subject, Weight
from offload_app.report_words import report_words
from offload_app.worker_death import Activity, Death


def loading_notice(model: str | None, fraction: float) -> Notice:
    """Return how far loading `model` is."""
    text = _tr("Loading {model}: {percent} %").format(model=model_name(model), percent=int(100 * fraction))
    return Notice(Subject.MODEL, Weight.NEWS, text, (Choice.CANCEL,), fraction)


def refused_notice(model: str | None, failure: Failure) -> Notice:
    """Return why `model` was not loaded, or could not be closed, in the worker's words."""
    report = failure.report
    if failure.activity is Activity.UNLOADING:
        text = _tr("{model} could not be closed: {words}")
    else:
        text = _tr("{model} was not loaded: {words}")
    words = text.format(model=_capital(model_name(model)), words=report_words(report))
    return Notice(Subject.MODEL, Weight.ERROR, words, _ways_out(model))


def crashed_before_notice(model: str | None, crashed: InterruptedLoad) -> Notice:
    """Return the question whether `model` is to be loaded although the last time the worker died of it."""
    if crashed.is_known:
        text = _tr("The last time {model} was loaded, the program ended before it was ready. Load it again?")
    else:
        text = _tr("The last time a model was loaded, the program ended before it was ready. Load {model} now?")
    demo = () if model is None else (Choice.USE_DEMO,)
    choices = (Choice.LOAD_ANYWAY, Choice.SMALLER_BUDGET, *demo, Choice.CHOOSE_FILE)
    return Notice(Subject.MODEL, Weight.WARNING, text.format(model=model_name(model)), choices)


def death_notice(death: Death) -> Notice:
    """Return what happened to the worker, and the ways to go on."""
    note = crash_note(death)
    names = {Remedy.RESTART: Choice.RESTART, Remedy.SMALLER_BUDGET: Choice.SMALLER_BUDGET}
    choices = tuple(names[remedy] for remedy in note.remedies)
    return Notice(Subject.WORKER, Weight.ERROR, note.text, choices, details=note.details)


def silent_notice(seconds: float) -> Notice:
    """Return that the worker has not answered for so long."""
    text = _tr("The model process has not answered for {seconds} seconds. Wait, or end it: what was answered is kept.")
    choices = (Choice.DISMISS, Choice.END_WORKER)
    return Notice(Subject.PATIENCE, Weight.WARNING, text.format(seconds=round(seconds)), choices)


def _ways_out(model: str | None) -> tuple[Choice, ...]:
    if model is None:
        return (Choice.CHOOSE_FILE, Choice.DISMISS)
    return (Choice.CHOOSE_FILE, Choice.USE_DEMO, Choice.DISMISS)


def _capital(text: str) -> str:
    # A file's name is written as it is.
    return text if "." in text else f"{text[:1].upper()}{text[1:]}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelNotices", text)
