"""The detail of the chosen model: what it is, where it lies, its plan, its packing, and what can be done with it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from offload_app.gauges.readings.language import Language
from offload_app.library.detail_area import DetailArea
from offload_app.library.elided_label import ElidedLabel
from offload_app.library.pack_card import PackCard
from offload_app.library.plan_card import PlanCard
from offload_app.library.readings.detail import DetailReading
from offload_app.theme import SIZES, Theme

_NARROW = 520


class ModelDetail(DetailArea):
    """Shows a reading; its buttons are connected by the page. Thread rule: the UI thread only."""

    def __init__(self, theme: Theme, language: Language, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = ElidedLabel()
        self.facts, self.trouble = QLabel(), QLabel()
        self.path = ElidedLabel(Qt.TextElideMode.ElideMiddle)
        self.load = QPushButton(self.tr("&Load"))
        self.unload = QPushButton(self.tr("&Unload"))
        self.show_folder = QPushButton(self.tr("&Show in folder"))
        self.forget = QPushButton(self.tr("&Remove from list"))
        self.plan = PlanCard(theme, language)
        self.pack = PackCard(theme)
        self._lay_out()
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.trouble.setStyleSheet(f"color: {theme.error};")
        self.plan.set_theme(theme)
        self.pack.set_theme(theme)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Fit the cards to the room there is."""
        self.plan.set_narrow(event.size().width() < _NARROW)
        super().resizeEvent(event)

    def show_reading(self, reading: DetailReading) -> None:
        """Show `reading`."""
        self.title.show_text(reading.title)
        self.facts.setText(reading.facts)
        self.facts.setVisible(bool(reading.facts))
        self.path.show_text(reading.path)
        self.trouble.setText(reading.trouble)
        self.trouble.setVisible(bool(reading.trouble))
        self.load.setText(self.tr("&Load again") if reading.is_loaded else self.tr("&Load"))
        self.load.setVisible(not reading.trouble)
        self.load.setEnabled(reading.can_load)
        self.load.setAccessibleDescription(reading.title)
        self.unload.setVisible(reading.is_loaded)
        self.unload.setEnabled(reading.can_unload)
        self.show_folder.setVisible(bool(reading.path))
        self.forget.setVisible(reading.can_forget)
        self.plan.setVisible(reading.has_plan)

    def _lay_out(self) -> None:
        self.title.setObjectName("modelTitle")
        self.path.setObjectName("muted")
        self.load.setObjectName("primary")
        for button in (self.show_folder, self.forget):
            button.setObjectName("quiet")
        for label in (self.facts, self.trouble):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        place = QHBoxLayout()
        place.setSpacing(SIZES.small_gap)
        place.addWidget(self.path, 1)
        place.addWidget(self.show_folder)
        place.addWidget(self.forget)
        buttons = QHBoxLayout()
        buttons.setSpacing(SIZES.gap)
        buttons.addWidget(self.load)
        buttons.addWidget(self.unload)
        buttons.addStretch(1)
        for widget in (self.title, self.facts):
            self.column.addWidget(widget)
        self.column.addLayout(place)
        self.column.addWidget(self.trouble)
        self.column.addWidget(self.plan)
        self.column.addLayout(buttons)
        self.column.addWidget(self.pack)
        self.column.addStretch(1)
        self.setAccessibleName(self.tr("The chosen model"))
