"""`MessageView`: one message: who says it, its text, how it ended, and what can be done with it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from offload.protocol import FinishReason, Role
from offload_app.chat.message_body import MessageBody
from offload_app.chat.receipt_reading import read_rows, read_summary
from offload_app.chat.receipt_view import ReceiptView
from offload_app.conversation import MessageState, Turn
from offload_app.gauges.readings.language import Language
from offload_app.receipt import Receipt, read_receipt
from offload_app.theme import SIZES, Theme

WIDEST_QUESTION = 0.82
"""Share of the column."""
_PADDING = 12


class MessageView(QFrame):
    """Shows one turn of a conversation. UI thread only."""

    regenerate_asked = Signal(int)
    edit_asked = Signal(int)
    branch_asked = Signal(int, int)
    """Message, and how many branches on: 1 or -1."""
    link_clicked = Signal(str)
    neighbour_asked = Signal(int)
    """The focus shall go so many messages on: 1 or -1."""

    def __init__(
        self, turn: Turn, theme: Theme, language: Language, *, is_growing: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._language = language
        self.turn = turn
        self.is_growing = is_growing
        self._is_question = turn.message.role is Role.USER
        self._receipt: Receipt | None = None
        self.receipt_view: ReceiptView | None = None
        self.role = QLabel(self._role_name())
        self.role.setObjectName("role")
        self.body = MessageBody(theme, is_markdown=not self._is_question)
        self.body.link_clicked.connect(self.link_clicked)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self._make_actions()
        self._bubble = self._lay_out()
        self.show_turn(turn, is_growing=is_growing)

    def show_turn(self, turn: Turn, *, is_growing: bool) -> None:
        """Show the same message as it is now."""
        self.turn, self.is_growing = turn, is_growing
        message = turn.message
        self.body.show_text(message.text, is_complete=not is_growing)
        self.setAccessibleName(self._role_name())
        self._receipt = read_receipt(message.receipt) if message.receipt else None
        self._show_note()
        self._show_actions()

    def grow(self, piece: str) -> None:
        """Add the next piece of the answer."""
        self.body.show_text(self.body.text + piece, is_complete=False)
        if self.note.isVisibleTo(self):
            self._show_note()

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.body.set_theme(theme)

    def set_column(self, width: int) -> None:
        """Suit a column of that width: a question is as wide as it needs to be."""
        if self._is_question:
            natural = self.body.natural_width() + 2 * _PADDING + 2
            self._bubble.setFixedWidth(max(72, min(natural, round(width * WIDEST_QUESTION))))

    def set_can_ask(self, can_ask: bool) -> None:
        """Say whether something can be asked now."""
        self.regenerate.setEnabled(can_ask)
        self.edit.setEnabled(can_ask)

    def copy_text(self) -> None:
        """Put the text, as it came, on the clipboard."""
        QGuiApplication.clipboard().setText(self.body.text)

    def toggle_receipt(self) -> None:
        """Show or hide what the answer took."""
        if self.receipt_view is not None:
            self.receipt_view.setParent(None)
            self.receipt_view.deleteLater()
            self.receipt_view = None
        elif self._receipt is not None:
            self.receipt_view = ReceiptView(read_rows(self._receipt, self._language))
            self._column.addWidget(self.receipt_view)
        self.receipt.setChecked(self.receipt_view is not None)

    def tab_stops(self) -> tuple[QWidget, ...]:
        """Return what takes the focus, in the order in which Tab goes there."""
        buttons = (self.previous, self.next, self.copy, self.regenerate, self.edit, self.receipt)
        return (self, *self.body.tab_stops(), *buttons)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Go to the message before or after, copy, or leave the key to the transcript."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_text()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.hasFocus():
            self.neighbour_asked.emit(1 if event.key() == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Have a screen reader say the text."""
        self.setAccessibleDescription(self.body.text)
        super().focusInEvent(event)

    # Parts

    def _make_actions(self) -> None:
        self.previous = _button("‹", self.tr("Previous branch"))
        self.position = QLabel()
        self.position.setObjectName("muted")
        self.next = _button("›", self.tr("Next branch"))
        self.copy = _button(self.tr("Copy"), self.tr("Copy this message"))
        self.regenerate = _button(self.tr("Regenerate"), self.tr("Write another answer beside this one"))
        self.edit = _button(self.tr("Edit"), self.tr("Ask something else instead, on a branch of its own"))
        self.receipt = _button("", self.tr("What this answer took"))
        self.receipt.setCheckable(True)
        message_id = self.turn.message.id
        self.previous.clicked.connect(lambda: self.branch_asked.emit(message_id, -1))
        self.next.clicked.connect(lambda: self.branch_asked.emit(message_id, 1))
        self.copy.clicked.connect(self.copy_text)
        self.regenerate.clicked.connect(lambda: self.regenerate_asked.emit(message_id))
        self.edit.clicked.connect(lambda: self.edit_asked.emit(message_id))
        self.receipt.clicked.connect(self.toggle_receipt)

    def _lay_out(self) -> QFrame:
        bubble = QFrame()
        bubble.setObjectName("question" if self._is_question else "answer")
        inner = QVBoxLayout(bubble)
        padding = _PADDING if self._is_question else 0
        # The line height leaves room below the last line.
        inner.setContentsMargins(padding, max(0, padding - 2), padding, max(0, padding - 8))
        inner.addWidget(self.body)
        row = QHBoxLayout()
        row.setSpacing(2)
        # The words of the buttons begin where the text does.
        row.setContentsMargins(*((0, 0, -9, 0) if self._is_question else (-9, 0, 0, 0)))
        side = Qt.AlignmentFlag.AlignRight if self._is_question else Qt.AlignmentFlag.AlignLeft
        if self._is_question:
            row.addStretch(1)
        for widget in (self.previous, self.position, self.next, self.copy, self.regenerate, self.edit, self.receipt):
            row.addWidget(widget)
        if not self._is_question:
            row.addStretch(1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(SIZES.small_gap, SIZES.small_gap, SIZES.small_gap, SIZES.small_gap)
        self._column.setSpacing(SIZES.small_gap)
        self._column.addWidget(self.role, 0, side)
        # In a row of its own: only a row asks for the height at the width that it gives.
        line = QHBoxLayout()
        if self._is_question:
            line.addStretch(1)
        line.addWidget(bubble)
        self._column.addLayout(line)
        self._column.addWidget(self.note)
        self._column.addLayout(row)
        return bubble

    def _role_name(self) -> str:
        match self.turn.message.role:
            case Role.USER:
                return self.tr("You")
            case Role.ASSISTANT:
                return self.tr("Answer")
            case Role.SYSTEM:
                return self.tr("System")

    def _show_note(self) -> None:
        text, name = self._ending()
        self.note.setText(text)
        self.note.setVisible(bool(text))
        if self.note.objectName() != name:
            self.note.setObjectName(name)
            self.note.style().unpolish(self.note)
            self.note.style().polish(self.note)

    def _ending(self) -> tuple[str, str]:
        """Return what is said of how the answer stands, and the name of its style."""
        message = self.turn.message
        if self.is_growing:
            return ("" if self.body.text else self.tr("Reading the question …"), "muted")
        if message.state is MessageState.FAILED:
            return message.failure or self.tr("An error ended this answer."), "failure"
        if message.role is not Role.ASSISTANT:
            return "", "muted"
        if message.state is MessageState.PARTIAL:
            return self.tr("Stopped."), "muted"
        if self._receipt is not None and self._receipt.finish_reason is FinishReason.CONTEXT_FULL:
            return self.tr("The context is full: the answer ends here. Begin a new conversation to go on."), "failure"
        if not message.text:
            return self.tr("The model said nothing."), "muted"
        return "", "muted"

    def _show_actions(self) -> None:
        turn, is_settled = self.turn, not self.is_growing
        has_branches = turn.count > 1
        for widget in (self.previous, self.position, self.next):
            widget.setVisible(has_branches)
        self.previous.setEnabled(turn.position > 1)
        self.next.setEnabled(turn.position < turn.count)
        text = self.tr("{position} of {count}").format(position=turn.position, count=turn.count)
        self.position.setText(text)
        self.position.setAccessibleName(self.tr("Branch {place}").format(place=text))
        self.regenerate.setVisible(is_settled and turn.message.role is Role.ASSISTANT)
        self.edit.setVisible(is_settled and self._is_question)
        self.receipt.setVisible(is_settled and self._receipt is not None)
        if self._receipt is not None:
            self.receipt.setText(read_summary(self._receipt, self._language))


def _button(text: str, purpose: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName("quiet")
    button.setToolTip(purpose)
    button.setAccessibleName(purpose)
    button.setAutoDefault(False)
    return button
