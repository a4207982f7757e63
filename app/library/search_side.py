"""`SearchSide`: the field to search in, and the list of what is found, or why there is nothing."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from offload_app.library.model_list import ModelList
from offload_app.library.readings.model_row import ModelRow
from offload_app.theme import SIZES, Theme


class SearchSide(QWidget):
    """Shows what it is given; what is typed and chosen the page reads. Thread rule: the UI thread only."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit()
        self.list = ModelList(theme)
        self.nothing, self.hint = QLabel(), QLabel()
        self._name_parts()
        self._lay_out()
        self.field.returnPressed.connect(self._go_to_list)
        down = QShortcut(QKeySequence(Qt.Key.Key_Down), self.field, context=Qt.ShortcutContext.WidgetShortcut)
        down.activated.connect(self._go_to_list)

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.list.set_theme(theme)
        palette = self.field.palette()
        palette.setColor(QPalette.ColorRole.PlaceholderText, QColor(theme.muted))
        self.field.setPalette(palette)

    def show_found(self, rows: tuple[ModelRow, ...], words: str) -> None:
        """Show `rows`, one of them chosen, and `words` that say why there are none."""
        self.list.show_rows(rows)
        if rows and self.list.chosen not in [row.key for row in rows]:
            self.list.choose(rows[0].key)
        self.nothing.setText(words)
        self.nothing.setVisible(bool(words))
        self.list.setVisible(bool(rows))

    def _name_parts(self) -> None:
        self.field.setPlaceholderText(self.tr("Search, or write USER/REPO:QUANT"))
        self.field.setAccessibleName(self.tr("Search the catalogue"))
        self.field.setClearButtonEnabled(True)
        text = self.tr("Nothing is asked of the network before you press Look up, Will it run here? or Download.")
        self.hint.setText(text)
        self.list.view.setAccessibleName(self.tr("Models to get"))

    def _lay_out(self) -> None:
        for label in (self.nothing, self.hint):
            label.setObjectName("hint")
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setContentsMargins(SIZES.margin + 4, SIZES.small_gap, SIZES.margin, SIZES.gap)
        search = QHBoxLayout()
        search.setContentsMargins(SIZES.margin, 0, SIZES.margin, SIZES.gap)
        search.addWidget(self.field)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(search)
        column.addWidget(self.list, 1)
        column.addWidget(self.nothing, 1, Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.hint)

    def _go_to_list(self) -> None:
        if self.list.rows.rows:
            self.list.view.setFocus()
