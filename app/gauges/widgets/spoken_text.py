"""What a screen reader says of a widget: kept up to date, but not more often than a person can listen."""

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

INTERVAL_MS = 1000


class SpokenText(QObject):
    """Sets the accessible description of `widget` at most once in `interval_ms`; the last text always arrives.

    Thread rule: the UI thread only.
    """

    def __init__(self, widget: QWidget, interval_ms: int = INTERVAL_MS) -> None:
        super().__init__(widget)
        self._widget = widget
        self._text = ""
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(interval_ms)
        self._pause.timeout.connect(self._say)

    def say(self, text: str) -> None:
        """Have `text` said, now or when the pause is over."""
        self._text = text
        if not self._pause.isActive():
            self._say()

    def _say(self) -> None:
        if self._text != self._widget.accessibleDescription():
            self._widget.setAccessibleDescription(self._text)
            self._pause.start()
