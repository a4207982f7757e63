"""What all gauges share: one reading, painted when it changes and the gauge is seen.

Invariants:
 1. A reading that equals the shown one paints nothing.       test_the_same_reading_is_not_painted_again
 2. A hidden gauge paints nothing, and is right when shown.   test_nothing_is_painted_while_hidden
 3. Its words are there for assistive technology, and change
    at most once a second.                                    test_words_are_said_at_most_once_in_an_interval
"""

from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from offload_app.gauges.readings.words import Words
from offload_app.gauges.widgets.spoken_text import SpokenText
from offload_app.gauges.widgets.typeface import Typeface, draw_line
from offload_app.theme import SIZES, Theme

FOCUS_MARGIN = 4
"""Room around the content for the frame of the focus."""


class HasWords(Protocol):
    """Every reading."""

    @property
    def words(self) -> Words:
        """What the gauge writes."""


ReadingT = TypeVar("ReadingT", bound=HasWords)


class Gauge(QWidget, Generic[ReadingT]):
    """A hand-painted widget that shows one reading. Thread rule: the UI thread only."""

    def __init__(self, theme: Theme, reading: ReadingT, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._reading = reading
        self._type = Typeface(self.font())
        self._spoken = SpokenText(self)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._speak()

    @property
    def reading(self) -> ReadingT:
        """What is shown."""
        return self._reading

    def show_reading(self, reading: ReadingT) -> None:
        """Show `reading` from now on."""
        if reading == self._reading:
            return
        height = self.heightForWidth(self.width())
        self._reading = reading
        self._speak()
        if self.heightForWidth(self.width()) != height:
            self.updateGeometry()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        if theme != self._theme:
            self._theme = theme
            self.update()

    def content_height(self, width: float) -> float:
        """Return the height the content takes at `width`."""
        raise NotImplementedError

    def paint_content(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the reading into `rect`."""
        raise NotImplementedError

    def tool_tip_at(self, position: QPointF) -> str:
        """Return what the mouse is told at `position`."""
        return self._reading.words.sentence

    def heightForWidth(self, width: int) -> int:  # noqa: N802 (Qt's name)
        """Return the height that shows everything at `width`."""
        return round(self.content_height(width - 2 * FOCUS_MARGIN) + 2 * FOCUS_MARGIN)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that fits the narrowest side panel."""
        width = SIZES.narrowest_panel - 2 * SIZES.margin + 2 * FOCUS_MARGIN
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the least that is of use."""
        return QSize(SIZES.narrowest_panel // 2, self.heightForWidth(max(self.width(), SIZES.narrowest_panel // 2)))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint the reading, and the frame of the focus."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            inner = QRectF(self.rect()).adjusted(FOCUS_MARGIN, FOCUS_MARGIN, -FOCUS_MARGIN, -FOCUS_MARGIN)
            self.paint_content(painter, inner)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(self._theme.accent), SIZES.focus_line))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), SIZES.radius, SIZES.radius)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow a change of the font."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:
            self._type = Typeface(self.font())
            self.updateGeometry()
            self.update()

    def event(self, event: QEvent) -> bool:
        """Answer the mouse's question for a tool tip, leave the rest to Qt."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tool_tip_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def _speak(self) -> None:
        words = self._reading.words
        if words.title != self.accessibleName():
            self.setAccessibleName(words.title)
        self._spoken.say(words.sentence)


class TitledGauge(Gauge[ReadingT]):
    """A gauge with title and value above its body, and a line of detail below."""

    def body_height(self, width: float) -> float:
        """Return the height of the body at `width`."""
        raise NotImplementedError

    def paint_body(self, painter: QPainter, rect: QRectF) -> None:
        """Paint what lies between the title and the detail."""
        raise NotImplementedError

    @property
    def value_colour(self) -> str:
        """Colour of the value."""
        return self._theme.text

    def body_top(self) -> float:
        """Return where the body begins, below the content's upper edge."""
        return self._type.strong_height + SIZES.small_gap

    def content_height(self, width: float) -> float:
        """Return the height of title, body and detail."""
        body = self.body_height(width)
        return self.body_top() + body + (SIZES.small_gap if body else 0) + self._type.small_height

    def paint_content(self, painter: QPainter, rect: QRectF) -> None:
        """Paint title, value, body and detail, from top to bottom."""
        words, face = self._reading.words, self._type
        value_width = min(rect.width(), face.strong_measures.horizontalAdvance(words.value) + 1)
        header = QRectF(rect.left(), rect.top(), rect.width(), face.strong_height)
        value = QRectF(rect.right() - value_width, header.top(), value_width, header.height())
        draw_line(painter, value, words.value, face.strong, self.value_colour, align_right=True)
        title_rect = header.adjusted(0, 0, -value_width - SIZES.gap, 0)
        draw_line(painter, title_rect, words.title, face.plain, self._theme.muted)
        body = QRectF(rect.left(), rect.top() + self.body_top(), rect.width(), self.body_height(rect.width()))
        if body.height():
            self.paint_body(painter, body)
        height = face.small_height
        detail = QRectF(rect.left(), rect.bottom() - height, rect.width(), height)
        draw_line(painter, detail, words.detail, face.small, self._theme.muted)
