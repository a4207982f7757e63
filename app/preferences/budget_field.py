"""The budget field: takes a memory budget as the command line does, and shows where it is none."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from offload_app.settings import is_budget


class BudgetField(QWidget):
    """A line of text, with a word below it where the text is no budget."""

    changed = Signal(str)
    """A budget that a person has entered."""

    def __init__(self, budget: str, parent: QWidget | None = None, *, name: str = "") -> None:
        super().__init__(parent)
        self.line = QLineEdit(budget)
        self.line.setAccessibleName(name or self.tr("Memory budget"))
        self.line.setPlaceholderText("auto")
        self.line.textChanged.connect(self._check)
        self.line.editingFinished.connect(self._tell)
        self.problem = QLabel(self.tr("Write auto, a size as 6G, or a share as 60%."))
        self.problem.setVisible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.line)
        column.addWidget(self.problem)
        self.setFocusProxy(self.line)

    def _check(self, text: str) -> None:
        self.problem.setVisible(not is_budget(text))

    def _tell(self) -> None:
        text = self.line.text().strip()
        if is_budget(text):
            self.changed.emit(text)
