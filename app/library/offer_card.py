"""The offer's card: what a model is before it is here, what it takes, how it will run, and the button that gets it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from offload_app.gauges.readings.language import Language
from offload_app.library.elided_label import ElidedLabel
from offload_app.library.plan_card import PlanCard
from offload_app.library.readings.fit_words import FitReading
from offload_app.library.readings.offer import OfferDeed, OfferReading
from offload_app.theme import SIZES, Theme

_NARROW = 480


class OfferCard(QFrame):
    """Shows a reading, and tells what a person wants. Thread rule: the UI thread only."""

    wanted = Signal(object)
    """OfferDeed: what the button does."""
    fit_wanted = Signal()
    """A person wants to know how the model will run here."""

    def __init__(self, theme: Theme, language: Language, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading = OfferReading()
        self.title, self.place = ElidedLabel(), ElidedLabel(Qt.TextElideMode.ElideMiddle)
        self.facts, self.room, self.licence = QLabel(), QLabel(), QLabel()
        self.source, self.news, self.trouble = QLabel(), QLabel(), QLabel()
        self.button = QPushButton(self.tr("&Download"))
        self.button.clicked.connect(lambda: self.wanted.emit(self._reading.deed))
        self.plan = PlanCard(theme, language)
        self.fit = QPushButton(self.tr("&Will it run here?"))
        self.fit.clicked.connect(self.fit_wanted)
        self.fit_news, self.fit_trouble = QLabel(), QLabel()
        self._lay_out()
        self.set_theme(theme)
        self.show_reading(OfferReading())
        self.show_fit(FitReading())

    @property
    def reading(self) -> OfferReading:
        """What is shown."""
        return self._reading

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.plan.set_theme(theme)
        for label in (self.trouble, self.fit_trouble):
            label.setStyleSheet(f"color: {theme.error};")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Fit the plan to the room there is."""
        self.plan.set_narrow(event.size().width() < _NARROW)
        super().resizeEvent(event)

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

    def show_fit(self, reading: FitReading) -> None:
        """Show what is known of how the model will run; the plans themselves are shown by `plan`."""
        for label, text in ((self.fit_news, reading.news), (self.fit_trouble, reading.trouble)):
            label.setText(text)
            label.setVisible(bool(text))
        self.plan.setVisible(reading.has_plan)
        self.fit.setVisible(reading.has_button)
        self.fit.setEnabled(reading.can_ask)
        self.fit.setAccessibleDescription(" ".join(filter(None, (self._reading.title, reading.news, reading.trouble))))

    def _lay_out(self) -> None:
        self.title.setObjectName("modelTitle")
        self.room.setObjectName("strong")
        self.button.setObjectName("primary")
        for label in (self.place, self.licence):
            label.setObjectName("muted")
        self.source.setObjectName("hint")
        words = (self.facts, self.room, self.licence, self.source, self.news, self.trouble)
        for label in (*words, self.fit_news, self.fit_trouble):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        buttons = QHBoxLayout()
        buttons.setSpacing(SIZES.gap)
        buttons.addWidget(self.button)
        buttons.addWidget(self.fit)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SIZES.gap)
        for part in (self.title, self.facts, self.room, self.place, self.licence, self.news, self.trouble):
            column.addWidget(part)
        column.addLayout(buttons)
        # Below the buttons: what comes must not push them from under the pointer.
        for widget in (self.fit_news, self.fit_trouble, self.plan, self.source):
            column.addWidget(widget)
