"""`Transcript`: the current path of a conversation, scrolled; widgets for a window of it only.

Widgets are made a few at a time between events, so that a long conversation opens at once and never holds up typing.
Where the end is in view it stays in view while text comes; else what is read stays where it is.

Invariants, each proved by the test named (tests/app/chat/test_transcript*.py):
 1. At rest, at most MOST_SHOWN messages are widgets.             test_few_of_five_thousand_messages_are_widgets
 2. At the end, growing text is followed; elsewhere nothing moves. test_growing_text_moves_nothing_that_is_read
 3. Every message can be reached by scrolling.                    test_every_message_is_reached_by_scrolling

Thread rule: the UI thread only.
"""

import time
from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from offload_app.chat.message_column import GAP, MessageColumn
from offload_app.chat.message_view import MessageView
from offload_app.chat.place_bar import PlaceBar
from offload_app.chat.turn_window import TurnWindow, at_end, at_start
from offload_app.conversation import Conversation, Message, Turn, turns
from offload_app.gauges.readings.language import Language
from offload_app.theme import Theme

_NEAR_PX = 600
"""How near to an end of what is shown more of it is made."""
_AT_END_PX = 4
"""So near to the end is at the end."""
_FILL_SECONDS = 0.006
"""How long widgets are made before events are taken again."""


