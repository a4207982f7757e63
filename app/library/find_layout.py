"""Where the parts of the page of models to get lie: search and list beside, or above, offer and downloads."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSplitter, QVBoxLayout, QWidget

from offload_app.theme import SIZES

if TYPE_CHECKING:
    from offload_app.library.find_page import FindPage

SIDE_BY_SIDE = 820
"""Least width at which the offer stands beside the list, not below."""
_WIDEST = 780


class FindLayout:
    """Lays out `page`, once. Thread rule: the UI thread only."""

    def __init__(self, page: "FindPage") -> None:
        self._page = page
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setAccessibleName(page.tr("List and detail"))
        self.splitter.addWidget(self._list_side())
        self.splitter.addWidget(self._detail_side())
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([220, 480])
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        column.addWidget(self.splitter, 1)

    def fit(self, width: int) -> None:
        """Lay out for a page of that width."""
        is_wide = width >= SIDE_BY_SIDE
        orientation = Qt.Orientation.Horizontal if is_wide else Qt.Orientation.Vertical
        if self.splitter.orientation() is not orientation:
            self.splitter.setOrientation(orientation)
            self.splitter.setSizes([360, 560] if is_wide else [220, 480])

    def bring_into_view(self, widget: QWidget) -> None:
        """Scroll the offer until all of `widget` is seen, or its upper part where it is higher than the page.

        Not before it is laid out, which Qt does in its own time.
        """
        QTimer.singleShot(0, self._area, lambda: self._scroll_to(widget))

    def _scroll_to(self, widget: QWidget) -> None:
        bar = self._area.verticalScrollBar()
        top = widget.mapTo(self._content, QPoint(0, 0)).y()
        bottom = top + widget.height() - self._area.viewport().height()
        bar.setValue(min(top, max(bar.value(), bottom)))

    def _head(self) -> QHBoxLayout:
        title = QLabel(self._page.tr("Get models"))
        title.setObjectName("pageTitle")
        self._page.back.setObjectName("quiet")
        head = QHBoxLayout()
        head.setContentsMargins(SIZES.margin + 4, SIZES.gap, SIZES.margin, SIZES.gap)
        head.setSpacing(SIZES.gap)
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self._page.back)
        return head

    def _list_side(self) -> QWidget:
        page = self._page
        for label in (page.nothing, page.hint):
            label.setObjectName("hint")
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setContentsMargins(SIZES.margin + 4, SIZES.small_gap, SIZES.margin, SIZES.gap)
        search = QHBoxLayout()
        search.setContentsMargins(SIZES.margin, 0, SIZES.margin, SIZES.gap)
        search.addWidget(page.field)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(search)
        column.addWidget(page.list, 1)
        column.addWidget(page.nothing, 1, Qt.AlignmentFlag.AlignTop)
        column.addWidget(page.hint)
        return side

    def _detail_side(self) -> QScrollArea:
        # Lines that are too long are hard to read.
        inner = QWidget()
        inner.setMaximumWidth(_WIDEST)
        column = QVBoxLayout(inner)
        column.setContentsMargins(SIZES.margin + 4, SIZES.gap, SIZES.margin + 4, SIZES.margin)
        column.setSpacing(2 * SIZES.margin)
        column.addWidget(self._page.offer)
        column.addWidget(self._page.downloads)
        column.addStretch(1)
        self._content = content = QWidget()
        content.setObjectName("modelDetailContent")
        around = QHBoxLayout(content)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(inner, 1)
        around.addStretch(0)
        self._area = area = QScrollArea()
        area.setObjectName("modelDetail")
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setAccessibleName(self._page.tr("Offer and downloads"))
        return area
