"""The card of the first run: says in three sentences what the gauges mean, until it is put away."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from offload_app.theme import SIZES, Theme


class FirstRunCard(QFrame):
    """Paints the card. Thread rule: the UI thread only."""

    dismissed = Signal()
    """A person has read it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("firstRun")
        heading = QLabel(self.tr("This is what the gauges show while a model answers."))
        heading.setObjectName("heading")
        self._labels = (heading, *(QLabel(sentence) for sentence in self.sentences()))
        button = QPushButton(self.tr("Got it"))
        button.setAccessibleDescription(self.tr("Put this card away"))
        button.clicked.connect(self.dismissed)
        first = QHBoxLayout()
        first.addWidget(heading, 1)
        first.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.margin, SIZES.margin, SIZES.margin, SIZES.margin)
        column.setSpacing(SIZES.small_gap)
        column.addLayout(first)
        for label in self._labels:
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        for label in self._labels[1:]:
            column.addWidget(label)
        self.setAccessibleName(self.tr("What the gauges mean"))
        self.setAccessibleDescription(" ".join(self.sentences()))
        self.set_theme(theme)

    def sentences(self) -> tuple[str, str, str]:
        """Return what the gauges mean, in three sentences."""
        return (
            self.tr("Memory: what the model process takes, by part, against a budget it never exceeds."),
            self.tr("Speed and cache hits: tokens per second, and how often a needed expert was in memory."),
            self.tr("Experts: every square is one expert of a layer, coloured as it is read, kept and used."),
        )

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.setStyleSheet(
            f"#firstRun {{ background: {theme.raised}; border: 1px solid {theme.border};"
            f" border-radius: {SIZES.radius}px; margin: {SIZES.gap}px; }} #heading {{ font-weight: 600; }}"
        )
