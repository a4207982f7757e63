"""`ConversationList`: the conversations by last use, searched, renamed, deleted and brought back."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QAction, QColor, QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from offload_app.chat.conversation_rows import ConversationDelegate, ConversationRows, title_of
from offload_app.chat.style import chat_style
from offload_app.chat_session import ChatSession
from offload_app.conversation import Conversation
from offload_app.conversation_index import Entry
from offload_app.row_view import row_view
from offload_app.theme import SIZES, Theme
from offload_app.throttle import Throttle

SEARCHES_PER_SECOND = 5.0
_NEAR_END_PX = 200


class ConversationList(QWidget):
    """Lists what a session keeps, and opens what a person chooses. UI thread only."""

    opened = Signal(str)
    """Id of the conversation that was chosen."""

    def __init__(self, session: ChatSession, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("conversationList")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session = session
        self._deleted = ""
        self.rows = ConversationRows()
        self._delegate = ConversationDelegate(theme)
        self._throttle = Throttle[str](session.index.search, per_second=SEARCHES_PER_SECOND, parent=self)
        self._make_parts()
        self._lay_out()
        self._connect()
        self.set_theme(theme)
        session.index.refresh()

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.setStyleSheet(chat_style(theme))
        self._delegate.theme = theme
        palette = self.search.palette()
        palette.setColor(QPalette.ColorRole.PlaceholderText, QColor(theme.muted))
        self.search.setPalette(palette)
        self.view.viewport().update()

    def focus_search(self) -> None:
        """Go to the search."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _connect(self) -> None:
        session = self._session
        session.index.listed.connect(self._show_entries)
        session.opened.connect(self._mark_open)
        self.rows.renamed.connect(lambda id, title: session.set_title(title, id))
        self.search.textChanged.connect(self._throttle.push)
        self.search.returnPressed.connect(self._to_results)
        down = QShortcut(QKeySequence(Qt.Key.Key_Down), self.search, context=Qt.ShortcutContext.WidgetShortcut)
        down.activated.connect(self._to_results)
        self.new.clicked.connect(session.new)
        self.view.activated.connect(self._open)
        self.view.clicked.connect(self._open)
        self.view.verticalScrollBar().valueChanged.connect(self._look_for_more)
        self.undo.clicked.connect(self._undo)
        self._delegate.open_id = session.conversation.id

    def _show_entries(self, entries: tuple[Entry, ...]) -> None:
        current = self._current()
        self.rows.show_entries(entries)
        place = None if current is None else self.rows.place_of(current.id)
        if place is None:
            place = self.rows.place_of(self._delegate.open_id)
        if place is not None:
            self.view.setCurrentIndex(self.rows.index(place))
        self.empty.setVisible(not entries)
        searches = bool(self._session.index.query)
        self.empty.setText(self.tr("Nothing was found.") if searches else self.tr("No conversations yet."))

    def _mark_open(self, conversation: Conversation) -> None:
        self._delegate.open_id = conversation.id
        place = self.rows.place_of(conversation.id)
        if place is None:
            self.view.selectionModel().clear()
        else:
            self.view.setCurrentIndex(self.rows.index(place))
        self.view.viewport().update()

    def _current(self) -> Entry | None:
        index = self.view.currentIndex()
        return self.rows.entries[index.row()] if index.isValid() and index.row() < len(self.rows.entries) else None

    def _open(self, index: QModelIndex | QPersistentModelIndex) -> None:
        entry = self.rows.entries[index.row()]
        self._session.open(entry.id)
        self.opened.emit(entry.id)

    def _to_results(self) -> None:
        """Go from the search to what it found."""
        self._throttle.flush()
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
        if self.rows.entries and not self.view.currentIndex().isValid():
            self.view.setCurrentIndex(self.rows.index(0))

    def _rename(self) -> None:
        if self.view.currentIndex().isValid():
            self.view.edit(self.view.currentIndex())

    def _delete(self) -> None:
        entry = self._current()
        if entry is None:
            return
        self._deleted = entry.id
        self.undo_label.setText(self.tr("“{title}” is deleted.").format(title=title_of(entry)))
        self.undo_bar.show()
        self._session.delete(entry.id)

    def _undo(self) -> None:
        self.undo_bar.hide()
        self._session.restore(self._deleted)

    def _look_for_more(self, value: int) -> None:
        if self.view.verticalScrollBar().maximum() - value < _NEAR_END_PX:
            self._session.index.more()

    def _make_parts(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setAccessibleName(self.tr("Search titles and contents"))
        self.search.setClearButtonEnabled(True)
        self.new = QPushButton(self.tr("New"))
        self.new.setObjectName("primary")
        self.new.setAccessibleName(self.tr("New conversation"))
        self.view = row_view(self.rows, self._delegate)
        self.view.setObjectName("conversations")
        self.view.setAccessibleName(self.tr("Conversations"))
        self.empty = QLabel(self.tr("No conversations yet."))
        self.empty.setObjectName("muted")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.undo_label = QLabel()
        self.undo_label.setWordWrap(True)
        self.undo = QPushButton(self.tr("Undo"))
        self.undo.setObjectName("quiet")
        self.undo.setAccessibleName(self.tr("Bring the deleted conversation back"))
        for text, key, do in ((self.tr("Rename"), "F2", self._rename), (self.tr("Delete"), "Del", self._delete)):
            action = QAction(text, self.view)
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(do)
            self.view.addAction(action)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(SIZES.gap)
        head.addWidget(self.search, 1)
        head.addWidget(self.new)
        self.undo_bar = QFrame()
        self.undo_bar.setObjectName("notice")
        bar = QHBoxLayout(self.undo_bar)
        bar.setContentsMargins(SIZES.gap, SIZES.small_gap, SIZES.small_gap, SIZES.small_gap)
        bar.addWidget(self.undo_label, 1)
        bar.addWidget(self.undo)
        self.undo_bar.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.gap, SIZES.margin, SIZES.gap, SIZES.gap)
        column.setSpacing(SIZES.gap)
        column.addLayout(head)
        column.addWidget(self.empty)
        column.addWidget(self.view, 1)
        column.addWidget(self.undo_bar)
