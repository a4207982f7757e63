"""A model dragged onto the window."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from offload_app.model_drop import ModelDrop, dropped_model

COPY, LEFT, NONE = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.mark.parametrize(
    ("urls", "model"),
    [
        (["file:///m/a.gguf"], "/m/a.gguf"),
        (["file:///m/notes.txt", "file:///m/B.GGUF"], "/m/B.GGUF"),
        (["file:///m/notes.txt"], None),
        (["https://example.org/a.gguf"], None),
        ([], None),
    ],
)
def test_the_first_local_model_is_taken(urls: list[str], model: str | None) -> None:
    assert dropped_model([QUrl(url) for url in urls]) == model


def drop(target: QWidget, url: str) -> tuple[bool, list[str]]:
    window = target.window()
    dropped: list[str] = []
    ModelDrop(window).dropped.connect(dropped.append)
    data = QMimeData()
    data.setUrls([QUrl(url)])
    enter = QDragEnterEvent(QPoint(5, 5), COPY, data, LEFT, NONE)
    enter.ignore()
    QApplication.sendEvent(target, enter)
    QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), COPY, data, LEFT, NONE))
    return enter.isAccepted(), dropped


@pytest.mark.parametrize("place", ["window", "field"])
def test_a_model_is_taken_wherever_it_is_dropped(qtbot: QtBot, place: str) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    field = QPlainTextEdit()
    QVBoxLayout(window).addWidget(field)
    target = window if place == "window" else field.viewport()
    assert drop(target, "file:///m/a.gguf") == (True, ["/m/a.gguf"])
    assert field.toPlainText() == ""


def test_another_file_goes_its_way(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    assert drop(window, "file:///m/notes.txt") == (False, [])
