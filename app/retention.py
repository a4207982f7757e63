"""Retention: how long a deleted conversation can be restored, and its removal for good after that.

Thread rule: the thread of Qt's event loop only; the store works elsewhere.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from offload_app.conversation import now_ms
from offload_app.store_calls import StoreCalls
from offload_app.store_thread import StoreThread

KEPT_DAYS = 30
AFTER_START_MS = 15_000
"""A start has better things to do with the disk."""
_DAY_MS = 24 * 60 * 60 * 1000


class Retention(QObject):
    """Removes what was deleted more than `KEPT_DAYS` ago; `clock` gives milliseconds since 1970."""

    purged = Signal(int)
    """How many conversations were removed; also where none was."""

    def __init__(self, store: StoreThread, clock: Callable[[], int] = now_ms, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._calls = StoreCalls(store, self)
        self._timer = QTimer(self, singleShot=True, interval=AFTER_START_MS)
        self._timer.timeout.connect(self.purge)

    def begin(self) -> None:
        """Purge once, a while from now."""
        self._timer.start()

    def purge(self) -> None:
        """Remove now what is due; `purged` follows. Where the store cannot, the next start tries again."""
        deleted_before = self._clock() - KEPT_DAYS * _DAY_MS
        self._calls.ask(lambda store: store.purge(deleted_before), self.purged.emit)

    def close(self) -> None:
        """Ask nothing more of the store; before it is closed."""
        self._timer.stop()
        self._calls.close()
