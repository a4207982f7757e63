"""`FittedText`: read-only text that is as high as what it says, and never loads anything."""

from math import ceil

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QKeyEvent, QPaintEvent, QPalette, QTextDocument, QWheelEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser, QWidget

from offload_app.chat.markdown import is_link
from offload_app.theme import Theme

_LONG_CHARACTERS = 2000
_WIDE = 1 << 16
_SCROLLING_KEYS = frozenset(
    {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End}
)


class FittedText(QTextBrowser):
    """Shows a document in full height; the transcript scrolls, this does not. UI thread only."""

    link_clicked = Signal(str)
    """The address of a link to the web or to mail; nothing was opened."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heights: dict[int, int] = {}
        """By width, of the document as it is."""
        self._last_width = 1
        self._owned: QTextDocument | None = None
        """The document, where it is not the one that this was made with."""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setUndoRedoEnabled(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabChangesFocus(True)
        self.viewport().setAutoFillBackground(False)
        self.anchorClicked.connect(self._on_anchor)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.document().setDocumentMargin(0)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        palette = self.palette()
        for role, colour in (
            (QPalette.ColorRole.Text, theme.text),
            (QPalette.ColorRole.Highlight, theme.selection),
            (QPalette.ColorRole.HighlightedText, theme.text),
        ):
            palette.setColor(role, QColor(colour))
        palette.setColor(QPalette.ColorRole.Base, QColor(0, 0, 0, 0))
        self.setPalette(palette)

    def show_document(self, document: QTextDocument) -> None:
        """Show another document, which this owns from now on."""
        old, self._owned = self._owned, document
        document.setParent(self)
        self.setDocument(document)
        if old is not None:
            old.deleteLater()
        document.contentsChanged.connect(self._tell_height)
        has_links = any(format.toCharFormat().isAnchor() for format in document.allFormats() if format.isCharFormat())
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if has_links else Qt.FocusPolicy.ClickFocus)
        self._tell_height()

    def natural_width(self) -> int:
        """Return the width that shows every line of a plain text unbroken, in pixels; much, where it is long."""
        text = self.toPlainText()
        if len(text) > _LONG_CHARACTERS:
            return _WIDE
        measures = QFontMetricsF(self.document().defaultFont())
        return ceil(max((measures.horizontalAdvance(line) for line in text.split("\n")), default=0.0)) + 2

    def hasHeightForWidth(self) -> bool:  # noqa: N802 (Qt's name)
        """Return that the height is decided by the width."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """Return the height that shows everything at `width`; of no width, which layouts ask for, that is nothing."""
        if width < 1:
            return 1
        self._last_width = width
        if width not in self._heights:
            document = self.document()
            if document.textWidth() != width:
                document.setTextWidth(width)
            self._heights[width] = max(1, ceil(document.size().height()))
        return self._heights[width]

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the height at the width that was asked about last: another would lay the text out again."""
        return QSize(1, self.heightForWidth(self._last_width))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return a width that never widens what holds it."""
        return QSize(1, 1)

    def loadResource(self, type: int, name: QUrl | str) -> object:  # noqa: N802
        """Return an empty picture whatever is asked for: nothing is ever loaded from an answer."""
        image = QImage(1, 1, QImage.Format.Format_ARGB32)
        image.fill(0)
        return image

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint at the width there is, whatever other widths were asked about."""
        width = self.viewport().width()
        if self.document().textWidth() != width:
            self.document().setTextWidth(width)
        super().paintEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave wheels to the transcript."""
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Leave the keys that scroll to the transcript."""
        if event.key() in _SCROLLING_KEYS and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _tell_height(self) -> None:
        self._heights.clear()
        self.updateGeometry()

    def _on_anchor(self, url: QUrl) -> None:
        if is_link(url.toString()):
            self.link_clicked.emit(url.toString())
