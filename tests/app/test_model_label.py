"""The model's name in the status line."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from offload_app.model_label import ModelLabel


def test_a_click_is_told(qtbot: QtBot) -> None:
    label = ModelLabel()
    qtbot.addWidget(label)
    label.resize(100, 20)
    with qtbot.waitSignal(label.clicked):
        QTest.mouseClick(label, Qt.MouseButton.LeftButton)
