"""The folder field: a folder to type or to choose."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget


class FolderField(QWidget):
    """A line of text and a button; empty: `default`, which is shown greyed."""

    changed = Signal(str)
    """The folder that a person has chosen."""

    def __init__(self, folder: str, default: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit(folder)
        self.line.setPlaceholderText(default)
        self.line.setAccessibleName(self.tr("Folder of models"))
        self.line.editingFinished.connect(lambda: self.changed.emit(self.line.text().strip()))
        self.button = QPushButton(self.tr("Choose…"))
        self.button.setAccessibleDescription(self.tr("Choose the folder of models"))
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._ask)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)
        self.setFocusProxy(self.line)

    def _ask(self) -> None:
        dialog = QFileDialog(self, self.tr("Folder of models"), self.line.text() or self.line.placeholderText())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._take)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _take(self, folder: str) -> None:
        self.line.setText(folder)
        self.changed.emit(folder)
