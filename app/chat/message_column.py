"""`MessageColumn`: the widgets of a few turns that follow each other, one below the other.

The turns are counted from the first of the conversation: `first` is that of the topmost widget.

Thread rule: the UI thread only.
"""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QWidget

from offload_app.chat.message_view import MessageView
from offload_app.chat.turn_window import TurnWindow
from offload_app.conversation import Turn
from offload_app.gauges.readings.language import Language
from offload_app.theme import SIZES, Theme

WIDEST_COLUMN = 760
GAP = 14
_DROPPED_AT_ONCE = 2


class MessageColumn(QWidget):
    """What `reader` scrolls; it is before the messages in the order of Tab, and takes the focus of one that goes."""

    regenerate_asked = Signal(int)
    edit_asked = Signal(int)
    branch_asked = Signal(int, int)
    link_clicked = Signal(str)
    entered = Signal(object)
    """MessageView: it was given the focus from a neighbour."""
    outgrown = Signal()
    """A widget wants another height."""

    def __init__(self, theme: Theme, language: Language, reader: QWidget) -> None:
        super().__init__()
        self.setObjectName("transcriptContent")
        self._theme, self._language, self._reader = theme, language, reader
        self._growing: int | None = None
        """Id of the message that is being written."""
        self._can_ask = False
        self._first = 0
        self._views: list[MessageView] = []
        self._tops: dict[MessageView, int] = {}
        """Where the widgets were placed; those not in it are new."""

    @property
    def views(self) -> tuple[MessageView, ...]:
        """The widgets there are, top to bottom."""
        return tuple(self._views)

    @property
    def first(self) -> int:
        """Place of the first widget's turn; where there is none, of the turn before which one may be added."""
        return self._first

    @property
    def last(self) -> int:
        """Place after the last widget's turn."""
        return self._first + len(self._views)

    def seen(self, top: int, bottom: int) -> range:
        """Return the places of the turns of which something lies between two heights, in pixels."""
        views = enumerate(self._views, start=self._first)
        places = [place for place, view in views if view.y() < bottom and view.y() + view.height() > top]
        return range(places[0], places[-1] + 1) if places else range(0)

    def view_at(self, height: int) -> MessageView | None:
        """Return the first widget that was placed and ends below a height, in pixels."""
        return next((v for v in self._views if v in self._tops and self._tops[v] + v.height() > height), None)

    def top_of(self, view: MessageView) -> int:
        """Return where a widget was placed, in pixels."""
        return self._tops[view]

    def begin_at(self, first: int) -> None:
        """Drop all widgets; the next turn to be added stands after or before that place."""
        self._drop(0, len(self._views))
        self._first = first

    def add_after(self, turn: Turn) -> None:
        """Add the widget of the turn after the last."""
        self._insert(len(self._views), turn)

    def add_before(self, turn: Turn) -> None:
        """Add the widget of the turn before the first."""
        self._first -= 1
        self._insert(0, turn)

    def drop_from(self, place: int) -> None:
        """Drop the widgets of that turn and all later ones."""
        self._drop(max(0, place - self._first), len(self._views))

    def trim(self, window: TurnWindow) -> None:
        """Drop a few of the widgets that are outside of `window`."""
        n_late = self.last - window.last
        if n_late > 0:
            self._drop(len(self._views) - min(n_late, _DROPPED_AT_ONCE), len(self._views))
        n_early = min(window.first - self._first, _DROPPED_AT_ONCE)
        if n_early > 0:
            self._drop(0, n_early)
            self._first += n_early

    def show_turns(self, turns: Sequence[Turn], growing: int | None) -> None:
        """Show in every widget its turn of all `turns`; `growing` is the message that is being written."""
        was_growing, self._growing = self._growing, growing
        for place, view in enumerate(self._views, start=self._first):
            turn = turns[place]
            is_growing = turn.message.id == growing
            if view.turn != turn or is_growing or turn.message.id == was_growing:
                view.show_turn(turn, is_growing=is_growing)
                self._order(place - self._first)

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

    def lay_out(self, width: int) -> None:
        """Place all widgets in a column of at most `WIDEST_COLUMN` in the middle of that width."""
        column = max(120, min(WIDEST_COLUMN, width - 2 * SIZES.margin))
        left, top = (width - column) // 2, SIZES.margin
        self._tops = {}
        for view in self._views:
            view.set_column(column)
            height = view.heightForWidth(column)
            view.setGeometry(left, top, column, height)
            self._tops[view] = top
            top += height + GAP
        self.resize(width, max(top, 1))

    def event(self, event: QEvent) -> bool:
        """Tell where a widget wants another height."""
        if event.type() is QEvent.Type.LayoutRequest:
            self.outgrown.emit()
        return super().event(event)

    def _insert(self, index: int, turn: Turn) -> None:
        is_growing = turn.message.id == self._growing
        view = MessageView(turn, self._theme, self._language, is_growing=is_growing, parent=self)
        view.set_can_ask(self._can_ask)
        view.regenerate_asked.connect(self.regenerate_asked)
        view.edit_asked.connect(self.edit_asked)
        view.branch_asked.connect(self.branch_asked)
        view.link_clicked.connect(self.link_clicked)
        view.neighbour_asked.connect(lambda step: self._focus_neighbour(view, step))
        self._views.insert(index, view)
        self._order(index)
        view.show()

    def _order(self, index: int) -> None:
        """Have Tab go to the parts of a message after those of the message before it."""
        before: QWidget = self._reader if index == 0 else self._views[index - 1].tab_stops()[-1]
        for stop in self._views[index].tab_stops():
            QWidget.setTabOrder(before, stop)
            before = stop

    def _drop(self, start: int, end: int) -> None:
        for view in self._views[start:end]:
            self._tops.pop(view, None)
            if view.isAncestorOf(QWidget.focusWidget(self._reader) or self._reader):
                self._reader.setFocus()
            view.hide()
            view.deleteLater()
        del self._views[start:end]

    def _focus_neighbour(self, view: MessageView, step: int) -> None:
        index = self._views.index(view) + step
        if 0 <= index < len(self._views):
            self._views[index].setFocus(Qt.FocusReason.OtherFocusReason)
            self.entered.emit(self._views[index])
