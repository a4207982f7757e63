"""The preferences: every change holds at once, what makes no sense is not taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from fakes.scripted_models import serves_models
from fakes.scripted_worker import hello, worker
from offload.protocol import OnMiss
from offload_app.device_search import DeviceSearch
from offload_app.library.library_client import LibraryClient
from offload_app.preferences.dialog import PreferencesDialog
from offload_app.settings import Settings, ThemeChoice
from offload_app.settings_control import SettingsControl
from offload_app.settings_file import SettingsFile


@pytest.fixture
def control(tmp_path: Path) -> SettingsControl:
    return SettingsControl(SettingsFile(tmp_path / "app.json"))


@pytest.fixture
def dialog(qtbot: QtBot, control: SettingsControl) -> PreferencesDialog:
    dialog = PreferencesDialog(control, "/default/models")
    qtbot.addWidget(dialog)
    return dialog


def test_it_shows_the_settings_in_force(qtbot: QtBot, control: SettingsControl) -> None:
    control.put(Settings("/m", budget="6G", threads=3, theme=ThemeChoice.DARK, font_points=14, compact_gauges=True))
    dialog = PreferencesDialog(control, "/default/models")
    qtbot.addWidget(dialog)
    assert dialog.folder.line.text() == "/m"
    assert dialog.budget.line.text() == "6G"
    assert (dialog.threads.value(), dialog.font_points.value()) == (3, 14)
    assert dialog.theme.currentText() == "Dark"
    assert dialog.compact.isChecked()


def test_opening_it_changes_nothing(dialog: PreferencesDialog, control: SettingsControl) -> None:
    assert control.current == Settings()


def test_a_change_holds_at_once(dialog: PreferencesDialog, control: SettingsControl) -> None:
    dialog.theme.setCurrentIndex(dialog.theme.findText("Dark"))
    dialog.threads.setValue(2)
    dialog.font_points.setValue(12)
    dialog.compact.click()
    assert control.current == Settings(threads=2, theme=ThemeChoice.DARK, font_points=12, compact_gauges=True)


def test_the_system_s_choice_can_be_taken_again(dialog: PreferencesDialog, control: SettingsControl) -> None:
    dialog.threads.setValue(2)
    dialog.font_points.setValue(12)
    dialog.threads.setValue(dialog.threads.minimum())
    dialog.font_points.setValue(dialog.font_points.minimum())
    assert control.current == Settings()


@pytest.mark.parametrize(("typed", "kept", "is_problem"), [("60%", "60%", False), ("lots", "auto", True)])
def test_a_budget_is_taken_where_it_is_one(
    dialog: PreferencesDialog, control: SettingsControl, typed: str, kept: str, is_problem: bool
) -> None:
    dialog.budget.line.setText(typed)
    QTest.keyClick(dialog.budget.line, Qt.Key.Key_Return)
    assert control.current.budget == kept
    assert dialog.budget.problem.isHidden() is not is_problem


def test_a_folder_is_typed(dialog: PreferencesDialog, control: SettingsControl) -> None:
    dialog.folder.line.setText("/my/models")
    QTest.keyClick(dialog.folder.line, Qt.Key.Key_Return)
    assert control.current.models_folder == "/my/models"


def test_every_field_has_a_name_to_be_read_out(dialog: PreferencesDialog) -> None:
    fields = [*dialog.findChildren(QComboBox), dialog.threads, dialog.font_points, dialog.budget.line]
    assert all(field.accessibleName() for field in fields)
    assert all(box.text() for box in dialog.findChildren(QCheckBox))
    assert dialog.folder.line.accessibleName()
    assert {type(field) for field in fields} == {QComboBox, QSpinBox, QLineEdit}


@pytest.fixture
def with_gpu(qtbot: QtBot, control: SettingsControl) -> Iterator[PreferencesDialog]:
    """Return a dialog whose worker has listed one GPU."""
    above = QObject()
    search = DeviceSearch(LibraryClient(worker(hello(), serves_models()), parent=above), above)
    shown = PreferencesDialog(control, "/default/models", devices=search)
    qtbot.addWidget(shown)
    qtbot.waitUntil(lambda: search.devices is not None, timeout=20000)
    yield shown
    search.close()
    above.deleteLater()


def choose(box: QComboBox, text: str) -> None:
    """Choose as a person does."""
    box.setCurrentIndex(box.findText(text, Qt.MatchFlag.MatchStartsWith))
    box.activated.emit(box.currentIndex())


def test_the_devices_that_the_worker_lists_are_offered(with_gpu: PreferencesDialog, control: SettingsControl) -> None:
    box = with_gpu.device.device
    assert [box.itemData(place) for place in range(box.count())] == ["auto", "cpu", "CUDA0"]
    assert control.current == Settings()


def test_what_computes_is_chosen_at_once(with_gpu: PreferencesDialog, control: SettingsControl) -> None:
    choose(with_gpu.device.device, "A scripted GPU (CUDA0)")
    choose(with_gpu.device.on_miss, "Automatic")
    with_gpu.device.vram.line.setText("80%")
    QTest.keyClick(with_gpu.device.vram.line, Qt.Key.Key_Return)
    assert control.current == Settings(device="CUDA0", vram="80%", on_miss=OnMiss.AUTO)
    assert with_gpu.device.device.currentData() == "CUDA0"


def test_without_a_gpu_its_memory_is_no_question(with_gpu: PreferencesDialog, control: SettingsControl) -> None:
    fields = with_gpu.device
    choose(fields.device, "CPU only")
    assert control.current.device == "cpu"
    assert not fields.vram.isEnabled()
    assert not fields.on_miss.isEnabled()
    choose(fields.device, "Automatic")
    assert fields.vram.isEnabled()
    assert fields.on_miss.isEnabled()


def test_a_budget_of_the_gpu_that_is_none_is_not_taken(dialog: PreferencesDialog, control: SettingsControl) -> None:
    dialog.device.vram.line.setText("all of it")
    QTest.keyClick(dialog.device.vram.line, Qt.Key.Key_Return)
    assert control.current.vram == "auto"
    assert not dialog.device.vram.problem.isHidden()
    assert dialog.device.vram.problem.text() == "Write auto, a size as 6G, or a share as 60%."


def test_a_device_of_the_settings_file_is_shown_and_stays(qtbot: QtBot, control: SettingsControl) -> None:
    control.put(Settings(device="stand-in", vram="30M", on_miss=OnMiss.COMPUTE))
    dialog = PreferencesDialog(control, "/default/models")
    qtbot.addWidget(dialog)
    assert dialog.device.device.currentData() == "stand-in"
    assert (dialog.device.vram.line.text(), dialog.device.on_miss.currentData()) == ("30M", "compute")
    assert control.current == Settings(device="stand-in", vram="30M", on_miss=OnMiss.COMPUTE)
