"""`MessageBody`: the text of a message; an answer as blocks of Markdown and code, a question as it was typed."""

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from offload_app.chat.blocks import Block, Code, Prose, blocks_of, complete_length
from offload_app.chat.code_view import CodeView
from offload_app.chat.fitted_text import FittedText
from offload_app.chat.markdown import append_paragraph, append_plain, markdown_document, plain_document
from offload_app.theme import SIZES, Theme


class MessageBody(QWidget):
    """Shows a text that may grow: complete blocks as Markdown, the last one plain until it is. UI thread only."""

    link_clicked = Signal(str)

    def __init__(self, theme: Theme, *, is_markdown: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._is_markdown = is_markdown
        self._text = ""
        self._is_complete = True
        self._blocks: tuple[Block, ...] = ()
        self._views: list[FittedText | CodeView] = []
        self._rendered = ""
        """The beginning of the last prose that is shown as Markdown, while it grows."""
        self._tail = ""
        """What is shown after it, as it is."""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SIZES.gap + 2)

    @property
    def text(self) -> str:
        """The text, as it came."""
        return self._text

    @property
    def views(self) -> tuple[FittedText | CodeView, ...]:
        """What shows the blocks, top to bottom."""
        return tuple(self._views)

    def show_text(self, text: str, *, is_complete: bool) -> None:
        """Show `text`; not complete: more of it will come."""
        self._text, was_complete, self._is_complete = text, self._is_complete, is_complete
        blocks = blocks_of(text) if self._is_markdown else (Prose(text),)
        for number, block in enumerate(blocks):
            is_last = number == len(blocks) - 1
            is_same = number < len(self._blocks) and self._blocks[number] == block
            is_settled = is_complete or not is_last
            was_settled = was_complete or number < len(self._blocks) - 1
            if not (is_same and number < len(self._views) and (was_settled or not is_settled)):
                self._show(number, block, is_complete=is_settled)
        self._drop_from(len(blocks))
        self._blocks = blocks

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self._theme = theme
        for view in self._views:
            view.set_theme(theme)
        self._blocks = ()
        self._rendered = self._tail = ""
        self.show_text(self._text, is_complete=self._is_complete)

    def tab_stops(self) -> tuple[QWidget, ...]:
        """Return what takes the focus, in the order in which Tab goes there."""
        stops: list[QWidget] = []
        for view in self._views:
            stops += [view] if isinstance(view, FittedText) else [view.copy, view.text]
        return tuple(stops)

    def natural_width(self) -> int:
        """Return the width at which no line of a plain text is broken, in pixels."""
        return max((view.natural_width() for view in self._views if isinstance(view, FittedText)), default=0)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Write in another font, where one is chosen."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange and self._views:
            self.set_theme(self._theme)

    def _show(self, number: int, block: Block, *, is_complete: bool) -> None:
        if isinstance(block, Code):
            code = self._code_view(number)
            code.show_code(block.text, block.language, is_complete=is_complete)
            return
        prose = self._prose_view(number)
        if not self._is_markdown:
            prose.show_document(plain_document(block.text, self.font()))
        elif is_complete:
            prose.show_document(markdown_document(block.text, self._theme, self.font()))
            self._rendered = self._tail = ""
        else:
            self._grow(prose, block.text)

    def _grow(self, view: FittedText, text: str) -> None:
        """Show prose of which more will come, changing as little as can be."""
        end = complete_length(text)
        rendered, tail = text[:end], text[end:]
        if rendered != self._rendered or not tail.startswith(self._tail) or not view.document().characterCount() > 1:
            self._rendered, self._tail = rendered, tail
            if not rendered:
                view.show_document(plain_document(tail, self.font()))
                return
            view.show_document(markdown_document(rendered, self._theme, self.font()))
            if tail:
                append_paragraph(view.document(), tail)
        elif len(tail) > len(self._tail):
            if self._tail or not rendered:
                append_plain(view.document(), tail[len(self._tail) :])
            else:
                append_paragraph(view.document(), tail)
            self._tail = tail

    def _prose_view(self, number: int) -> FittedText:
        found = self._found(number, FittedText)
        if isinstance(found, FittedText):
            return found
        view = FittedText(self._theme)
        view.link_clicked.connect(self.link_clicked)
        view.setAccessibleName(self.tr("Text of the message"))
        self._rendered = self._tail = ""
        self._add(view)
        return view

    def _code_view(self, number: int) -> CodeView:
        found = self._found(number, CodeView)
        if isinstance(found, CodeView):
            return found
        view = CodeView(self._theme)
        self._add(view)
        return view

    def _found(self, number: int, kind: type[QWidget]) -> QWidget | None:
        """Return the view of a block where it is of that kind; what stands in its way is removed."""
        if number < len(self._views) and not isinstance(self._views[number], kind):
            self._drop_from(number)
        return self._views[number] if number < len(self._views) else None

    def _add(self, view: FittedText | CodeView) -> None:
        self._views.append(view)
        self._column.addWidget(view)

    def _drop_from(self, number: int) -> None:
        for view in self._views[number:]:
            self._column.removeWidget(view)
            view.hide()
            view.deleteLater()
        del self._views[number:]
