"""The plan bar: every part has its place and its colour."""

import itertools
from dataclasses import replace

import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from fakes.model_shelf import outline
from fakes.painted import colour_at, picture, pixels_by_colour
from fakes.scripted_models import GIB
from offload_app.gauges.readings.language import Language
from offload_app.library.plan_bar import PlanBar, plan_colours
from offload_app.library.readings.plan import PlanPart, PlanReading, read_plan
from offload_app.theme import DARK, LIGHT, Theme


def bar(qtbot: QtBot, reading: PlanReading, theme: Theme = LIGHT, width: int = 600) -> PlanBar:
    made = PlanBar(theme, reading)
    qtbot.addWidget(made)
    made.resize(width, made.heightForWidth(width))
    return made


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_part_is_painted_in_its_colour(qtbot: QtBot, theme: Theme) -> None:
    cached = replace(outline().points[1], host_bytes=GIB)
    reading = read_plan(outline(points=(cached, cached)), 5 * GIB, Language())
    painted = pixels_by_colour(bar(qtbot, reading, theme))
    for part, colour in plan_colours(theme).items():
        assert painted[colour] > 20, part


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_parts_side_by_side_differ_in_lightness(theme: Theme) -> None:
    lightness = [QColor(plan_colours(theme)[part]).lightnessF() for part in PlanPart]
    luma = [_luma(plan_colours(theme)[part]) for part in PlanPart]
    assert len(lightness) == len(PlanPart)
    assert all(abs(one - other) > 0.03 for one, other in itertools.pairwise(luma)), luma


def _luma(colour: str) -> float:
    value = QColor(colour)
    return 0.2126 * value.redF() + 0.7152 * value.greenF() + 0.0722 * value.blueF()


def test_the_bar_grows_with_the_budget(qtbot: QtBot) -> None:
    small = bar(qtbot, read_plan(outline(), GIB, Language()))
    large = bar(qtbot, read_plan(outline(), 9 * GIB, Language()))
    at = (590, 4 + small.body_top() + 8)
    assert colour_at(picture(small), *at) == LIGHT.track
    assert colour_at(picture(large), *at) == LIGHT.memory.slots


def test_numbers_stand_as_text_and_are_read_out(qtbot: QtBot) -> None:
    made = bar(qtbot, read_plan(outline(), 5 * GIB, Language()))
    assert made.accessibleName() == "Memory plan"
    assert "Experts 4.2 GB" in made.accessibleDescription()


def test_a_narrow_bar_is_higher_and_loses_nothing(qtbot: QtBot) -> None:
    reading = read_plan(outline(), 5 * GIB, Language())
    assert bar(qtbot, reading, width=240).height() > bar(qtbot, reading, width=700).height()


def test_a_budget_below_the_floor_has_no_parts(qtbot: QtBot) -> None:
    painted = pixels_by_colour(bar(qtbot, read_plan(outline(budget_bytes=1), 0, Language())))
    assert painted[LIGHT.memory.slots] == 0
    assert painted[LIGHT.track] > 1000