class Transcript(QScrollArea):
    """Shows turns, and tells what is asked of them."""

    regenerate_asked = Signal(int)
    edit_asked = Signal(int)
    branch_asked = Signal(int, int)
    link_clicked = Signal(str)
    end_in_view = Signal(bool)

    def __init__(self, theme: Theme, language: Language, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._language = language
        self._turns: tuple[Turn, ...] = ()
        self._shown: tuple[tuple[Message, ...], int | None, int | None] = ((), None, None)
        """The messages that the turns were made of, the leaf, and the message that is being written."""
        self._wanted = TurnWindow()
        self._follows = True
        self._is_laying_out = False
        self._filling = QTimer(self, interval=0)
        self._filling.timeout.connect(self._fill)
        self._column = MessageColumn(theme, language, self)
        self._set_up()

    @property
    def views(self) -> tuple[MessageView, ...]:
        """The widgets there are, top to bottom."""
        return self._column.views

    @property
    def is_filling(self) -> bool:
        """Whether widgets are still being made."""
        return self._filling.isActive()

    @property
    def follows(self) -> bool:
        """Whether the end is in view, and growing text is followed."""
        return self._follows

    @property
    def place(self) -> str:
        """Which messages of how many are in view, in words; empty where there are none."""
        top = self.verticalScrollBar().value()
        seen = self._column.seen(top, top + self.viewport().height())
        if not seen:
            return ""
        number, count = self._language.number, len(self._turns)
        words = self.tr("Message {first} of {n}") if len(seen) == 1 else self.tr("Messages {first} to {last} of {n}")
        return words.format(first=number(seen[0] + 1), last=number(seen[-1] + 1), n=number(count))

    def show_conversation(self, conversation: Conversation, growing: int | None) -> None:
        """Show another conversation from its end; `growing` is the message that is being written."""
        self._shown = (conversation.messages, conversation.leaf, growing)
        self._turns = turns(conversation)
        self._column.begin_at(len(self._turns))
        self._column.show_turns(self._turns, growing)
        self._wanted = at_end(len(self._turns))
        self._follow(True)
        self._fill()
        self._filling.start()

    def update_conversation(self, conversation: Conversation, growing: int | None) -> None:
        """Show the same conversation after a step: what has not changed stays as it is."""
        now = (conversation.messages, conversation.leaf, growing)
        if now == self._shown:
            return
        self._shown = now
        old, new = self._turns, turns(conversation)
        same, self._turns = _n_same(old, new), new
        column = self._column
        column.drop_from(same)
        column.show_turns(new, growing)
        is_longer = len(new) > same
        if is_longer or self._wanted.last > len(new):
            if not column.views:
                column.begin_at(len(new))
            self._wanted = TurnWindow(min(self._wanted.first, column.first), len(new), len(new))
            self._wanted = self._wanted.later()
            self._follow(self._follows or is_longer)
            self._filling.start()
            self._fill()
        else:
            self._wanted = TurnWindow(self._wanted.first, self._wanted.last, len(new))

    def grow(self, message_id: int, piece: str) -> None:
        """Add the next piece of the message that is being written, where it is shown."""
        self._column.grow(message_id, piece)

    def set_can_ask(self, can_ask: bool) -> None:
        """Say whether something can be asked now."""
        self._column.set_can_ask(can_ask)

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self._column.set_theme(theme)

    def show_start(self) -> None:
        """Go to the first message."""
        self._jump(at_start(len(self._turns)), follows=False)

    def show_end(self) -> None:
        """Go to the last message."""
        self._jump(at_end(len(self._turns)), follows=True)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Scroll; Home and End go to the first and last message."""
        if event.key() == Qt.Key.Key_Home:
            self.show_start()
        elif event.key() == Qt.Key.Key_End:
            self.show_end()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Lay out for the new width."""
        super().resizeEvent(event)
        self.lay_out()

    def lay_out(self) -> None:
        """Place all widgets; called where one may have another height."""
        if self._is_laying_out:
            return
        self._is_laying_out = True
        bar = self.verticalScrollBar()
        anchor = self._column.view_at(bar.value())
        offset = 0 if anchor is None else self._column.top_of(anchor) - bar.value()
        self._column.lay_out(self.viewport().width())
        if self._follows:
            bar.setValue(bar.maximum())
        elif anchor is not None:
            bar.setValue(self._column.top_of(anchor) - offset)
        self._is_laying_out = False
        if not self._follows and not self._filling.isActive():
            self._follow(self._is_end_seen())
        self._look_around()

    # Widgets

    def _set_up(self) -> None:
        self.setObjectName("transcript")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBar(PlaceBar(lambda: self.place))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(self.tr("Conversation"))
        self._column.regenerate_asked.connect(self.regenerate_asked)
        self._column.edit_asked.connect(self.edit_asked)
        self._column.branch_asked.connect(self.branch_asked)
        self._column.link_clicked.connect(self.link_clicked)
        self._column.entered.connect(lambda view: self.ensureWidgetVisible(view, 0, GAP))
        self._column.outgrown.connect(self.lay_out)
        self.setWidget(self._column)
        self.verticalScrollBar().setSingleStep(24)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    def _fill(self) -> None:
        """Make widgets for a moment, nearest to what is seen first."""
        until = time.monotonic() + _FILL_SECONDS
        column = self._column
        while True:
            if column.last < self._wanted.last and column.views:
                column.add_after(self._turns[column.last])
            elif column.first > self._wanted.first:
                column.add_before(self._turns[column.first - 1])
            else:
                break
            if time.monotonic() > until:
                break
        column.trim(self._wanted)
        if (column.first, column.last) == (self._wanted.first, self._wanted.last):
            self._filling.stop()
        self.lay_out()

    def _jump(self, window: TurnWindow, *, follows: bool) -> None:
        if not self._turns:
            return
        self._column.begin_at(window.last if follows else window.first)
        self._wanted = window
        self._follow(follows)
        if not follows:
            self._column.add_after(self._turns[window.first])
        self._fill()
        self._filling.start()
        if not follows:
            self.verticalScrollBar().setValue(0)

    # Scrolling

    def _on_scrolled(self, _: int) -> None:
        if not self._is_laying_out:
            self._follow(self._is_end_seen())
            self._look_around()

    def _is_end_seen(self) -> bool:
        bar = self.verticalScrollBar()
        return self._is_whole_end() and bar.value() >= bar.maximum() - _AT_END_PX

    def _is_whole_end(self) -> bool:
        return self._column.last == len(self._turns)

    def _follow(self, follows: bool) -> None:
        if follows != self._follows:
            self._follows = follows
            self.end_in_view.emit(follows)

    def _look_around(self) -> None:
        """Want more where an end of what is shown is near."""
        if self._filling.isActive() or not self._column.views:
            return
        bar = self.verticalScrollBar()
        if bar.value() < _NEAR_PX and self._column.first > 0:
            self._wanted = self._wanted.earlier()
        elif bar.maximum() - bar.value() < _NEAR_PX and not self._is_whole_end():
            self._wanted = self._wanted.later()
        else:
            return
        self._filling.start()


def _n_same(old: Sequence[Turn], new: Sequence[Turn]) -> int:
    """Return how many turns from the first are of the same messages."""
    pairs = zip(old, new, strict=False)
    differing = (place for place, (a, b) in enumerate(pairs) if a.message.id != b.message.id)
    return next(differing, min(len(old), len(new)))
