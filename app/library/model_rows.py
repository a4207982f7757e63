"""The rows of the list of models: a Qt model of them, and how one is painted."""

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from offload_app.gauges.widgets.typeface import Typeface
from offload_app.library.readings.model_row import ModelRow
from offload_app.theme import SIZES, Theme

_Index = QModelIndex | QPersistentModelIndex
_PADDING = 8
_TITLE = int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.AlignmentFlag.AlignLeft) | int(Qt.TextFlag.TextSingleLine)
_STATE = int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.AlignmentFlag.AlignRight) | int(Qt.TextFlag.TextSingleLine)


class ModelRows(QAbstractListModel):
    """The rows; a change that leaves their order is told row by row, so that selection and place stay.

    Thread rule: the UI thread only.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[ModelRow, ...] = ()

    @property
    def rows(self) -> tuple[ModelRow, ...]:
        """What is listed."""
        return self._rows

    def show_rows(self, rows: tuple[ModelRow, ...]) -> bool:
        """List other rows; return whether the list began anew, so that nothing is chosen any more."""
        before, is_same = self._rows, [row.key for row in self._rows] == [row.key for row in rows]
        if not is_same:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
            return True
        self._rows = rows
        for place, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(place), self.index(place))
        return False

    def place_of(self, key: str) -> int | None:
        """Return the row of a model; None: it is not listed."""
        return next((place for place, row in enumerate(self._rows) if row.key == key), None)

    def rowCount(self, parent: _Index | None = None) -> int:  # noqa: N802 (Qt's name)
        """Return how many there are."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the row, its title, or what a screen reader says."""
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.UserRole:
                return row
            case Qt.ItemDataRole.DisplayRole:
                return row.title
            case Qt.ItemDataRole.ToolTipRole:
                return row.tool_tip
            case Qt.ItemDataRole.AccessibleTextRole:
                return row.spoken
        return None


class ModelDelegate(QStyledItemDelegate):
    """Paints a row: title and state, below them facts or trouble. UI thread only."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802 (Qt's name)
        """Return two lines."""
        face = Typeface(option.font)
        return QSize(80, round(face.plain_measures.height()) + face.small_height + 2 * _PADDING + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint one row."""
        row: ModelRow = index.data(Qt.ItemDataRole.UserRole)
        theme, face, state = self.theme, Typeface(option.font), option.state
        rect: QRect = option.rect.adjusted(4, 1, -4, -1)
        is_chosen = bool(state & QStyle.StateFlag.State_Selected)
        has_focus = bool(state & QStyle.StateFlag.State_HasFocus)
        is_under_mouse = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.accent), SIZES.focus_line) if has_focus else Qt.PenStyle.NoPen)
        ground = theme.selection if is_chosen else theme.track if is_under_mouse else theme.surface
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), SIZES.radius, SIZES.radius)
        inner = rect.adjusted(_PADDING, _PADDING - 1, -_PADDING, -_PADDING + 1)
        upper = QRect(inner.left(), inner.top(), inner.width(), round(face.plain_measures.height()))
        lower = QRect(inner.left(), inner.bottom() - face.small_height + 1, inner.width(), face.small_height)
        width = min(upper.width() // 2, round(face.small_measures.horizontalAdvance(row.state)) + 1)
        colour = theme.success if row.is_loaded else theme.muted
        _draw(painter, upper.adjusted(upper.width() - width, 0, 0, 0), row.state, face.small, colour, _STATE)
        title = face.strong if row.is_loaded or is_chosen else face.plain
        _draw(painter, upper.adjusted(0, 0, -width - SIZES.gap, 0), row.title, title, theme.text, _TITLE)
        below, colour = (row.trouble, theme.error) if row.trouble else (row.facts, theme.muted)
        _draw(painter, lower, below, face.small, colour, _TITLE)
        painter.restore()


def _draw(painter: QPainter, rect: QRect, text: str, font: QFont, colour: str, flags: int) -> None:
    painter.setFont(font)
    painter.setPen(QColor(colour))
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.drawText(rect, flags, shown)
