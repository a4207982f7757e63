"""The image of the cells: every state has its colour, and forecasts a shape."""

import pytest

from fakes.stats_events import FORECAST, paged
from offload_app.gauges.readings.heat_map import Cell, HeatMapReading, read_heat_map
from offload_app.gauges.readings.language import Language
from offload_app.gauges.widgets.cell_image import cell_colours, cell_image, is_ground
from offload_app.theme import DARK, LIGHT, Theme

SIDES = (4, 5, 8, 10, 20)


def read(*rows: str) -> HeatMapReading:
    return read_heat_map(paged(forecast=FORECAST), rows, (), Language())


def test_small_cells_are_one_pixel_each() -> None:
    image = cell_image(read(*["0" * 127 + "3"] * 48), LIGHT)
    assert (image.width(), image.height()) == (128, 48)
    assert image.pixelColor(127, 47).name() == LIGHT.experts.pinned


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("side", SIDES)
def test_every_pixel_is_of_its_cell_or_ground(theme: Theme, side: int) -> None:
    reading = read("0123", "4500")
    image, colours = cell_image(reading, theme, side), cell_colours(theme)
    assert (image.width(), image.height()) == (4 * side, 2 * side)
    for y in range(image.height()):
        for x in range(image.width()):
            cell = reading.cell(y // side, x // side)
            ground = is_ground(cell, x % side, y % side, side)
            assert image.pixelColor(x, y).name() == (theme.surface if ground else colours[cell])


def shape(cell: Cell, side: int) -> list[list[bool]]:
    return [[is_ground(cell, x, y, side) for x in range(side)] for y in range(side)]


@pytest.mark.parametrize("side", SIDES)
def test_forecasts_are_told_apart_without_colour(side: int) -> None:
    full, right, wrong = (shape(cell, side) for cell in (Cell.READY, Cell.FORECAST_RIGHT, Cell.FORECAST_WRONG))
    assert full != right != wrong != full


@pytest.mark.parametrize("side", SIDES)
def test_a_shape_leaves_some_of_the_colour(side: int) -> None:
    for cell in Cell:
        coloured = sum(not ground for line in shape(cell, side) for ground in line)
        assert coloured >= side
