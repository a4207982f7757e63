"""The heat map's reading: one cell per expert, from the digits of the protocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.stats_events import FORECAST, paged
from offload_app.gauges.readings.heat_map import Cell, HeatMapReading, read_heat_map
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.words import Known


def read(now: tuple[str, ...], before: tuple[str, ...] = ()) -> HeatMapReading:
    return read_heat_map(paged(), now, before, Language())


def test_each_digit_is_a_cell() -> None:
    reading = read(("0123", "3210"))
    assert (reading.n_layer, reading.n_expert) == (2, 4)
    assert [reading.cell(0, expert) for expert in range(4)] == [Cell.ABSENT, Cell.LOADING, Cell.READY, Cell.PINNED]
    assert reading.cell(1, 0) is Cell.PINNED


@pytest.mark.parametrize(
    ("before", "now", "cell"),
    [
        ("0", "2", Cell.JUST_READ),
        ("1", "2", Cell.JUST_READ),
        ("2", "2", Cell.READY),
        ("3", "2", Cell.READY),
        ("0", "3", Cell.PINNED),
        ("0", "1", Cell.LOADING),
        ("2", "0", Cell.ABSENT),
        ("0", "4", Cell.FORECAST_RIGHT),
        ("2", "4", Cell.FORECAST_RIGHT),
        ("0", "5", Cell.FORECAST_WRONG),
        ("4", "2", Cell.READY),
    ],
)
def test_an_expert_that_was_not_there_is_just_read(before: str, now: str, cell: Cell) -> None:
    assert read((now,), (before,)).cell(0, 0) is cell


def test_residency_of_another_shape_says_nothing_of_what_was_read() -> None:
    assert read(("22",), ("00", "00")).cell(0, 0) is Cell.READY
    assert read(("22",), ("0",)).cell(0, 0) is Cell.READY


def test_unknown_digits_and_missing_ones_are_absent() -> None:
    reading = read(("9x2", "2"))
    assert [reading.cell(0, 0), reading.cell(0, 1), reading.cell(1, 2)] == [Cell.ABSENT] * 3


def test_a_cell_is_told_with_layer_expert_and_state() -> None:
    assert read(("0123", "3210")).cell_text(1, 2) == "Expert layer 2 of 2, expert 2: being read"


def test_the_sentence_counts_what_is_in_memory() -> None:
    assert read(("0123", "2210")).words.sentence == (
        "Experts: 4 of 8 are in memory, in 2 layers; 2 on disk, 2 being read, 3 in memory, 0 just read, 1 in use."
    )


def test_forecasts_are_listed_where_something_is_forecast() -> None:
    forecasting = read_heat_map(paged(forecast=FORECAST), ("0123",), (), Language())
    assert [line.cell for line in forecasting.legend] == list(Cell)
    assert [line.cell for line in read(("0123",)).legend] == list(Cell)[:5]
    assert [line.cell for line in read(("0523",)).legend] == [*list(Cell)[:5], Cell.FORECAST_WRONG]
    assert read(("0523",)).cell_text(0, 1) == "Expert layer 1 of 1, expert 1: forecast wrong"


def test_what_was_forecast_is_in_memory() -> None:
    assert read(("0452",)).words.value == "3 of 4"


def test_without_residency_there_is_no_map() -> None:
    reading = read(())
    assert (reading.known, reading.cells) == (Known.NOT_YET, b"")


@given(st.integers(1, 9).flatmap(lambda n: st.lists(st.text("012345", min_size=n, max_size=n), min_size=1, max_size=9)))
def test_the_legend_counts_every_expert_once(rows: list[str]) -> None:
    reading = read(tuple(rows), tuple(reversed(rows)))
    assert sum(line.count for line in reading.legend) == len(rows) * len(rows[0]) == len(reading.cells)
    assert sum("".join(rows).count(digit) for digit in "2345") == sum(
        line.count for line in reading.legend if line.cell >= Cell.READY
    )
