"""`StoreCalls`: work on the store whose results come back to the thread of Qt's event loop.

Invariants, each proved by the test named (tests/app/test_store_calls.py):
 1. A result is given in the thread of the event loop, in the order of the work.   test_results_come_in_order_to_the_ui
 2. A failure is told, as a sentence; one that repeats is told once.               test_a_failure_is_told_once
 3. Nothing is given any more once this is deleted or closed.                      test_after_closing_nothing_comes

Thread rule: the thread of Qt's event loop only.
"""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal

from offload_app.conversation_store import ConversationStore
from offload_app.storage.errors import StoreError
from offload_app.store_thread import StoreThread

_T = TypeVar("_T")


class StoreCalls(QObject):
    """Gives work to a store and brings back what comes of it."""

    failed = Signal(str)
    """A sentence: what could not be done, and what to do."""
    _finished = Signal(object, object)

    def __init__(self, store: StoreThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._is_closed = False
        self._last_failure = ""
        self._finished.connect(self._give, Qt.ConnectionType.QueuedConnection)

    def ask(
        self,
        work: Callable[[ConversationStore], _T],
        then: Callable[[_T], object] | None = None,
        otherwise: Callable[[StoreError], object] | None = None,
    ) -> "Future[_T] | None":
        """Have `work` done, then call `then` with its result, or `otherwise` with its error; None where closed."""
        if self._is_closed:
            return None
        future = self._store.submit(work)
        future.add_done_callback(lambda done: self._bring(done, (then, otherwise)))
        return future

    def close(self) -> None:
        """Give back nothing more; work that was given is still done."""
        self._is_closed = True

    def _bring(self, future: "Future[Any]", receivers: object) -> None:
        """Pass a result on to the event loop; called in the store's thread."""
        with suppress(RuntimeError):  # the program is ending, and this is deleted
            self._finished.emit(future, receivers)

    def _give(self, future: "Future[Any]", receivers: tuple[Any, Any]) -> None:
        if self._is_closed:
            return
        then, otherwise = receivers
        error = future.exception()
        if error is None:
            self._last_failure = ""
            if then is not None:
                then(future.result())
            return
        if not isinstance(error, StoreError):
            raise error
        self._tell(store_sentence(error))
        if otherwise is not None:
            otherwise(error)

    def _tell(self, sentence: str) -> None:
        if sentence != self._last_failure:
            self._last_failure = sentence
            self.failed.emit(sentence)


def store_sentence(error: StoreError) -> str:
    """Return what failed and what to do, in the language of the application."""
    parts = (QCoreApplication.translate("StoreError", text) for text in (error.MESSAGE, error.HINT) if text)
    return " ".join(part.format(**error.fields) for part in parts)
