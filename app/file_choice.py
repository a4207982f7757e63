"""Choosing files: the dialogs for a model, and for conversations to import and export. They do not block."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget


class FileChoice(QObject):
    """Asks for files above `window`; `models_folder` says where models are. Thread rule: the UI thread only."""

    model_chosen = Signal(str)
    import_chosen = Signal(str)
    export_chosen = Signal(str)

    def __init__(self, window: QWidget, models_folder: Callable[[], Path]) -> None:
        super().__init__(window)
        self._window = window
        self._models_folder = models_folder

    def ask_for_model(self) -> None:
        """Ask for a model; `model_chosen` follows, unless a person thinks better of it."""
        dialog = QFileDialog(self._window, self.tr("Open a model"))
        dialog.setNameFilters([self.tr("Models (*.gguf)"), self.tr("All files (*)")])
        folder = self._models_folder()
        if folder.is_dir():
            dialog.setDirectory(str(folder))
        self._ask(dialog, QFileDialog.FileMode.ExistingFile, self.model_chosen.emit)

    def ask_for_import(self) -> None:
        """Ask for a conversation's file; `import_chosen` follows likewise."""
        dialog = QFileDialog(self._window, self.tr("Import a conversation"))
        dialog.setNameFilters([self.tr("Conversations (*.json *.md)"), self.tr("All files (*)")])
        self._ask(dialog, QFileDialog.FileMode.ExistingFile, self.import_chosen.emit)

    def ask_for_export(self) -> None:
        """Ask where to write the open conversation; `export_chosen` follows likewise."""
        dialog = QFileDialog(self._window, self.tr("Export the conversation"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([self.tr("Markdown (*.md)"), self.tr("JSON (*.json)")])
        dialog.setDefaultSuffix("md")
        dialog.filterSelected.connect(lambda name: dialog.setDefaultSuffix("json" if "json" in name else "md"))
        self._ask(dialog, QFileDialog.FileMode.AnyFile, self.export_chosen.emit)

    def _ask(self, dialog: QFileDialog, mode: QFileDialog.FileMode, chosen: Callable[[str], object]) -> None:
        dialog.setFileMode(mode)
        dialog.fileSelected.connect(chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
