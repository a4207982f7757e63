"""What a person is told of trouble with the conversations, once their file has been opened."""

from concurrent.futures import Future

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal

from offload_app.notice import Notice, Subject, Weight
from offload_app.storage.errors import StoreError
from offload_app.store_thread import StoreThread


def store_notice(trouble: StoreError) -> Notice:
    """Return what to tell of `trouble`: what failed, and what to do."""
    message = QCoreApplication.translate("StoreError", trouble.MESSAGE).format(**trouble.fields)
    hint = QCoreApplication.translate("StoreError", trouble.HINT).format(**trouble.fields)
    return Notice(Subject.STORE, Weight.ERROR, f"{message} {hint}".strip())


class StoreNotice(QObject):
    """Waits for `store` to be opened, without blocking. Thread rule: the UI thread only."""

    notice = Signal(object)
    """Notice: something is wrong with the file of the conversations."""
    _opened = Signal(object)

    def __init__(self, store: StoreThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # Queued, so that who makes this can still connect where the file was opened at once.
        self._opened.connect(self._on_opened, Qt.ConnectionType.QueuedConnection)
        store.opened.add_done_callback(self._pass_on)

    def _pass_on(self, opened: "Future[StoreError | None]") -> None:
        # In the store's thread: a signal carries it over.
        if not opened.cancelled() and opened.exception() is None:
            self._opened.emit(opened.result())

    def _on_opened(self, trouble: StoreError | None) -> None:
        if trouble is not None:
            self.notice.emit(store_notice(trouble))
