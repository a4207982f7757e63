"""The gauges in one line: titles only where there is room for them."""

from pytestqt.qtbot import QtBot

from fakes.painted import pixels_by_colour
from offload_app.gauges.readings.compact import CompactReading
from offload_app.gauges.readings.words import Words
from offload_app.gauges.widgets.compact_line import CompactLine
from offload_app.theme import LIGHT

READING = CompactReading(Words("Gauges", "", "", "All."), (("Memory", "5.2 GB"), ("Speed", "12 tokens/s")))


def line(qtbot: QtBot, width: int) -> CompactLine:
    gauge = CompactLine(LIGHT, READING)
    qtbot.addWidget(gauge)
    gauge.resize(width, gauge.heightForWidth(width))
    return gauge


def test_titles_are_left_out_where_there_is_little_room(qtbot: QtBot) -> None:
    wide, narrow = (pixels_by_colour(line(qtbot, width)) for width in (600, 180))
    assert wide[LIGHT.muted] > 0
    assert narrow[LIGHT.muted] == 0
    assert narrow[LIGHT.text] > 0


def test_it_is_one_line(qtbot: QtBot) -> None:
    assert line(qtbot, 100).heightForWidth(100) == line(qtbot, 600).heightForWidth(600) < 40


def test_its_sentence_is_there_for_assistive_technology(qtbot: QtBot) -> None:
    assert line(qtbot, 300).accessibleDescription() == "All."
