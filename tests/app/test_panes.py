"""The panes side by side: shown, hidden, compact, as wide as they were."""

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from offload_app.gauges.panel import GaugePanel
from offload_app.panes import Panes
from offload_app.theme import LIGHT


def panes_of(qtbot: QtBot, width: int = 800) -> tuple[Panes, QWidget, QWidget, GaugePanel]:
    conversations, chat, gauges = QWidget(), QWidget(), GaugePanel(LIGHT)
    panes = Panes(conversations, chat, gauges)
    qtbot.addWidget(panes)
    panes.resize(width, 450)
    panes.show()
    qtbot.waitExposed(panes)
    return panes, conversations, chat, gauges


def test_all_three_fit_into_a_small_window(qtbot: QtBot) -> None:
    panes, conversations, chat, gauges = panes_of(qtbot, 800)
    assert panes.width() == 800
    assert chat.width() >= 320
    assert conversations.isVisible()
    assert gauges.isVisible()


def test_a_hidden_pane_leaves_its_room_to_the_chat(qtbot: QtBot) -> None:
    panes, _, chat, _gauges = panes_of(qtbot)
    before = chat.width()
    panes.show_list(False)
    panes.show_gauges(False)
    qtbot.waitUntil(lambda: chat.width() > before + 400)


def test_compact_gauges_are_one_line_below(qtbot: QtBot) -> None:
    panes, _, chat, gauges = panes_of(qtbot)
    panes.set_compact(True)
    qtbot.waitUntil(lambda: gauges.width() == 800)
    assert gauges.mapTo(panes, gauges.rect().topLeft()).y() >= chat.mapTo(panes, chat.rect().bottomLeft()).y()
    panes.set_compact(False)
    qtbot.waitUntil(lambda: gauges.width() < 800)
    assert gauges.isVisible()


def test_hidden_gauges_stay_hidden_when_they_become_compact(qtbot: QtBot) -> None:
    panes, _, _chat, gauges = panes_of(qtbot)
    panes.show_gauges(False)
    panes.set_compact(True)
    assert gauges.isHidden()


def test_widths_are_kept(qtbot: QtBot) -> None:
    first, conversations, _chat, _gauges = panes_of(qtbot, 1200)
    first._splitter.setSizes([300, 600, 300])
    second, other, _, _ = panes_of(qtbot, 1200)
    second.set_widths(first.widths)
    assert other.width() == conversations.width() == 300


@pytest.mark.parametrize("text", ["", "no base 64", "AAAA", "ä"])
def test_widths_that_make_no_sense_change_nothing(qtbot: QtBot, text: str) -> None:
    panes, conversations, _, _ = panes_of(qtbot)
    before = conversations.width()
    panes.set_widths(text)
    assert conversations.width() == before
