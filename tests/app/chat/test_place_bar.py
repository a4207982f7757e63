"""The scroll bar says where a person is."""

from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from offload_app.chat.place_bar import PlaceBar


def test_the_mouse_is_told_the_place(qtbot: QtBot) -> None:
    bar = PlaceBar(lambda: "Message 7 of 9")
    qtbot.addWidget(bar)
    bar.show()
    QApplication.sendEvent(bar, QHelpEvent(QEvent.Type.ToolTip, QPoint(1, 1), bar.mapToGlobal(QPoint(1, 1))))
    assert QToolTip.text() == "Message 7 of 9"


def test_drawing_the_handle_tells_the_place(qtbot: QtBot) -> None:
    asked: list[int] = []

    def place() -> str:
        asked.append(bar.value())
        return "Message 7 of 9"

    bar = PlaceBar(place)
    qtbot.addWidget(bar)
    bar.setRange(0, 100)
    bar.setValue(20)
    bar.setSliderDown(True)
    bar.setSliderPosition(40)
    assert asked == [40]
