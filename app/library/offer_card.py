"""The offer's card: what a model is before it is here, what it takes, and the button that gets it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from offload_app.library.elided_label import ElidedLabel
from offload_app.library.readings.offer import OfferDeed, OfferReading
from offload_app.theme import SIZES, Theme


class OfferCard(QFrame):
    """Shows a reading, and tells what a person wants. Thread rule: the UI thread only."""

    wanted = Signal(object)
    """OfferDeed: what the button does."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading = OfferReading()
        self.title, self.place = ElidedLabel(), ElidedLabel(Qt.TextElideMode.ElideMiddle)
        self.facts, self.room, self.licence = QLabel(), QLabel(), QLabel()
        self.source, self.news, self.trouble = QLabel(), QLabel(), QLabel()
        self.button = QPushButton(self.tr("&Download"))
        self.button.clicked.connect(lambda: self.wanted.emit(self._reading.deed))
        self._lay_out()
        self.set_theme(theme)
        self.show_reading(OfferReading())

    @property
    def reading(self) -> OfferReading:
        """What is shown."""
        return self._reading

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.trouble.setStyleSheet(f"color: {theme.error};")

    def show_reading(self, reading: OfferReading) -> None:
        """Show `reading`; nothing at all where it has no title."""
        self._reading = reading
        self.setVisible(bool(reading.title))
        self.title.show_text(reading.title)
        self.place.show_text(self.tr("Goes to: {place}").format(place=reading.place) if reading.place else "")
        self.place.setVisible(bool(reading.place))
        for label, text in (
            (self.facts, reading.facts),
            (self.room, reading.room),
            (self.licence, reading.licence),
            (self.source, reading.source),
            (self.news, reading.news),
            (self.trouble, reading.trouble),
        ):
            label.setText(text)
            label.setVisible(bool(text))
        names = {
            OfferDeed.LOOK_UP: self.tr("Loo&k up"),
            OfferDeed.DOWNLOAD: self.tr("&Download"),
            OfferDeed.RESUME: self.tr("Go on with the &download"),
            OfferDeed.SHOW: self.tr("Show it among &mine"),
        }
        self.button.setVisible(reading.deed in names)
        self.button.setText(names.get(reading.deed, self.button.text()))
        self.button.setEnabled(reading.is_possible)
        self.button.setAccessibleDescription(" ".join(filter(None, (reading.title, reading.room, reading.trouble))))

    def _lay_out(self) -> None:
        self.title.setObjectName("modelTitle")
        self.room.setObjectName("strong")
        self.button.setObjectName("primary")
        for label in (self.place, self.licence):
            label.setObjectName("muted")
        self.source.setObjectName("hint")
        for label in (self.facts, self.room, self.licence, self.source, self.news, self.trouble):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        buttons = QHBoxLayout()
        buttons.addWidget(self.button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SIZES.gap)
        for part in (self.title, self.facts, self.room, self.place, self.licence, self.news, self.trouble):
            column.addWidget(part)
        column.addLayout(buttons)
        column.addWidget(self.source)
