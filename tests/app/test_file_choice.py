"""The dialogs that choose files tell what was chosen, and where they look first."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from offload_app.file_choice import FileChoice


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


def test_a_chosen_model_is_told(qtbot: QtBot, window: QWidget, tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"GGUF")
    choice = FileChoice(window, lambda: tmp_path)
    choice.ask_for_model()
    (dialog,) = window.findChildren(QFileDialog)
    assert Path(dialog.directory().absolutePath()) == tmp_path
    with qtbot.waitSignal(choice.model_chosen) as told:
        dialog.selectFile(str(model))
        dialog.accept()
    assert told.args == [str(model)]


def test_a_folder_that_is_missing_is_not_looked_into(window: QWidget, tmp_path: Path) -> None:
    FileChoice(window, lambda: tmp_path / "missing").ask_for_model()
    (dialog,) = window.findChildren(QFileDialog)
    assert Path(dialog.directory().absolutePath()) != tmp_path / "missing"


@pytest.mark.parametrize(("kind", "suffix"), [("Markdown (*.md)", "md"), ("JSON (*.json)", "json")])
def test_an_export_is_named_by_its_kind(window: QWidget, tmp_path: Path, kind: str, suffix: str) -> None:
    FileChoice(window, lambda: tmp_path).ask_for_export()
    (dialog,) = window.findChildren(QFileDialog)
    dialog.selectNameFilter(kind)
    dialog.filterSelected.emit(kind)
    assert dialog.defaultSuffix() == suffix


def test_a_chosen_import_is_told(qtbot: QtBot, window: QWidget, tmp_path: Path) -> None:
    file = tmp_path / "talk.json"
    file.write_text("{}")
    choice = FileChoice(window, lambda: tmp_path)
    choice.ask_for_import()
    (dialog,) = window.findChildren(QFileDialog)
    with qtbot.waitSignal(choice.import_chosen) as told:
        dialog.selectFile(str(file))
        dialog.accept()
    assert told.args == [str(file)]
