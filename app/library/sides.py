"""`Sides`: a list and the detail of what is chosen in it, side by side where there is room, else one below."""

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget

SIDE_BY_SIDE = 820
"""Least width at which the detail stands beside the list, not below."""


class Shares(NamedTuple):
    """What the list and its detail get of the room, as one is to the other."""

    of_list: int
    of_detail: int


class Sides(QSplitter):
    """Holds both, and leaves what a person made of their sizes. Thread rule: the UI thread only."""

    def __init__(self, list_side: QWidget, detail_side: QWidget, *, beside: Shares, below: Shares) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._beside, self._below = beside, below
        self.setHandleWidth(1)
        self.setChildrenCollapsible(False)
        self.setAccessibleName(self.tr("List and detail"))
        self.addWidget(list_side)
        self.addWidget(detail_side)
        self.setStretchFactor(1, 1)
        self.setSizes(below)

    def fit(self, width: int) -> None:
        """Lay out for a page of that width."""
        is_wide = width >= SIDE_BY_SIDE
        orientation = Qt.Orientation.Horizontal if is_wide else Qt.Orientation.Vertical
        if self.orientation() is not orientation:
            self.setOrientation(orientation)
            self.setSizes(self._beside if is_wide else self._below)
