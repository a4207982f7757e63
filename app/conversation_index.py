"""`ConversationIndex`: the list of conversations by last use, or those that a search finds, as it is now.

Thread rule: the thread of Qt's event loop only; the store is asked elsewhere.
"""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from offload_app.conversation_store import ConversationStore
from offload_app.store_calls import StoreCalls

PAGE = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One conversation of the list."""

    id: str
    title: str
    updated_ms: int
    snippet: str = ""
    """The text around what was searched for; empty where nothing was."""


class ConversationIndex(QObject):
    """Reads the list again when it is told to; only the newest reading is given."""

    listed = Signal(object)
    """tuple[Entry, ...], last used first."""

    def __init__(self, calls: StoreCalls, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._calls = calls
        self._query = ""
        self._limit = PAGE
        self._last_asked = 0
        self._n_listed = 0

    @property
    def query(self) -> str:
        """What is searched for; empty: nothing."""
        return self._query

    def refresh(self) -> None:
        """Read the list again; `listed` follows."""
        self._last_asked += 1
        number, query, limit = self._last_asked, self._query, self._limit
        self._calls.ask(lambda store: _entries(store, query, limit), lambda entries: self._give(number, entries))

    def search(self, query: str) -> None:
        """List what has all words of `query`; empty: everything."""
        self._query, self._limit = query.strip(), PAGE
        self.refresh()

    def more(self) -> None:
        """List more of them, where there are more."""
        if self._n_listed >= self._limit:
            self._limit += PAGE
            self.refresh()

    def _give(self, number: int, entries: tuple[Entry, ...]) -> None:
        if number == self._last_asked:
            self._n_listed = len(entries)
            self.listed.emit(entries)


def _entries(store: ConversationStore, query: str, limit: int) -> tuple[Entry, ...]:
    if query:
        return tuple(Entry(hit.id, hit.title, hit.updated_ms, hit.snippet) for hit in store.search(query, limit))
    return tuple(Entry(found.id, found.title, found.updated_ms) for found in store.conversations(limit))
