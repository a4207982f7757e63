"""Markdown made into a document that is safe to show: no image, no HTML, no link but to the web or to mail.

The document is changed before it has a layout, which is what would look for the files of images.
"""

from collections.abc import Iterator
from typing import NamedTuple

from PySide6.QtCore import QUrl
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontDatabase,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextTable,
)

from offload_app.theme import Theme

LINE_HEIGHT = 142.0
"""Percent of the font's own."""
PARAGRAPH_GAP = 10.0
LINK_SCHEMES = frozenset({"http", "https", "mailto"})

_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
_HEADING_SIZES = {1: 1.4, 2: 1.25, 3: 1.12}
_PROPORTIONAL = QTextBlockFormat.LineHeightTypes.ProportionalHeight.value


class _Run(NamedTuple):
    """Characters of one format."""

    start: int
    end: int
    format: QTextCharFormat
    text: str


def markdown_document(text: str, theme: Theme, font: QFont) -> QTextDocument:
    """Return a new document that shows Markdown, in the colours of `theme`."""
    document = _empty_document(font)
    document.setMarkdown(text, _FEATURES)
    _take_images_out(document)
    _style_runs(document, theme)
    _style_blocks(document, font)
    _style_tables(document, theme)
    return document


def plain_document(text: str, font: QFont) -> QTextDocument:
    """Return a new document that shows `text` as it is."""
    document = _empty_document(font)
    append_plain(document, text)
    return document


def append_plain(document: QTextDocument, text: str) -> None:
    """Add `text` as it is at the end of a document."""
    cursor = QTextCursor(document)
    cursor.movePosition(QTextCursor.MoveOperation.End)
    cursor.beginEditBlock()
    cursor.setBlockFormat(_spaced(cursor.block(), is_first=cursor.block().blockNumber() == 0, gap=0.0))
    cursor.insertText(text, QTextCharFormat())
    cursor.endEditBlock()


def append_paragraph(document: QTextDocument, text: str) -> None:
    """Add `text` as it is, as a paragraph of its own at the end of a document."""
    cursor = QTextCursor(document)
    cursor.movePosition(QTextCursor.MoveOperation.End)
    block = QTextBlockFormat()
    block.setLineHeight(LINE_HEIGHT, _PROPORTIONAL)
    block.setTopMargin(PARAGRAPH_GAP)
    cursor.insertBlock(block, QTextCharFormat())
    cursor.insertText(text)


def fixed_font(size_of: QFont) -> QFont:
    """Return the system's font of fixed width, a little smaller than `size_of`."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    if size_of.pointSizeF() > 0:
        font.setPointSizeF(size_of.pointSizeF() * 0.95)
    else:
        font.setPixelSize(max(1, round(size_of.pixelSize() * 0.95)))
    return font


def is_link(address: str) -> bool:
    """Return whether a person may be offered to open `address`."""
    url = QUrl(address)
    return url.isValid() and url.scheme().lower() in LINK_SCHEMES


def _empty_document(font: QFont) -> QTextDocument:
    document = QTextDocument()
    document.setUndoRedoEnabled(False)
    document.setDefaultFont(font)
    document.setDocumentMargin(0)
    return document


def _blocks(document: QTextDocument) -> Iterator[QTextBlock]:
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()


def _runs(document: QTextDocument) -> list[_Run]:
    runs = []
    for block in _blocks(document):
        iterator = block.begin()
        while not iterator.atEnd():
            fragment = iterator.fragment()
            start = fragment.position()
            runs.append(_Run(start, start + fragment.length(), fragment.charFormat(), fragment.text()))
            iterator += 1
    return runs


def _select(document: QTextDocument, run: _Run) -> QTextCursor:
    cursor = QTextCursor(document)
    cursor.setPosition(run.start)
    cursor.setPosition(run.end, QTextCursor.MoveMode.KeepAnchor)
    return cursor


def _take_images_out(document: QTextDocument) -> None:
    """Put the words of an image, and where it would come from, in its place."""
    for run in reversed(_runs(document)):
        if run.format.isImageFormat():
            image = run.format.toImageFormat()
            words = str(image.property(QTextFormat.Property.ImageAltText) or "").strip()
            _select(document, run).insertText(f"[{words}] {image.name()}".removeprefix("[] "), QTextCharFormat())


def _style_runs(document: QTextDocument, theme: Theme) -> None:
    for run in _runs(document):
        if run.format.isAnchor():
            change = QTextCharFormat(run.format)
            if is_link(run.format.anchorHref()):
                change.setForeground(QBrush(QColor(theme.accent)))
            else:
                for name in (QTextFormat.Property.IsAnchor, QTextFormat.Property.AnchorHref):
                    change.clearProperty(name)
                change.clearForeground()
                change.setFontUnderline(False)
            _select(document, run).setCharFormat(change)
        if run.format.fontFixedPitch():
            change = QTextCharFormat()
            change.setBackground(QBrush(QColor(theme.code)))
            change.setFontFamilies(fixed_font(document.defaultFont()).families())
            _select(document, run).mergeCharFormat(change)


def _style_blocks(document: QTextDocument, font: QFont) -> None:
    for block in _blocks(document):
        cursor = QTextCursor(block)
        is_item = block.textList() is not None
        cursor.setBlockFormat(_spaced(block, is_first=block.blockNumber() == 0, gap=4.0 if is_item else PARAGRAPH_GAP))
        level = block.blockFormat().headingLevel()
        if level and font.pointSizeF() > 0:
            cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
            change = QTextCharFormat()
            change.setFontPointSize(font.pointSizeF() * _HEADING_SIZES.get(level, 1.0))
            change.setFontWeight(QFont.Weight.DemiBold)
            change.setProperty(QTextFormat.Property.FontSizeAdjustment, 0)
            cursor.mergeCharFormat(change)


def _spaced(block: QTextBlock, *, is_first: bool, gap: float) -> QTextBlockFormat:
    spaced = QTextBlockFormat(block.blockFormat())
    spaced.setLineHeight(LINE_HEIGHT, _PROPORTIONAL)
    spaced.setTopMargin(0.0 if is_first else gap)
    spaced.setBottomMargin(0.0)
    return spaced


def _style_tables(document: QTextDocument, theme: Theme) -> None:
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            shape = frame.format()
            shape.setBorderCollapse(True)
            shape.setCellPadding(6)
            shape.setBorder(1)
            shape.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            shape.setBorderBrush(QBrush(QColor(theme.border)))
            shape.setTopMargin(PARAGRAPH_GAP)
            frame.setFormat(shape)
