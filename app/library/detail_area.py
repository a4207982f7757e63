"""`DetailArea`: a column of what is to be read, scrolled, and no wider than lines may be."""

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from offload_app.theme import SIZES

_WIDEST = 780
"""Lines that are longer are hard to read."""


class DetailArea(QScrollArea):
    """Scrolls `column`, which whoever makes one fills. Thread rule: the UI thread only."""

    def __init__(self, parent: QWidget | None = None, *, top: int = SIZES.margin, spacing: int = SIZES.gap) -> None:
        super().__init__(parent)
        self.setObjectName("modelDetail")
        inner = QWidget()
        inner.setMaximumWidth(_WIDEST)
        self.column = QVBoxLayout(inner)
        self.column.setContentsMargins(SIZES.margin + 4, top, SIZES.margin + 4, SIZES.margin)
        self.column.setSpacing(spacing)
        self._content = QWidget()
        self._content.setObjectName("modelDetailContent")
        around = QHBoxLayout(self._content)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(inner, 1)
        around.addStretch(0)
        self.setWidget(self._content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def bring_into_view(self, widget: QWidget) -> None:
        """Scroll until all of `widget` is seen, or its upper part where it is higher than the area.

        Not before it is laid out, which Qt does in its own time.
        """
        QTimer.singleShot(0, self, lambda: self._scroll_to(widget))

    def _scroll_to(self, widget: QWidget) -> None:
        bar = self.verticalScrollBar()
        top = widget.mapTo(self._content, QPoint(0, 0)).y()
        bottom = top + widget.height() - self.viewport().height()
        bar.setValue(min(top, max(bar.value(), bottom)))
