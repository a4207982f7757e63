"""`FittedText`: layouts ask for heights at any width, which must not cost a layout each."""

from pytestqt.qtbot import QtBot

from offload_app.chat.fitted_text import FittedText
from offload_app.chat.markdown import plain_document
from offload_app.theme import LIGHT


def test_no_width_lays_nothing_out(qtbot: QtBot) -> None:
    view = FittedText(LIGHT)
    qtbot.addWidget(view)
    view.show_document(plain_document("some words " * 50, view.font()))
    height = view.heightForWidth(300)
    assert view.heightForWidth(0) == 1
    assert view.document().textWidth() == 300
    assert view.sizeHint().height() == height
