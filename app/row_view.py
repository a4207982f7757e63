"""`row_view`: a list of painted rows of one height, for mouse and keyboard."""

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QFrame, QListView


def row_view(rows: QAbstractItemModel, delegate: QAbstractItemDelegate) -> QListView:
    """Return a list that shows `rows` as `delegate` paints them; both must outlive it."""
    view = QListView()
    view.setFrameShape(QFrame.Shape.NoFrame)
    view.setModel(rows)
    view.setItemDelegate(delegate)
    view.setMouseTracking(True)
    view.setUniformItemSizes(True)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    return view
