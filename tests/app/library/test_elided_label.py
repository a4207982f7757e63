"""The elided label."""

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from fakes.painted import picture
from offload_app.library.elided_label import ElidedLabel


def test_a_long_text_takes_little_room_and_is_whole_in_the_tool_tip(qtbot: QtBot) -> None:
    label = ElidedLabel(Qt.TextElideMode.ElideMiddle)
    qtbot.addWidget(label)
    label.show_text("/a" * 2000)
    assert label.minimumSizeHint().width() <= 40
    assert label.sizeHint().width() <= 600
    assert label.toolTip() == label.accessibleName() == "/a" * 2000
    label.resize(100, 20)
    assert not picture(label).isNull()


def test_what_looks_like_markup_is_text(qtbot: QtBot) -> None:
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.show_text("<b>a</b>")
    assert label.textFormat() is Qt.TextFormat.PlainText
