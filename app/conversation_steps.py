"""Steps through the conversations: opens the one before or after the open one, in the order of the list."""

from PySide6.QtCore import QObject

from offload_app.chat_session import ChatSession
from offload_app.conversation_index import Entry


class ConversationSteps(QObject):
    """Follows the list of `session`. Thread rule: the UI thread only."""

    def __init__(self, session: ChatSession, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._ids: tuple[str, ...] = ()
        session.index.listed.connect(self._on_listed)

    def step(self, distance: int) -> None:
        """Open the conversation so many further down the list; at its ends nothing happens.

        From a conversation that is not listed the first step leads to the top of the list.
        """
        place = self._place() + distance
        if 0 <= place < len(self._ids):
            self._session.open(self._ids[place])
        elif self._place() < 0 and self._ids:
            self._session.open(self._ids[0])

    def _place(self) -> int:
        here = self._session.conversation.id
        return self._ids.index(here) if here in self._ids else -1

    def _on_listed(self, entries: tuple[Entry, ...]) -> None:
        self._ids = tuple(entry.id for entry in entries)
