"""`CodeView`: fenced code, highlighted, with its language and a button that copies it."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor, QTextOption, QWheelEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from offload_app.chat.colouring import Colouring
from offload_app.chat.lexers import lexer_of
from offload_app.chat.markdown import fixed_font
from offload_app.theme import SIZES, Theme

_PADDING = 10


class CodeView(QFrame):
    """One block of code; plain while it grows, highlighted soon after it is complete. UI thread only."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("code")
        self._theme = theme
        self._language = ""
        self._is_complete = False
        self.text = _CodeText(self)
        self.text.setAccessibleName(self.tr("Code"))
        self.colouring = Colouring(self.text.document(), self)
        self.label = QLabel()
        self.label.setObjectName("codeLanguage")
        self.copy = QPushButton(self.tr("Copy code"))
        self.copy.setObjectName("quiet")
        self.copy.setAccessibleName(self.tr("Copy code"))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.code))
        head = QHBoxLayout()
        head.addWidget(self.label)
        head.addStretch(1)
        head.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(_PADDING, SIZES.small_gap, SIZES.small_gap, _PADDING)
        column.setSpacing(SIZES.small_gap)
        column.addLayout(head)
        column.addWidget(self.text)
        self.set_theme(theme)

    @property
    def code(self) -> str:
        """The code, exactly."""
        return self.text.toPlainText()

    def show_code(self, code: str, language: str, *, is_complete: bool) -> None:
        """Show code; only what is new is added where it has grown."""
        old = self.code
        if code != old:
            self.colouring.stop()
            if code.startswith(old) and old:
                cursor = QTextCursor(self.text.document())
                cursor.movePosition(QTextCursor.MoveOperation.End)
                cursor.insertText(code[len(old) :])
            else:
                self.text.setPlainText(code)
            self.text.fit()
        self.label.setText(language or self.tr("Text"))
        if is_complete and not (self._is_complete and code == old and language == self._language):
            self._language, self._is_complete = language, True
            self.colouring.begin(language, self._theme)
        elif language and not is_complete:
            lexer_of(language)  # there when the code is complete

    def set_theme(self, theme: Theme) -> None:
        """Highlight in the colours of `theme` from now on; the rest is the style sheet's."""
        self._theme = theme
        if self._is_complete:
            self.colouring.begin(self._language, theme)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Take the size of another font."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:
            self.text.setFont(fixed_font(self.font()))
            self.text.fit()


class _CodeText(QPlainTextEdit):
    """Lines of code, unbroken, as high as they are; scrolls sideways."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("codeText")
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWordWrapMode(QTextOption.WrapMode.NoWrap)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.document().setDocumentMargin(0)
        self.setFont(fixed_font(self.font()))
        self.horizontalScrollBar().rangeChanged.connect(lambda *_: self.fit())

    def fit(self) -> None:
        """Be as high as the lines are."""
        bar = self.horizontalScrollBar()
        below = bar.sizeHint().height() if bar.maximum() > 0 else 0
        height = round(self.fontMetrics().lineSpacing() * self.blockCount()) + below + 2
        if height != self.height() or self.minimumHeight() != height:
            self.setFixedHeight(height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return a width that never widens the transcript."""
        return QSize(40, super().minimumSizeHint().height())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Scroll sideways; leave the rest to the transcript."""
        if event.angleDelta().x():
            super().wheelEvent(event)
        else:
            event.ignore()
