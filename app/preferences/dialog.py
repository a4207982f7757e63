"""The preferences dialog: every change holds at once, and is kept; nothing has to be confirmed."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QSpinBox, QWidget

from offload_app.device_search import DeviceSearch
from offload_app.gauges.panel import language_of_qt
from offload_app.preferences.budget_field import BudgetField
from offload_app.preferences.device_fields import DeviceFields
from offload_app.preferences.folder_field import FolderField
from offload_app.settings import (
    LARGEST_FONT_POINTS,
    MOST_THREADS,
    SMALLEST_FONT_POINTS,
    Settings,
    ThemeChoice,
)
from offload_app.settings_control import SettingsControl
from offload_app.theme import SIZES

_FIELD_HEIGHT = 28


class PreferencesDialog(QDialog):
    """Shows and changes `settings`. Thread rule: the UI thread only."""

    def __init__(
        self,
        settings: SettingsControl,
        default_folder: str,
        parent: QWidget | None = None,
        *,
        devices: DeviceSearch | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        now = settings.current
        self.setWindowTitle(self.tr("Preferences"))
        self.folder = FolderField(now.models_folder, default_folder)
        self.budget = BudgetField(now.budget)
        self.threads = self._number(now.threads, 1, MOST_THREADS, self.tr("the physical cores"))
        self.threads.setAccessibleName(self.tr("Compute threads"))
        self.device = DeviceFields(now, devices, language_of_qt(), self)
        self.theme = self._themes(now)
        self.font_points = self._number(
            now.font_points, SMALLEST_FONT_POINTS, LARGEST_FONT_POINTS, self.tr("the system's")
        )
        self.font_points.setSuffix(self.tr(" pt"))
        self.font_points.setAccessibleName(self.tr("Text size"))
        self.compact = QCheckBox(self.tr("Gauges in &one line"))
        self.compact.setChecked(now.compact_gauges)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(SIZES.margin * 2, SIZES.margin * 2, SIZES.margin * 2, SIZES.margin)
        form.setSpacing(SIZES.margin)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("&Theme"), self.theme)
        form.addRow(self.tr("Text &size"), self.font_points)
        form.addRow("", self.compact)
        form.addRow(self.tr("Folder of &models"), self.folder)
        form.addRow(self.tr("Memory &budget"), self.budget)
        form.addRow(self.tr("&Compute threads"), self.threads)
        form.addRow(self.tr("Com&putes on"), self.device.device)
        form.addRow("", self.device.note)
        form.addRow(self.tr("&GPU memory budget"), self.device.vram)
        form.addRow(self.tr("&Experts not on the GPU"), self.device.on_miss)
        note = QLabel(
            self.tr("What computes, with which memory, holds for the next model; Model › Load again does so now.")
        )
        note.setWordWrap(True)
        note.setTextFormat(Qt.TextFormat.PlainText)
        form.addRow(note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)
        of_device = (self.device.device, self.device.vram.line, self.device.on_miss)
        for field in (self.theme, self.font_points, self.folder.line, self.budget.line, self.threads, *of_device):
            field.setMinimumHeight(_FIELD_HEIGHT)
        self.setMinimumWidth(500)

    def _connect(self) -> None:
        self.theme.currentIndexChanged.connect(lambda _: self._change(theme=ThemeChoice(self.theme.currentData())))
        self.font_points.valueChanged.connect(
            lambda value: self._change(font_points=value if value >= SMALLEST_FONT_POINTS else 0)
        )
        self.threads.valueChanged.connect(lambda value: self._change(threads=value))
        self.compact.toggled.connect(lambda is_on: self._change(compact_gauges=is_on))
        self.folder.changed.connect(lambda folder: self._change(models_folder=folder))
        self.budget.changed.connect(lambda budget: self._change(budget=budget))
        self.device.changed.connect(lambda fields: self._change(**fields))

    def _change(self, **fields: Any) -> None:
        self._settings.change(**fields)

    def _themes(self, now: Settings) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(self.tr("Theme"))
        for choice, name in (
            (ThemeChoice.SYSTEM, self.tr("As the system")),
            (ThemeChoice.LIGHT, self.tr("Light")),
            (ThemeChoice.DARK, self.tr("Dark")),
        ):
            box.addItem(name, choice.value)
        box.setCurrentIndex(box.findData(now.theme.value))
        return box

    def _number(self, value: int, least: int, most: int, none: str) -> QSpinBox:
        # The step below the least stands for "decided elsewhere".
        box = QSpinBox(minimum=least - 1, maximum=most)
        box.setSpecialValueText(none)
        # A style sheet does not reach the text of a spin box.
        box.lineEdit().setTextMargins(SIZES.gap - 2, 0, 0, 0)
        box.setValue(value)
        return box
