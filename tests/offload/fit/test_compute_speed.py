"""Measuring what the processor computes."""

import pytest

from fakes.measuring import Q4, FakeClock, TimedPasses
from offload.fit.compute_speed import STEP_MATRICES, measure_step, measure_weights, measured_form
from offload.fit.machine_speed import WeightForm
from offload.gguf_types import GgmlType


def test_the_speed_is_of_weights_without_the_steps() -> None:
    clock = FakeClock()
    passes = TimedPasses(n_bytes=100_000_000, n_steps=20, seconds=0.0102, clock=clock)
    found = measure_weights(Q4, 2, 1e-5, open_passes=passes.open, clock=clock)
    assert found.middle == pytest.approx(1e10)


def test_steps_that_seem_to_take_all_the_time_leave_some() -> None:
    clock = FakeClock()
    passes = TimedPasses(n_bytes=100_000_000, n_steps=20, seconds=0.01, clock=clock)
    assert measure_weights(Q4, 2, 1.0, open_passes=passes.open, clock=clock).high < 1e11


def test_a_step_is_a_pass_over_its_steps() -> None:
    clock = FakeClock()
    passes = TimedPasses(n_bytes=1000, n_steps=STEP_MATRICES, seconds=STEP_MATRICES * 2e-6, clock=clock)
    assert measure_step(2, open_passes=passes.open, clock=clock).middle == pytest.approx(2e-6)


@pytest.mark.parametrize(("seconds", "most"), [(10.0, 8), (1e-6, 60)])
def test_slow_and_fast_machines_are_measured_a_few_times(seconds: float, most: int) -> None:
    clock = FakeClock()
    passes = TimedPasses(n_bytes=1000, n_steps=1, seconds=seconds, clock=clock)
    measure_step(1, open_passes=passes.open, clock=clock)
    assert 3 <= passes.n_passes <= most


def test_types_that_no_weight_has_are_measured_as_another() -> None:
    assert measured_form(WeightForm(GgmlType.Q8_K, interleaved=False)).type is GgmlType.F32
    assert measured_form(Q4) == Q4
