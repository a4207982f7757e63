"""The fields of what computes: the device, the budget of its memory, and what becomes of experts that are not there."""

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QWidget

from offload.protocol import OnMiss
from offload_app.device_search import DeviceSearch
from offload_app.gauges.readings.language import Language
from offload_app.preferences.budget_field import BudgetField
from offload_app.preferences.device_choices import CPU, device_choices, device_note, place_of
from offload_app.settings import Settings

_SHORTEST_TEXT = 16


class DeviceFields(QObject):
    """Three fields for a form, and a note; `search` (None: nothing is asked) says which devices there are."""

    changed = Signal(dict)
    """Fields of the settings, and their new values."""

    def __init__(self, now: Settings, search: DeviceSearch | None, language: Language, parent: QWidget) -> None:
        super().__init__(parent)
        self._search, self._language, self._chosen = search, language, now.device
        self.device = QComboBox()
        self.device.setAccessibleName(self.tr("Computes on"))
        self.vram = BudgetField(now.vram, name=self.tr("GPU memory budget"))
        self.on_miss = self._answers(now.on_miss)
        # A device's name may be long: it is the menu that grows, not the window.
        for box in (self.device, self.on_miss):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(_SHORTEST_TEXT)
        # With a parent from the first: else it would be a window of its own for a moment.
        self.note = QLabel(parent)
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self._show()
        self._connect()

    def _connect(self) -> None:
        self.device.activated.connect(lambda _: self._choose(self.device.currentData()))
        self.vram.changed.connect(lambda vram: self.changed.emit({"vram": vram}))
        self.on_miss.activated.connect(lambda _: self.changed.emit({"on_miss": OnMiss(self.on_miss.currentData())}))
        if self._search is not None:
            self._search.changed.connect(self._show)
            self._search.look()

    def _choose(self, device: str) -> None:
        self._chosen = device
        self.changed.emit({"device": device})
        self._show()

    def _show(self) -> None:
        devices = self._search.devices if self._search is not None else ()
        refusal = self._search.refusal if self._search is not None else None
        choices = device_choices(devices, self._chosen, self._language)
        self.device.clear()
        for choice in choices:
            self.device.addItem(choice.text, choice.value)
        self.device.setCurrentIndex(place_of(self._chosen, choices) or 0)
        uses_device = self._chosen.strip().casefold() != CPU
        self.vram.setEnabled(uses_device)
        self.on_miss.setEnabled(uses_device)
        note = device_note(devices, self._chosen, refusal, self._language)
        self.note.setText(note)
        self.note.setVisible(bool(note))

    def _answers(self, now: OnMiss) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(self.tr("Experts that are not on the GPU"))
        for answer, name in (
            (OnMiss.COPY, self.tr("Copied: same numbers as the GPU alone")),
            (OnMiss.AUTO, self.tr("Automatic: whichever is faster here")),
            (OnMiss.COMPUTE, self.tr("Left to the CPU once the GPU is full")),
        ):
            box.addItem(name, answer.value)
        box.setCurrentIndex(box.findData(now.value))
        return box
