"""`ConversationKeeper`: gives every step of conversations to the store, in order, and what is typed once a second.

Thread rule: the thread of Qt's event loop only; nothing here waits.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from PySide6.QtCore import QObject

from offload_app.conversation import Conversation
from offload_app.conversation_store import ConversationStore
from offload_app.storage.errors import NoConversationError
from offload_app.store_calls import StoreCalls
from offload_app.throttle import Throttle

WRITES_PER_SECOND = 1.0
"""Of a draft, or of the settings of a conversation."""


class ConversationKeeper(QObject):
    """Writes conversations; one that the store does not have is added by its first write."""

    def __init__(self, calls: StoreCalls, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._calls = calls
        self._known: set[str] = set()
        self._partial: Future[Any] | None = None
        self._drafts = Throttle[Conversation](self._write_draft, per_second=WRITES_PER_SECOND, parent=self)
        self._settings = Throttle[Conversation](self._write_settings, per_second=WRITES_PER_SECOND, parent=self)

    def know(self, id: str) -> None:
        """Note that the store has a conversation."""
        self._known.add(id)

    def is_worth_keeping(self, conversation: Conversation) -> bool:
        """Return whether the store has the conversation, or should."""
        return bool(conversation.messages) or conversation.id in self._known

    @property
    def may_save_partial(self) -> bool:
        """Whether the last save of a partial answer is done: a slow disk is not given more than it can take."""
        return self._partial is None or self._partial.done()

    def save_tree(self, conversation: Conversation) -> None:
        """Write new messages, which of them are shown, the title and the draft."""

        def work(store: ConversationStore) -> None:
            store.save_tree(conversation)
            store.set_title(conversation.id, conversation.title)
            store.set_draft(conversation.id, conversation.draft)

        self._write(conversation, work)

    def save_message(self, conversation: Conversation, message_id: int) -> None:
        """Write the text and end of a message."""
        self._partial = self._write(conversation, lambda store: store.save_message(conversation, message_id))

    def save_title(self, conversation: Conversation) -> None:
        """Write the title, where the conversation is kept."""
        if self.is_worth_keeping(conversation):
            self._write(conversation, lambda store: store.set_title(conversation.id, conversation.title))

    def save_draft(self, conversation: Conversation) -> None:
        """Write the draft soon."""
        self._drafts.push(conversation)

    def save_settings(self, conversation: Conversation) -> None:
        """Write system prompt and sampling soon, where the conversation is kept."""
        self._settings.push(conversation)

    def forget_draft(self) -> None:
        """Do not write the draft that waits: it was sent."""
        self._drafts.cancel()

    def flush(self) -> None:
        """Write what waits."""
        self._drafts.flush()
        self._settings.flush()

    def _write_draft(self, conversation: Conversation) -> None:
        if conversation.draft or self.is_worth_keeping(conversation):
            self._write(conversation, lambda store: store.set_draft(conversation.id, conversation.draft))

    def _write_settings(self, conversation: Conversation) -> None:
        if self.is_worth_keeping(conversation):
            values = (conversation.id, conversation.system_prompt, conversation.sampling)
            self._write(conversation, lambda store: store.set_answering(*values))

    def _write(self, conversation: Conversation, work: Callable[[ConversationStore], None]) -> "Future[None] | None":
        self._known.add(conversation.id)

        def write(store: ConversationStore) -> None:
            try:
                work(store)
            except NoConversationError:
                store.add(conversation)

        return self._calls.ask(write)
