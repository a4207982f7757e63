"""The pack card: what packing brings, the button that begins it, and how far it is."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from offload_app.library.readings.pack import PackOffer, PackReading
from offload_app.theme import SIZES, Theme

_STEPS = 1000


class PackCard(QFrame):
    """Shows a reading, and tells what a person wants. Thread rule: the UI thread only."""

    wanted = Signal(object)
    """PackOffer: the one that was taken."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._reading = PackReading()
        self.text, self.trouble = QLabel(), QLabel()
        self.button = QPushButton(self.tr("&Pack"))
        self.progress = QProgressBar(minimum=0, maximum=_STEPS, textVisible=False)
        self.progress.setFixedHeight(SIZES.gap)
        self.progress.setAccessibleName(self.tr("Packing"))
        for label in (self.text, self.trouble):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button.clicked.connect(lambda: self.wanted.emit(self._reading.offer))
        words = QVBoxLayout()
        words.setSpacing(SIZES.small_gap)
        for part in (self.text, self.trouble, self.progress):
            words.addWidget(part)
        row = QHBoxLayout(self)
        row.setContentsMargins(SIZES.margin, SIZES.gap, SIZES.margin, SIZES.gap)
        row.setSpacing(SIZES.margin)
        row.addLayout(words, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        self.set_theme(theme)
        self.show_reading(PackReading())

    @property
    def reading(self) -> PackReading:
        """What is shown."""
        return self._reading

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.trouble.setStyleSheet(f"color: {theme.error};")

    def show_reading(self, reading: PackReading) -> None:
        """Show `reading`; nothing at all where there is nothing to be packed."""
        self._reading = reading
        self.setVisible(bool(reading.text))
        self.text.setText(reading.text)
        self.trouble.setText(reading.trouble)
        self.trouble.setVisible(bool(reading.trouble))
        self.progress.setVisible(reading.fraction is not None)
        self.progress.setValue(round(_STEPS * (reading.fraction or 0.0)))
        names = {
            PackOffer.PACK: self.tr("&Pack"),
            PackOffer.PACK_AGAIN: self.tr("&Pack again"),
            PackOffer.CANCEL: self.tr("Cancel"),
        }
        self.button.setVisible(reading.offer in names)
        self.button.setText(names.get(reading.offer, self.button.text()))
        self.button.setEnabled(reading.is_possible)
        self.button.setAccessibleDescription(f"{reading.text} {reading.trouble}".strip())
