"""The preferences: every change holds at once, what makes no sense is not taken."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

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
