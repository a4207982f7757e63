"""`StoreThread`: a conversation store in a thread of its own, for callers that must never wait for a disk.

    open      work is done in the order in which it was given, one at a time
    closed    all that was given before is done, the store is closed; nothing more is taken

Invariants, each proved by the test named (tests/app/test_store_thread.py):
 1. Work is done in order, and never in the caller's thread.     test_work_is_done_in_order_in_one_other_thread
 2. Closing waits until all that was given is done.              test_closing_waits_for_what_was_given
 3. A failure goes to the one who gave the work; the rest works. test_a_failure_belongs_to_its_work_alone

Thread rule: any thread; callbacks of a future run in the store's thread.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from offload_app.conversation_store import ConversationStore
from offload_app.storage.errors import StoreError
from offload_app.store_opening import OpenedStore

_T = TypeVar("_T")


class StoreThread:
    """Does work on a store, elsewhere."""

    def __init__(self, open: Callable[[], OpenedStore]) -> None:
        """Begin to open a store; `opened` says when it is, and what a person must be told about it."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="conversations")
        self._store: ConversationStore | None = None
        self.opened: Future[StoreError | None] = self._executor.submit(self._open, open)

    def submit(self, work: Callable[[ConversationStore], _T]) -> "Future[_T]":
        """Have `work` done with the store after all that was given before; the future has what it returns or raises.

        Raises:
            RuntimeError: this is closed.
        """
        return self._executor.submit(self._do, work)

    def go_on_in_memory(self) -> "Future[None]":
        """Put a copy in memory in the store's place, for when the file can no longer be written."""
        return self._executor.submit(self._go_on_in_memory)

    def close(self) -> None:
        """Wait until all work is done, and close the store; a second time does nothing."""
        try:
            self._executor.submit(self._close)
        except RuntimeError:
            return
        self._executor.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, open: Callable[[], OpenedStore]) -> StoreError | None:
        opened = open()
        self._store = opened.store
        return opened.trouble

    def _do(self, work: Callable[[ConversationStore], _T]) -> _T:
        if self._store is None:
            raise StoreError
        return work(self._store)

    def _go_on_in_memory(self) -> None:
        old = self._store
        self._store = ConversationStore.in_memory() if old is None else old.copy_in_memory()
        if old is not None:
            old.close()

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
