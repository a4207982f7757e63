"""What the status line says of the model and the worker; a pure function."""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from offload_app.engine_state import EngineState


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Which model it is about, and where the worker is."""

    state: EngineState = EngineState.NOT_RUNNING
    model: str | None = None
    """Path of the model that is open or being loaded; None: the demo model."""
    description: str = ""
    """What the worker says of the model that is open."""
    n_ctx: int = 0
    """How many tokens a conversation may have with it."""
    fraction: float = 0.0
    """Of loading."""


def model_name(path: str | None) -> str:
    """Return what a person calls the model of `path`: its file's name; None: the demo model."""
    return path.replace("\\", "/").rpartition("/")[2] if path else _tr("the demo model")


def model_words(status: ModelStatus) -> str:
    """Return the model and what it is, nothing twice; empty where none is open."""
    match status.state:
        case EngineState.LOADED | EngineState.GENERATING | EngineState.STOPPING | EngineState.UNLOADING:
            title = _title(status.model)
            parts = [part for part in status.description.split(" · ") if part and _plain(part) not in _plain(title)]
            if status.n_ctx:
                parts.append(_tr("{n} tokens").format(n=status.n_ctx))
            return " · ".join([title, *parts])
        case EngineState.LOADING:
            return _title(status.model)
    return ""


def state_words(status: ModelStatus) -> str:
    """Return where the worker is, in words."""
    match status.state:
        case EngineState.NOT_RUNNING:
            return _tr("Not started")
        case EngineState.STARTING:
            return _tr("Starting…")
        case EngineState.READY:
            return _tr("No model is loaded")
        case EngineState.LOADING:
            return _tr("Loading {percent} %").format(percent=int(100 * status.fraction))
        case EngineState.LOADED:
            return _tr("Ready")
        case EngineState.GENERATING:
            return _tr("Answering…")
        case EngineState.STOPPING:
            return _tr("Stopping…")
        case EngineState.UNLOADING:
            return _tr("Closing the model…")
        case EngineState.SHUTTING_DOWN:
            return _tr("Shutting down…")
        case EngineState.DEAD:
            return _tr("The model process has ended")


def _title(path: str | None) -> str:
    return model_name(path) if path else _tr("Demo model")


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelStatus", text)
