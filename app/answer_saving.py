"""`AnswerSaving`: saves what has come of an answer, at least once a second while it is written.

Thread rule: the thread of Qt's event loop only; nothing here waits.
"""

from PySide6.QtCore import QObject, QTimer

from offload_app.conversation import write
from offload_app.conversation_keeper import ConversationKeeper
from offload_app.held_conversations import HeldConversations

SAVE_MS = 800


class AnswerSaving(QObject):
    """Gives the answer of `held` to `keeper` from `begin` to `end`."""

    def __init__(self, held: HeldConversations, keeper: ConversationKeeper, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._held = held
        self._keeper = keeper
        self._timer = QTimer(self, interval=SAVE_MS)
        self._timer.timeout.connect(self._save)

    def begin(self) -> None:
        """Save again and again, beginning a while from now."""
        self._timer.start()

    def end(self) -> None:
        """Save what is not saved yet, and then no more."""
        self._timer.stop()
        self._save()

    def _save(self) -> None:
        answer = self._held.being_written
        if answer is not None and answer.has_news and self._keeper.may_save_partial:
            so_far = write(self._held.of(answer), answer.message_id, answer.take_for_saving())
            self._keeper.save_message(so_far, answer.message_id)
