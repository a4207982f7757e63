"""The budget slider: one step for each plan of an outline, painted on the scale of the bar above it, with marks."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from offload_app.gauges.widgets.typeface import Typeface, draw_line
from offload_app.library.readings.plan import BudgetMark
from offload_app.theme import SIZES, Theme

MARGIN = 10
"""From the widget's edge to where nothing is: room for the handle."""
_HANDLE = 8.0
_GROOVE = 4.0
_MARK = 5.0


class BudgetSlider(QSlider):
    """Chooses one of `budgets`. Thread rule: the UI thread only."""

    chosen = Signal(int)
    """The step a person moved it to."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self._budgets: tuple[int, ...] = ()
        self._whole = 1
        self._marks: tuple[BudgetMark, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Memory budget"))
        self.actionTriggered.connect(lambda _: self.chosen.emit(self.sliderPosition()))

    def show_budgets(self, budgets: Sequence[int], whole_bytes: int, marks: tuple[BudgetMark, ...]) -> None:
        """Offer `budgets` on a scale from nothing to `whole_bytes`, with `marks` below."""
        self._budgets, self._whole, self._marks = tuple(budgets), max(whole_bytes, 1), marks
        self.setRange(0, max(0, len(budgets) - 1))
        self.setPageStep(max(1, len(budgets) // 8))
        self.setEnabled(len(budgets) > 1)
        self.updateGeometry()
        self.update()

    def show_step(self, step: int, words: str) -> None:
        """Stand at `step` without telling anybody; `words` are what is read out."""
        blocked = self.blockSignals(True)
        self.setValue(step)
        self.blockSignals(blocked)
        self.setAccessibleDescription(words)
        self.setToolTip(words)
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Return the height of the handle and the marks."""
        return QSize(SIZES.narrowest_panel, self._height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the least that is of use."""
        return QSize(SIZES.narrowest_panel // 2, self._height())

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go to where the mouse is."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._go_to(event.position().x())
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Follow the mouse."""
        if Qt.MouseButton.LeftButton in event.buttons():
            self._go_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Stay where the mouse was."""
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint groove, marks and handle."""
        theme = self._theme
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            centre = _HANDLE + 2
            self._paint_groove(painter, centre)
            self._paint_marks(painter, centre + _HANDLE)
            if self.isEnabled() and self._budgets:
                at = QPointF(self._x(self._budgets[min(self.value(), len(self._budgets) - 1)]), centre)
                painter.setBrush(QColor(theme.accent))
                ring = theme.text if self.hasFocus() else theme.surface
                painter.setPen(QPen(QColor(ring), SIZES.focus_line))
                painter.drawEllipse(at, _HANDLE, _HANDLE)

    def _paint_groove(self, painter: QPainter, centre: float) -> None:
        left, right = self._x(0), self._x(self._whole)
        groove = QRectF(left, centre - _GROOVE / 2, right - left, _GROOVE)
        painter.setBrush(QColor(self._theme.track))
        painter.drawRoundedRect(groove, _GROOVE / 2, _GROOVE / 2)
        if self._budgets and self.isEnabled():
            # Below the floor there is nothing to choose.
            groove.setLeft(self._x(self._budgets[0]))
            painter.setBrush(QColor(self._theme.border))
            painter.drawRoundedRect(groove, _GROOVE / 2, _GROOVE / 2)
            groove.setRight(self._x(self._budgets[min(self.value(), len(self._budgets) - 1)]))
            painter.setBrush(QColor(self._theme.accent))
            painter.drawRoundedRect(groove, _GROOVE / 2, _GROOVE / 2)

    def _paint_marks(self, painter: QPainter, top: float) -> None:
        face, taken = Typeface(self.font()), -1e9
        for mark in sorted(self._marks, key=lambda mark: mark.n_bytes):
            x = self._x(mark.n_bytes)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.text))
            triangle = (QPointF(x, top - 2), QPointF(x - _MARK, top + _MARK), QPointF(x + _MARK, top + _MARK))
            painter.drawPolygon(QPolygonF(list(triangle)))
            width = face.small_measures.horizontalAdvance(mark.text) + 2
            left = max(self._x(0), min(x - width / 2, self._x(self._whole) - width))
            if left > taken:
                rect = QRectF(left, top + _MARK + 1, width, face.small_height)
                draw_line(painter, rect, mark.text, face.small, self._theme.muted)
                taken = left + width + SIZES.gap

    def _height(self) -> int:
        marks = _MARK + 2 + Typeface(self.font()).small_height if self._marks else 0.0
        return round(2 * (_HANDLE + 2) + marks)

    def _x(self, n_bytes: int) -> float:
        return MARGIN + (self.width() - 2 * MARGIN) * min(1.0, n_bytes / self._whole)

    def _go_to(self, x: float) -> None:
        if not self._budgets or not self.isEnabled():
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        step = min(range(len(self._budgets)), key=lambda step: abs(self._x(self._budgets[step]) - x))
        self.setValue(step)
        self.chosen.emit(step)
