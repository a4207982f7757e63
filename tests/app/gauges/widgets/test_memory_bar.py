"""The memory bar: as full as memory is, with every part in its colour."""

from dataclasses import replace

from pytestqt.qtbot import QtBot

from fakes.painted import pixels_by_colour
from fakes.stats_events import GB, MB, MEMORY, dense, paged
from offload.protocol import StatsEvent
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.memory import read_memory
from offload_app.gauges.widgets.memory_bar import MemoryBar
from offload_app.gauges.widgets.part_bar import part_colours
from offload_app.theme import DARK, LIGHT, Theme


def bar(qtbot: QtBot, event: StatsEvent | None, theme: Theme = LIGHT, width: int = 300) -> MemoryBar:
    gauge = MemoryBar(theme, read_memory(event, Language()))
    qtbot.addWidget(gauge)
    gauge.resize(width, gauge.heightForWidth(width))
    return gauge


def test_a_larger_part_has_more_pixels(qtbot: QtBot) -> None:
    slots = LIGHT.memory.slots
    small = pixels_by_colour(bar(qtbot, paged(memory=replace(MEMORY, slot_bytes=GB))))[slots]
    large = pixels_by_colour(bar(qtbot, paged(memory=replace(MEMORY, slot_bytes=3 * GB))))[slots]
    assert large > 2 * small > 0


def test_a_part_takes_its_share_of_the_bar(qtbot: QtBot) -> None:
    colours = pixels_by_colour(bar(qtbot, paged()))
    assert 2.7 < colours[LIGHT.memory.slots] / colours[LIGHT.memory.dense] < 3.3


def test_every_part_that_takes_memory_is_painted_in_both_themes(qtbot: QtBot) -> None:
    event = paged(memory=replace(MEMORY, forecast_bytes=200 * MB, host_bytes=200 * MB))
    for theme in (LIGHT, DARK):
        painted = pixels_by_colour(bar(qtbot, event, theme))
        assert [part for part, colour in part_colours(theme).items() if not painted[colour]] == []


def test_a_part_without_memory_is_not_in_the_legend(qtbot: QtBot) -> None:
    assert bar(qtbot, dense()).heightForWidth(200) < bar(qtbot, paged()).heightForWidth(200)
    assert pixels_by_colour(bar(qtbot, dense()))[LIGHT.memory.slots] == 0


def test_a_broken_promise_is_painted_as_an_error(qtbot: QtBot) -> None:
    kept, broken = paged(), paged(memory=replace(MEMORY, peak_bytes=7 * GB))
    assert pixels_by_colour(bar(qtbot, kept))[LIGHT.error] == 0
    assert pixels_by_colour(bar(qtbot, broken))[LIGHT.error] > 0


def test_more_memory_in_use_is_a_longer_line(qtbot: QtBot) -> None:
    def line(resident_bytes: int) -> int:
        memory = replace(MEMORY, resident_bytes=resident_bytes, peak_bytes=5 * GB)
        return pixels_by_colour(bar(qtbot, paged(memory=memory)))[LIGHT.muted]

    assert line(4 * GB) > line(2 * GB) + 150


def test_a_wide_panel_has_a_legend_of_two_columns(qtbot: QtBot) -> None:
    gauge = bar(qtbot, paged())
    assert gauge.heightForWidth(600) < gauge.heightForWidth(150)


def test_without_a_model_the_bar_is_empty(qtbot: QtBot) -> None:
    painted = pixels_by_colour(bar(qtbot, None))
    assert painted[LIGHT.track] > 300 * 10
    assert [colour for part, colour in part_colours(LIGHT).items() if part.value != "free" and painted[colour]] == []
