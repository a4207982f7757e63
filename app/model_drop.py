"""Dropping a model: a GGUF file that is dragged onto the window is taken, wherever in it; all else goes its way."""

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, QUrl, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

_DRAGS = frozenset({QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop})


def dropped_model(urls: Iterable[QUrl]) -> str | None:
    """Return the path of the first model among `urls`; None where none is a local GGUF file."""
    paths = (url.toLocalFile() for url in urls if url.isLocalFile())
    return next((path for path in paths if path.casefold().endswith(".gguf")), None)


class ModelDrop(QObject):
    """Watches `window` and everything in it that takes drops. Thread rule: the UI thread only."""

    dropped = Signal(str)
    """Path of a model."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.setAcceptDrops(True)
        for widget in (window, *window.findChildren(QWidget)):
            if widget.acceptDrops():
                widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Take a drag that carries a model."""
        if event.type() not in _DRAGS or not isinstance(event, QDropEvent):
            return False
        model = dropped_model(event.mimeData().urls())
        if model is None:
            return False
        event.acceptProposedAction()
        if event.type() is QEvent.Type.Drop:
            self.dropped.emit(model)
        return True
