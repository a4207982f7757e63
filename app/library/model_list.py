"""The list of models: rows by keyboard and mouse; what is chosen stays so while the list changes."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from offload_app.library.model_rows import ModelDelegate, ModelRows
from offload_app.library.readings.model_row import ModelRow
from offload_app.library.shelf import DEMO
from offload_app.row_view import row_view
from offload_app.theme import SIZES, Theme


class ModelList(QWidget):
    """Shows rows, one of which is always chosen. Thread rule: the UI thread only."""

    changed = Signal(str)
    """Key of the model that is chosen now."""
    activated = Signal(str)
    """Key of a model that was double-clicked, or Enter pressed on."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = ModelRows()
        self._delegate = ModelDelegate(theme)
        self._chosen = DEMO
        self.view = row_view(self.rows, self._delegate)
        self.view.setObjectName("models")
        self.view.setAccessibleName(self.tr("Models"))
        self.view.selectionModel().currentChanged.connect(lambda *_: self._take_current())
        self.view.activated.connect(lambda index: self.activated.emit(self.rows.rows[index.row()].key))
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.gap, 0, SIZES.gap, 0)
        column.addWidget(self.view)
        self.setFocusProxy(self.view)

    @property
    def chosen(self) -> str:
        """Return the key of the model that is chosen."""
        return self._chosen

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self._delegate.theme = theme
        self.view.viewport().update()

    def choose(self, key: str) -> None:
        """Choose a model, now or when it is listed."""
        if key != self._chosen:
            self._chosen = key
            self._mark()
            self.changed.emit(key)

    def show_rows(self, rows: tuple[ModelRow, ...]) -> None:
        """Show `rows`; where the chosen one is not among them, it stays chosen until another is."""
        chosen = self._chosen
        if self.rows.show_rows(rows):
            self._chosen = chosen
            self._mark()

    def _mark(self) -> None:
        place = self.rows.place_of(self._chosen)
        if place is not None:
            self.view.setCurrentIndex(self.rows.index(place))
            self.view.scrollTo(self.rows.index(place))

    def _take_current(self) -> None:
        index = self.view.currentIndex()
        if index.isValid() and self.rows.rows[index.row()].key != self._chosen:
            self._chosen = self.rows.rows[index.row()].key
            self.changed.emit(self._chosen)
