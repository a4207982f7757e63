"""`Colouring`: gives code its colours, a little at a time, so that however much there is never holds up typing.

    idle ──begin──▶ waiting for the lexer ──▶ colouring, a moment at a time ──▶ idle
                    stop, or another begin: what is coloured stays so

Thread rule: the UI thread only.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future

from pygments.lexer import Lexer
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor, QTextDocument

from offload_app.chat.highlight import Span, spans_of
from offload_app.chat.lexers import lexer_of
from offload_app.theme import Theme

_COLOUR_SECONDS = 0.004
_PAUSE_MS = 8


class Colouring(QObject):
    """Colours `document`, whose text must not change meanwhile."""

    def __init__(self, document: QTextDocument, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._lexer: Future[Lexer | None] | None = None
        self._theme: Theme | None = None
        self._spans: Iterator[Span] | None = None
        self._timer = QTimer(self, interval=_PAUSE_MS)
        self._timer.timeout.connect(self._go_on)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to colour."""
        return not self._timer.isActive()

    def begin(self, language: str, theme: Theme) -> None:
        """Take all colours away, and give the text those of its language from now on."""
        cursor = QTextCursor(self._document)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.setCharFormat(QTextCharFormat())
        self._lexer, self._theme, self._spans = lexer_of(language), theme, None
        self._timer.start()
        self._go_on()

    def stop(self) -> None:
        """Colour no more."""
        self._timer.stop()

    def _go_on(self) -> None:
        if self._lexer is None or self._theme is None or not self._lexer.done():
            return
        if self._spans is None:
            self._spans = spans_of(self._document.toPlainText(), self._lexer.result(), self._theme)
        until = time.monotonic() + _COLOUR_SECONDS
        colours: dict[str, QTextCharFormat] = {}
        cursor = QTextCursor(self._document)
        cursor.beginEditBlock()
        for span in self._spans:
            if span.colour not in colours:
                colours[span.colour] = QTextCharFormat()
                colours[span.colour].setForeground(QColor(span.colour))
            cursor.setPosition(span.start)
            cursor.setPosition(span.start + span.length, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(colours[span.colour])
            if time.monotonic() > until:
                break
        else:
            self._timer.stop()
        cursor.endEditBlock()
