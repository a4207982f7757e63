"""The way out: the worker is ended, then everything is saved, then the event loop ends; bounded in time.

running ─begin─▶ ending the worker ─shut_down, or time is up─▶ everything saved ─▶ done
"""

from PySide6.QtCore import QObject, QTimer, Signal

from offload_app.chat_session import ChatSession
from offload_app.engine_client import EngineClient

PATIENCE_MS = 12_000
"""A little longer than the engine waits before it kills a worker."""


class Shutdown(QObject):
    """Ends `engine`, then saves what `session` has. Thread rule: the UI thread only."""

    done = Signal()
    """Nothing runs any more; the store may be closed."""

    def __init__(self, engine: EngineClient, session: ChatSession, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._session = session
        self._has_begun = False
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._give_up)
        engine.shut_down.connect(self._finish)

    @property
    def has_begun(self) -> bool:
        """Return whether this is ending."""
        return self._has_begun

    def begin(self) -> None:
        """Begin; a second time does nothing."""
        if not self._has_begun:
            self._has_begun = True
            self._patience.start()
            self._engine.shutdown()

    def _give_up(self) -> None:
        self._engine.close()
        self._finish()

    def _finish(self) -> None:
        if self._has_begun:
            self._patience.stop()
            self._session.close()
            # Once all that hear of the shutdown have heard.
            QTimer.singleShot(0, self, self.done.emit)
