"""The card of the first run."""

from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from offload_app.first_run import FirstRunCard
from offload_app.theme import LIGHT


def test_three_sentences_say_what_the_gauges_mean(qtbot: QtBot) -> None:
    card = FirstRunCard(LIGHT)
    qtbot.addWidget(card)
    shown = [label.text() for label in card.findChildren(QLabel)]
    assert tuple(shown[1:]) == card.sentences()
    assert len(card.sentences()) == 3


def test_it_can_be_put_away(qtbot: QtBot) -> None:
    card = FirstRunCard(LIGHT)
    qtbot.addWidget(card)
    with qtbot.waitSignal(card.dismissed):
        card.findChildren(QPushButton)[0].click()
