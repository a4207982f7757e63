"""The course of a value: when a point is taken, and how high the curve reaches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload_app.gauges.readings.trend import MAX_POINTS, STEP_SECONDS, Trend, curve_of


def test_a_point_is_taken_at_most_every_step() -> None:
    trend = Trend().extended(10.0, 1.0).extended(10.0 + STEP_SECONDS / 2, 2.0).extended(10.0 + STEP_SECONDS, 3.0)
    assert trend.points == (1.0, 3.0)


def test_the_first_point_is_taken_whatever_the_clock_says() -> None:
    assert Trend().extended(0.0, 1.0).points == (1.0,)


def test_no_value_is_no_point() -> None:
    assert Trend().extended(1.0, None) == Trend()


def test_the_oldest_points_leave() -> None:
    trend = Trend()
    for index in range(MAX_POINTS + 5):
        trend = trend.extended(float(index), float(index))
    assert trend.points == tuple(float(index) for index in range(5, MAX_POINTS + 5))


@pytest.mark.parametrize(("highest", "top"), [(0.0, 1.0), (0.9, 1.0), (11.0, 15.0), (15.0, 15.0), (72.0, 100.0)])
def test_the_top_is_a_round_number(highest: float, top: float) -> None:
    assert curve_of(Trend((0.0, highest))).top == pytest.approx(top)


@given(st.lists(st.floats(0, 1e12), max_size=10))
def test_no_point_is_above_the_top_nor_far_below(values: list[float]) -> None:
    curve = curve_of(Trend(tuple(values)))
    highest = max(values, default=0.0)
    assert curve.top >= highest * (1 - 1e-9)
    assert curve.top <= max(highest * 1.7, 1.0)
