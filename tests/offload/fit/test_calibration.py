"""Calibrating predictions by runs."""

from dataclasses import replace

import pytest

from fakes.measuring import MACHINE, Q4
from offload.fit.calibration import STEADY_TOKENS, calibrate
from offload.fit.estimate import Estimate
from offload.fit.measured import MeasuredRun
from offload.fit.model_shape import ModelShape
from offload.fit.prediction import UNCALIBRATED, predict

SHAPE = ModelShape(24, 128, 8, {Q4: 600_000_000}, (2_600_000,) * 24, 1_300_000)
PLAIN = predict(SHAPE, MACHINE, Estimate.exact(0.9))


def run(compute: float = 1.0, stall: float = 1.0) -> MeasuredRun:
    """Return a run that took so many times as long as predicted."""
    stall_seconds = PLAIN.stall_seconds * stall
    seconds = PLAIN.compute_seconds * compute + stall_seconds
    return MeasuredRun("m", "here", 1, 0.5, 2, STEADY_TOKENS, 1 / seconds, 0.9, stall_seconds, 1)


def test_nothing_is_known_without_runs() -> None:
    assert calibrate(SHAPE, MACHINE, []) == UNCALIBRATED


def test_a_prediction_that_was_calibrated_meets_its_run() -> None:
    known = run(compute=1.5, stall=0.6)
    factors = calibrate(SHAPE, MACHINE, [known])
    assert [factors.compute, factors.stall, factors.n_runs] == pytest.approx([1.5, 0.6, 1])
    found = predict(SHAPE, MACHINE, Estimate.exact(0.9), factors)
    assert found.tokens_per_second.middle == pytest.approx(known.tokens_per_second)


def test_of_several_runs_the_middle_one_counts() -> None:
    assert calibrate(SHAPE, MACHINE, [run(1.0), run(3.0), run(1.2)]).compute == pytest.approx(1.2)


def test_a_run_that_is_far_off_does_not_count() -> None:
    assert calibrate(SHAPE, MACHINE, [run(compute=50.0)]) == UNCALIBRATED


def test_a_short_run_is_mostly_its_cold_start() -> None:
    assert calibrate(SHAPE, MACHINE, [replace(run(compute=2.0), n_tokens=STEADY_TOKENS - 1)]) == UNCALIBRATED


def test_a_run_without_misses_says_nothing_of_the_disk() -> None:
    whole = replace(run(), hit_rate=1.0, stall_seconds=0.0, tokens_per_second=1 / PLAIN.compute_seconds)
    assert calibrate(SHAPE, MACHINE, [whole]).stall == 1.0


def test_a_dense_model_is_calibrated_too() -> None:
    dense = ModelShape(24, 0, 0, {Q4: 600_000_000})
    seconds = 2 * predict(dense, MACHINE, Estimate.exact(1.0)).compute_seconds
    known = MeasuredRun("m", "here", 1, 1.0, 2, 200, 1 / seconds, 1.0, 0.0, 1)
    assert calibrate(dense, MACHINE, [known]).compute == pytest.approx(2.0)
