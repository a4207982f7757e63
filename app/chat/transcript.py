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

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from offload_app.chat.message_view import MessageView
from offload_app.chat.place_bar import PlaceBar
from offload_app.chat.turn_window import TurnWindow, at_end, at_start
from offload_app.conversation import Conversation, Message, Turn, turns
from offload_app.gauges.readings.language import Language
from offload_app.theme import SIZES, Theme

WIDEST_COLUMN = 760
_GAP = 14
_NEAR_PX = 600
"""How near to an end of what is shown more of it is made."""
_AT_END_PX = 4
"""So near to the end is at the end."""
_DROPPED_AT_ONCE = 2
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
        self._theme = theme
        self._language = language
        self._turns: tuple[Turn, ...] = ()
        self._shown: tuple[tuple[Message, ...], int | None] = ((), None)
        """The messages that the turns were made of, and the leaf."""
        self._growing: int | None = None
        self._can_ask = False
        self._wanted = TurnWindow()
        self._first = 0
        """Place of the first widget's turn."""
        self._views: list[MessageView] = []
        self._tops: dict[MessageView, int] = {}
        """Where the widgets were placed; those not in it are new."""
        self._follows = True
        self._is_laying_out = False
        self._filling = QTimer(self, interval=0)
        self._filling.timeout.connect(self._fill)
        self._content = _Content(self)
        self._set_up()

    @property
    def views(self) -> tuple[MessageView, ...]:
        """The widgets there are, top to bottom."""
        return tuple(self._views)

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
        bottom = top + self.viewport().height()
        seen = [
            number
            for number, view in enumerate(self._views, start=self._first + 1)
            if view.y() < bottom and view.y() + view.height() > top
        ]
        if not seen:
            return ""
        number, count = self._language.number, len(self._turns)
        words = (
            self.tr("Message {first} of {n}") if seen[0] == seen[-1] else self.tr("Messages {first} to {last} of {n}")
        )
        return words.format(first=number(seen[0]), last=number(seen[-1]), n=number(count))

    def show_conversation(self, conversation: Conversation, growing: int | None) -> None:
        """Show another conversation from its end; `growing` is the message that is being written."""
        self._drop(0, len(self._views))
        self._shown = (conversation.messages, conversation.leaf)
        self._turns, self._growing = turns(conversation), growing
        self._wanted = at_end(len(self._turns))
        self._first = len(self._turns)
        self._follow(True)
        self._fill()
        self._filling.start()

    def update_conversation(self, conversation: Conversation, growing: int | None) -> None:
        """Show the same conversation after a step: what has not changed stays as it is."""
        if (conversation.messages, conversation.leaf, growing) == (*self._shown, self._growing):
            return
        self._shown = (conversation.messages, conversation.leaf)
        old, new = self._turns, turns(conversation)
        same = next(
            (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a.message.id != b.message.id),
            min(len(old), len(new)),
        )
        was_growing, self._turns, self._growing = self._growing, new, growing
        self._drop(max(0, same - self._first), len(self._views))
        for number, view in enumerate(self._views, start=self._first):
            turn = new[number]
            is_growing = turn.message.id == growing
            if view.turn != turn or is_growing or turn.message.id == was_growing:
                view.show_turn(turn, is_growing=is_growing)
                self._order(number - self._first)
        is_longer = len(new) > same
        if is_longer or self._wanted.last > len(new):
            if not self._views:
                self._first = len(new)
            self._wanted = TurnWindow(min(self._wanted.first, self._first), len(new), len(new))
            self._wanted = self._wanted.later()
            self._follow(self._follows or is_longer)
            self._filling.start()
            self._fill()
        else:
            self._wanted = TurnWindow(self._wanted.first, self._wanted.last, len(new))

    def grow(self, message_id: int, piece: str) -> None:
        """Add the next piece of the message that is being written, where it is shown."""
        for view in reversed(self._views):
            if view.turn.message.id == message_id:
                view.grow(piece)
                return

    def set_can_ask(self, can_ask: bool) -> None:
        """Say whether something can be asked now."""
        self._can_ask = can_ask
        for view in self._views:
            view.set_can_ask(can_ask)

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self._theme = theme
        for view in self._views:
            view.set_theme(theme)

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
        anchor = next((v for v in self._views if v in self._tops and self._tops[v] + v.height() > bar.value()), None)
        offset = 0 if anchor is None else self._tops[anchor] - bar.value()
        width = self.viewport().width()
        column = max(120, min(WIDEST_COLUMN, width - 2 * SIZES.margin))
        left, top = (width - column) // 2, SIZES.margin
        self._tops = {}
        for view in self._views:
            view.set_column(column)
            height = view.heightForWidth(column)
            view.setGeometry(left, top, column, height)
            self._tops[view] = top
            top += height + _GAP
        self._content.resize(width, max(top, 1))
        if self._follows:
            bar.setValue(bar.maximum())
        elif anchor is not None:
            bar.setValue(self._tops[anchor] - offset)
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
        self._content.setObjectName("transcriptContent")
        self.setWidget(self._content)
        self.verticalScrollBar().setSingleStep(24)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    def _fill(self) -> None:
        """Make widgets for a moment, nearest to what is seen first."""
        until = time.monotonic() + _FILL_SECONDS
        while True:
            last = self._first + len(self._views)
            if last < self._wanted.last and self._views:
                self._insert(len(self._views), self._turns[last])
            elif self._first > self._wanted.first:
                self._first -= 1
                self._insert(0, self._turns[self._first])
            else:
                break
            if time.monotonic() > until:
                break
        self._trim()
        if (self._first, self._first + len(self._views)) == (self._wanted.first, self._wanted.last):
            self._filling.stop()
        self.lay_out()

    def _insert(self, place: int, turn: Turn) -> None:
        is_growing = turn.message.id == self._growing
        view = MessageView(turn, self._theme, self._language, is_growing=is_growing, parent=self._content)
        view.set_can_ask(self._can_ask)
        view.regenerate_asked.connect(self.regenerate_asked)
        view.edit_asked.connect(self.edit_asked)
        view.branch_asked.connect(self.branch_asked)
        view.link_clicked.connect(self.link_clicked)
        view.neighbour_asked.connect(lambda step: self._focus_neighbour(view, step))
        self._views.insert(place, view)
        self._order(place)
        view.show()

    def _order(self, place: int) -> None:
        """Have Tab go to the parts of a message after those of the message before it."""
        before: QWidget = self if place == 0 else self._views[place - 1].tab_stops()[-1]
        for stop in self._views[place].tab_stops():
            self.setTabOrder(before, stop)
            before = stop

    def _trim(self) -> None:
        """Drop a few of the widgets that are not wanted any more."""
        n_late = self._first + len(self._views) - self._wanted.last
        if n_late > 0:
            self._drop(len(self._views) - min(n_late, _DROPPED_AT_ONCE), len(self._views))
        n_early = min(self._wanted.first - self._first, _DROPPED_AT_ONCE)
        if n_early > 0:
            self._drop(0, n_early)
            self._first += n_early

    def _drop(self, start: int, end: int) -> None:
        for view in self._views[start:end]:
            self._tops.pop(view, None)
            if view.isAncestorOf(QWidget.focusWidget(self) or self):
                self.setFocus()
            view.hide()
            view.deleteLater()
        del self._views[start:end]

    def _jump(self, window: TurnWindow, *, follows: bool) -> None:
        if not self._turns:
            return
        self._drop(0, len(self._views))
        self._wanted = window
        self._first = window.last if follows else window.first
        self._follow(follows)
        if not follows:
            self._insert(0, self._turns[self._first])
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
        return self._first + len(self._views) == len(self._turns)

    def _follow(self, follows: bool) -> None:
        if follows != self._follows:
            self._follows = follows
            self.end_in_view.emit(follows)

    def _look_around(self) -> None:
        """Want more where an end of what is shown is near."""
        if self._filling.isActive() or not self._views:
            return
        bar = self.verticalScrollBar()
        if bar.value() < _NEAR_PX and self._first > 0:
            self._wanted = self._wanted.earlier()
        elif bar.maximum() - bar.value() < _NEAR_PX and not self._is_whole_end():
            self._wanted = self._wanted.later()
        else:
            return
        self._filling.start()

    def _focus_neighbour(self, view: MessageView, step: int) -> None:
        place = self._views.index(view) + step
        if 0 <= place < len(self._views):
            self._views[place].setFocus(Qt.FocusReason.OtherFocusReason)
            self.ensureWidgetVisible(self._views[place], 0, _GAP)


class _Content(QWidget):
    """What is scrolled: tells the transcript where a widget wants another height."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__()
        self._transcript = transcript

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:
            self._transcript.lay_out()
        return super().event(event)
