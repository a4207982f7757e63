"""`PlaceBar`: a scroll bar that says where a person is, as its handle shows only the part that is loaded."""

from collections.abc import Callable

from PySide6.QtCore import QEvent
from PySide6.QtGui import QCursor, QHelpEvent
from PySide6.QtWidgets import QScrollBar, QToolTip, QWidget


class PlaceBar(QScrollBar):
    """Shows what `place` returns, while the mouse rests on it and while its handle is drawn. UI thread only."""

    def __init__(self, place: Callable[[], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._place = place
        self.valueChanged.connect(self._on_value)

    def event(self, event: QEvent) -> bool:
        """Say the place, where it is asked for."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._place(), self)
            return True
        return super().event(event)

    def _on_value(self, _: int) -> None:
        if self.isSliderDown():
            QToolTip.showText(QCursor.pos(), self._place(), self)
