"""`Estimate`."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.fit.estimate import Estimate, of_samples

FINITE = st.floats(0, 1e12, allow_nan=False)


@pytest.mark.parametrize("numbers", [(2.0, 1.0, 3.0), (1.0, 3.0, 2.0), (math.nan, 1.0, 2.0), (0.0, 1.0, math.inf)])
def test_a_middle_outside_its_range_is_refused(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="no range"):
        Estimate(*numbers)


@given(st.lists(FINITE, min_size=1, max_size=30))
def test_samples_lie_around_their_median(samples: list[float]) -> None:
    estimate = of_samples(samples)
    assert min(samples) <= estimate.low <= estimate.middle <= estimate.high <= max(samples)


def test_a_single_outlier_does_not_make_the_range() -> None:
    assert of_samples([1.0] * 19 + [1000.0]) == Estimate.exact(1.0)


@given(st.tuples(FINITE, FINITE, FINITE), st.tuples(FINITE, FINITE, FINITE), st.floats(0, 1))
def test_the_way_between_two_is_a_range_too(
    one: tuple[float, float, float], other: tuple[float, float, float], part: float
) -> None:
    between = Estimate(*sorted(one)).toward(Estimate(*sorted(other)), part)
    assert between.low <= between.middle <= between.high
    assert Estimate(*sorted(one)).toward(Estimate(*sorted(other)), 0) == Estimate(*sorted(one))
