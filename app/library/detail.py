"""The detail of the chosen model: what it is, where it lies, its plan, its packing, and what can be done with it."""

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from offload_app.gauges.readings.language import Language
from offload_app.library.elided_label import ElidedLabel
from offload_app.library.pack_card import PackCard
from offload_app.library.plan_card import PlanCard
from offload_app.theme import SIZES, Theme

_WIDEST = 780
_NARROW = 520


@dataclass(frozen=True, slots=True)
class DetailReading:
    """What stands above the cards, and which buttons there are."""

    title: str = ""
    facts: str = ""
    path: str = ""
    trouble: str = ""
    is_loaded: bool = False
    can_load: bool = False
    can_unload: bool = False
    can_forget: bool = False
    has_plan: bool = False


class ModelDetail(QScrollArea):
    """Shows a reading; its buttons are connected by the page. Thread rule: the UI thread only."""

    def __init__(self, theme: Theme, language: Language, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelDetail")
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
        # Lines that are too long are hard to read.
        inner = QWidget()
        inner.setMaximumWidth(_WIDEST)
        content = QWidget()
        content.setObjectName("modelDetailContent")
        around = QHBoxLayout(content)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(inner, 1)
        around.addStretch(0)
        column = QVBoxLayout(inner)
        column.setContentsMargins(SIZES.margin + 4, SIZES.margin, SIZES.margin + 4, SIZES.margin)
        column.setSpacing(SIZES.gap)
        for widget in (self.title, self.facts):
            column.addWidget(widget)
        column.addLayout(place)
        column.addWidget(self.trouble)
        column.addWidget(self.plan)
        column.addLayout(buttons)
        column.addWidget(self.pack)
        column.addStretch(1)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(self.tr("The chosen model"))
