"""`ChatActions`: everything that can be done in the chat, as actions with shortcuts, enabled when it can be done."""

from collections import Counter
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from offload.protocol import Role
from offload_app.chat_session import ChatSession
from offload_app.conversation import siblings


class ChatActions(QObject):
    """The actions of one session; `begin_edit`, `submit` and `copy` are done by the page. UI thread only."""

    def __init__(
        self,
        session: ChatSession,
        *,
        submit: Callable[[], None],
        begin_edit: Callable[[int], None],
        copy: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._begin_edit = begin_edit
        self._copy = copy
        self.new = self._action(self.tr("&New conversation"), "Ctrl+N", session.new)
        self.send = self._action(self.tr("&Send"), "Ctrl+Return", submit)
        self.stop = self._action(self.tr("S&top the answer"), "Ctrl+.", session.stop)
        self.regenerate = self._action(self.tr("&Regenerate the answer"), "Ctrl+R", lambda: session.regenerate())
        self.edit = self._action(self.tr("&Edit the last question"), "Ctrl+Up", self._edit_last)
        self.copy = self._action(self.tr("&Copy the last answer"), "Ctrl+Shift+C", self._copy_last)
        self.previous = self._action(self.tr("&Previous branch"), "Alt+Left", lambda: self._step_branch(-1))
        self.next = self._action(self.tr("Ne&xt branch"), "Alt+Right", lambda: self._step_branch(1))
        for signal in (session.opened, session.changed, session.answering_changed, session.refusal_changed):
            signal.connect(self._on_session)
        self.set_has_text(False)

    @property
    def all(self) -> list[QAction]:
        """Every action, in the order of a menu."""
        return [self.new, self.send, self.stop, self.regenerate, self.edit, self.copy, self.previous, self.next]

    def set_has_text(self, has_text: bool) -> None:
        """Say whether something is typed."""
        self._has_text = has_text
        self._show_state()

    def switch_branch(self, message_id: int, step: int) -> None:
        """Show the branch beside a message, `step` on from its own; past the ends nothing is done."""
        branches = siblings(self._session.conversation, message_id)
        place = branches.index(message_id) + step
        if 0 <= place < len(branches):
            self._session.switch(branches[place])

    def _action(self, text: str, shortcut: str, do: Callable[[], object]) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(shortcut))
        action.triggered.connect(lambda: do())
        return action

    def _on_session(self, _: object) -> None:
        self._show_state()

    def _show_state(self) -> None:
        session = self._session
        can_ask = session.can_send
        branching = self._branching()
        self.send.setEnabled(can_ask and self._has_text)
        self.stop.setEnabled(session.is_answering)
        self.regenerate.setEnabled(can_ask and session.last_answer is not None)
        self.edit.setEnabled(can_ask and session.last_question is not None)
        self.copy.setEnabled(session.last_answer is not None)
        place, count = (0, 0) if branching is None else branching[1:]
        self.previous.setEnabled(place > 1)
        self.next.setEnabled(place < count)

    def _branching(self) -> tuple[int, int, int] | None:
        """Return the last message of the path that has branches beside it, its place from 1, and their number."""
        conversation = self._session.conversation
        n_children = Counter(message.parent for message in conversation.messages)
        message = conversation.current
        while message is not None:
            if n_children[message.parent] > 1:
                branches = siblings(conversation, message.id)
                return message.id, branches.index(message.id) + 1, len(branches)
            message = None if message.parent is None else conversation.message(message.parent)
        return None

    def _step_branch(self, step: int) -> None:
        branching = self._branching()
        if branching is not None:
            self.switch_branch(branching[0], step)

    def _edit_last(self) -> None:
        question = self._session.last_question
        if question is not None:
            self._begin_edit(question.id)

    def _copy_last(self) -> None:
        answer = self._session.last_answer
        if answer is not None and answer.role is Role.ASSISTANT:
            self._copy(self._session.conversation.message(answer.id).text)
