"""The rows of the conversation list: a model of its entries, and how one is painted."""

from datetime import date

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QDate,
    QDateTime,
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from offload_app.conversation_index import Entry
from offload_app.gauges.widgets.typeface import Typeface
from offload_app.theme import SIZES, Theme

_Index = QModelIndex | QPersistentModelIndex
_PADDING = 8


class ConversationRows(QAbstractListModel):
    """The entries, newest first; a title can be changed. UI thread only."""

    renamed = Signal(str, str)
    """Id and new title."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: tuple[Entry, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is listed."""
        return self._entries

    def show_entries(self, entries: tuple[Entry, ...]) -> None:
        """List other entries."""
        self.beginResetModel()
        self._entries = entries
        self.endResetModel()

    def place_of(self, id: str) -> int | None:
        """Return the row of a conversation; None: it is not listed."""
        return next((row for row, entry in enumerate(self._entries) if entry.id == id), None)

    def rowCount(self, parent: _Index | None = None) -> int:  # noqa: N802 (Qt's name)
        """Return how many there are."""
        return 0 if parent is not None and parent.isValid() else len(self._entries)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Return that a row can be chosen and renamed."""
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return title, or what a screen reader says."""
        entry = self._entries[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return entry
        if role == Qt.ItemDataRole.EditRole:
            return entry.title
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return title_of(entry)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{title_of(entry)}, {words_of_time(entry.updated_ms, date.today())}"
        return None

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Take another title."""
        entry = self._entries[index.row()]
        title = " ".join(str(value).split())
        if role != Qt.ItemDataRole.EditRole or not title or title == entry.title:
            return False
        self.renamed.emit(entry.id, title)
        return True


class ConversationDelegate(QStyledItemDelegate):
    """Paints a row: title, and below it when it was used or what was found. UI thread only."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.open_id = ""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802 (Qt's name)
        """Return two lines."""
        face = Typeface(option.font)
        return QSize(80, round(face.plain_measures.height()) + face.small_height + 2 * _PADDING + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint one row."""
        entry, theme = index.data(Qt.ItemDataRole.UserRole), self.theme
        rect: QRect = option.rect.adjusted(4, 1, -4, -1)
        state: QStyle.StateFlag = option.state
        face = Typeface(option.font)
        is_open = entry.id == self.open_id
        is_current = bool(state & QStyle.StateFlag.State_HasFocus)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.accent), SIZES.focus_line) if is_current else Qt.PenStyle.NoPen)
        ground = (
            theme.selection if is_open else theme.track if state & QStyle.StateFlag.State_MouseOver else theme.window
        )
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), SIZES.radius, SIZES.radius)
        inner = rect.adjusted(_PADDING, _PADDING - 1, -_PADDING, -_PADDING + 1)
        below = entry.snippet or words_of_time(entry.updated_ms, date.today())
        lines = (
            (title_of(entry), face.strong if is_open else face.plain, theme.text),
            (below, face.small, theme.muted),
        )
        for number, (text, font, colour) in enumerate(lines):
            height = face.small_height if number else round(face.plain_measures.height())
            top = inner.top() if number == 0 else inner.bottom() - height + 1
            painter.setFont(font)
            painter.setPen(QColor(colour))
            measures = face.small_measures if number else face.strong_measures
            shown = measures.elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
            painter.drawText(QRect(inner.left(), top, inner.width(), height), Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()


def title_of(entry: Entry) -> str:
    """Return what a conversation is called."""
    return entry.title or QCoreApplication.translate("ConversationList", "New conversation")


def words_of_time(updated_ms: int, today: date) -> str:
    """Return when something was, as a person says it: the time today, else the day."""
    when = QDateTime.fromMSecsSinceEpoch(updated_ms)
    locale = QLocale()
    days = when.date().daysTo(QDate(today.year, today.month, today.day))
    if days == 0:
        return locale.toString(when.time(), QLocale.FormatType.ShortFormat)
    if days == 1:
        return QCoreApplication.translate("ConversationList", "Yesterday")
    return locale.toString(when.date(), QLocale.FormatType.ShortFormat)
