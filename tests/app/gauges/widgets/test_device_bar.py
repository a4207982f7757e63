"""The device bar: as full as the device's memory is, with every part in its colour."""

from pytestqt.qtbot import QtBot

from fakes.painted import pixels_by_colour
from fakes.stats_events import tiered
from offload_app.gauges.readings.device_memory import read_device_memory
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.memory import Part
from offload_app.gauges.widgets.device_bar import DeviceBar
from offload_app.gauges.widgets.part_bar import part_colours
from offload_app.theme import DARK, LIGHT, Theme


def bar(qtbot: QtBot, theme: Theme = LIGHT, width: int = 300) -> DeviceBar:
    gauge = DeviceBar(theme, read_device_memory(tiered(), Language()))
    qtbot.addWidget(gauge)
    gauge.resize(width, gauge.heightForWidth(width))
    return gauge


def test_every_part_that_lies_there_is_painted_in_both_themes(qtbot: QtBot) -> None:
    there = (Part.DENSE, Part.CONTEXT, Part.COMPUTE, Part.SLOTS, Part.STAGING, Part.FREE)
    for theme in (LIGHT, DARK):
        painted = pixels_by_colour(bar(qtbot, theme))
        assert [part for part in there if not painted[part_colours(theme)[part]]] == []
        assert painted[theme.memory.cache] == painted[theme.memory.runtime] == 0


def test_a_part_takes_its_share_of_the_bar(qtbot: QtBot) -> None:
    colours = pixels_by_colour(bar(qtbot))
    assert 2.7 < colours[LIGHT.memory.slots] / colours[LIGHT.memory.dense] < 3.3


def test_a_narrow_bar_is_higher_and_loses_nothing(qtbot: QtBot) -> None:
    gauge = bar(qtbot)
    assert gauge.heightForWidth(150) > gauge.heightForWidth(600)
