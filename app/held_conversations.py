"""The conversations in hand: the open one, and the one being answered where that is another; no Qt.

    one     the answer, if there is one, is written into the open conversation
    two     another was opened meanwhile; the answer goes on in the one that is aside

Thread rule: one thread.
"""

from collections.abc import Callable
from dataclasses import replace

from offload_app.answering import Answering, Ending
from offload_app.conversation import Conversation, write


class HeldConversations:
    """Holds `open` and what is aside; `answer` returns the answer that is being written."""

    def __init__(self, open: Conversation, answer: Callable[[], Answering | None]) -> None:
        """Begin with one conversation."""
        self.open = open
        """As it was at its last step: `folded` has all that came of its answer since."""
        self._answer = answer
        self._aside: Conversation | None = None

    @property
    def being_written(self) -> Answering | None:
        """The answer that is being written, wherever it is."""
        return self._answer()

    @property
    def answer(self) -> Answering | None:
        """The answer that is being written into the open conversation."""
        answer = self._answer()
        return answer if answer is not None and answer.conversation_id == self.open.id else None

    @property
    def folded(self) -> Conversation:
        """The open conversation, with all that has come of its answer, from now on `open` too."""
        answer = self.answer
        if answer is not None:
            self.open = write(self.open, answer.message_id, answer.text)
        return self.open

    def aside(self, id: str) -> Conversation | None:
        """Return the conversation `id` where it is the one that is answered and not open."""
        return self._aside if self._aside is not None and self._aside.id == id else None

    def show(self, conversation: Conversation) -> None:
        """Have another conversation open; one that is being answered is put aside, or is no longer."""
        was_open, answer = self.folded, self._answer()
        self.open = conversation
        if answer is None:
            return
        if answer.conversation_id == conversation.id:
            self._aside = None
        elif answer.conversation_id == was_open.id:
            self._aside = was_open

    def of(self, answer: Answering) -> Conversation:
        """Return the conversation that an answer belongs to, as it was at its last step."""
        if answer.conversation_id == self.open.id:
            return self.open
        assert self._aside is not None
        return self._aside

    def name_aside(self, id: str, title: str) -> None:
        """Give a conversation its title where it is aside."""
        if self._aside is not None and self._aside.id == id:
            self._aside = replace(self._aside, title=title)

    def end(self, answer: Answering, ending: Ending) -> Conversation:
        """Write the end of an answer; returns its conversation, which is in hand only where it is open."""
        fields = {"failure": ending.failure, "receipt": ending.receipt}
        ended = write(self.of(answer), answer.message_id, answer.text, ending.state, **fields)
        self._aside = None
        if ended.id == self.open.id:
            self.open = ended
        return ended
