"""`Composer`: where a person types: Enter sends, Shift+Enter begins a line, Escape stops."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from offload_app.theme import SIZES, Theme

MOST_LINES = 8
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_PAGES = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
"""Left to what holds this: they scroll the transcript."""


class Composer(QWidget):
    """A field that grows with its text, and one button that sends or stops. UI thread only."""

    sent = Signal(str)
    stop_asked = Signal()
    drafted = Signal(str)
    """What is typed now, unless an earlier question is being edited."""
    edited = Signal(int, str)
    """An earlier question, and what shall be asked instead."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._refusal = ""
        self._is_answering = False
        self._edited: int | None = None
        self._draft = ""
        """What was typed before an earlier question was taken for editing."""
        self.input = _Input()
        self.button = QPushButton()
        self.button.setObjectName("primary")
        self.hint = QLabel()
        self.hint.setObjectName("hint")
        self.hint.setWordWrap(True)
        self._frame = self._lay_out()
        self._connect()
        self.set_theme(theme)
        self._show_state()

    @property
    def text(self) -> str:
        """What is typed."""
        return self.input.toPlainText()

    @property
    def edited_message(self) -> int | None:
        """The earlier question that is being edited."""
        return self._edited

    def set_text(self, text: str) -> None:
        """Show a draft; nothing is being edited."""
        self._edited = None
        if text != self.text:
            self.input.setPlainText(text)
            self.input.moveCursor(self.input.textCursor().MoveOperation.End)
        self._show_state()

    def begin_edit(self, message_id: int, text: str) -> None:
        """Take an earlier question for editing; what was typed comes back afterwards."""
        if self._edited is None:
            self._draft = self.text
        self._edited = message_id
        self.input.setPlainText(text)
        self.input.moveCursor(self.input.textCursor().MoveOperation.End)
        self.input.setFocus()
        self._show_state()

    def end_edit(self) -> None:
        """Leave the earlier question as it is."""
        if self._edited is not None:
            self.set_text(self._draft)

    def set_state(self, refusal: str, *, is_answering: bool) -> None:
        """Say why nothing can be sent (empty: it can), and whether an answer can be stopped."""
        self._refusal, self._is_answering = refusal, is_answering
        self._show_state()

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        palette = self.input.palette()
        palette.setColor(QPalette.ColorRole.PlaceholderText, QColor(theme.muted))
        palette.setColor(QPalette.ColorRole.Text, QColor(theme.text))
        self.input.setPalette(palette)

    def submit(self) -> None:
        """Send what is typed, where that can be done."""
        text = self.text
        if not text.strip() or self._refusal:
            return
        if self._edited is not None:
            edited = self._edited
            self.set_text(self._draft)
            self.edited.emit(edited, text)
        else:
            self.input.clear()
            self.sent.emit(text)

    def _connect(self) -> None:
        self.input.submitted.connect(self.submit)
        self.input.escaped.connect(self._on_escape)
        self.input.focused.connect(self._mark_focus)
        self.input.textChanged.connect(self._on_text)
        self.button.clicked.connect(self._on_button)

    def _on_button(self) -> None:
        if self._is_answering:
            self.stop_asked.emit()
        else:
            self.submit()

    def _on_escape(self) -> None:
        if self._edited is not None:
            self.end_edit()
        elif self._is_answering:
            self.stop_asked.emit()

    def _on_text(self) -> None:
        if self._edited is None:
            self.drafted.emit(self.text)
        self._show_state()

    def _mark_focus(self, has_focus: bool) -> None:
        self._frame.setProperty("active", has_focus)
        self._frame.style().unpolish(self._frame)
        self._frame.style().polish(self._frame)

    def _show_state(self) -> None:
        self.button.setText(self.tr("Stop") if self._is_answering else self.tr("Send"))
        purpose = self.tr("Stop the answer") if self._is_answering else self.tr("Send the question")
        self.button.setAccessibleName(purpose)
        self.button.setToolTip(self._refusal if self._refusal and not self._is_answering else purpose)
        self.button.setEnabled(self._is_answering or (not self._refusal and bool(self.text.strip())))
        self.hint.setText(self._hint())

    def _hint(self) -> str:
        if self._is_answering:
            return self.tr("Esc stops the answer.")
        if self._refusal:
            return self._refusal
        if self._edited is not None:
            return self.tr("You are editing an earlier question: sending makes a branch, Esc leaves it as it is.")
        return self.tr("Enter sends, Shift+Enter begins a new line.")

    def _lay_out(self) -> QFrame:
        frame = QFrame()
        frame.setObjectName("composer")
        row = QHBoxLayout(frame)
        row.setContentsMargins(SIZES.margin, SIZES.gap, SIZES.gap, SIZES.gap)
        row.setSpacing(SIZES.gap)
        row.addWidget(self.input, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SIZES.small_gap)
        column.addWidget(frame)
        column.addWidget(self.hint)
        self.setFocusProxy(self.input)
        return frame


class _Input(QPlainTextEdit):
    """The field: as high as its lines, up to a limit."""

    submitted = Signal()
    escaped = Signal()
    focused = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("input")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setPlaceholderText(self.tr("Ask something …"))
        self.setAccessibleName(self.tr("Your question"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().documentLayout().documentSizeChanged.connect(lambda _: self._fit())
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Send, stop, or type."""
        has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() in _ENTER and not has_shift:
            self.submitted.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        elif event.key() in _PAGES:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusOutEvent(event)
        self.focused.emit(False)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(120, self.height())

    def _fit(self) -> None:
        lines = max(1, round(self.document().size().height()))
        shown = min(lines, MOST_LINES)
        margins = 2 * round(self.document().documentMargin()) + 2
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded if lines > MOST_LINES else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        self.setFixedHeight(shown * self.fontMetrics().lineSpacing() + margins)
