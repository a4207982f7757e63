"""`predict`: the formula, and what must hold of it whatever the numbers are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.measuring import DISK, F32, MACHINE, Q4, STEP
from offload.fit.estimate import Estimate
from offload.fit.machine_speed import DiskPoint, DiskSpeed, MachineSpeed
from offload.fit.model_shape import ModelShape
from offload.fit.prediction import (
    LAYER_SECONDS,
    RESUME_SECONDS,
    STEPS_OF_LAYER,
    TOKEN_SECONDS,
    WAIT_SECONDS,
    WAITED_FOR,
    Calibration,
    compute_estimate,
    predict,
)

SHAPE = ModelShape(
    n_layer=24,
    n_expert=128,
    n_expert_used=8,
    token_bytes={Q4: 600_000_000, F32: 25_000_000},
    expert_bytes=(2_600_000,) * 24,
    request_bytes=1_300_000,
)
DENSE = ModelShape(n_layer=24, n_expert=0, n_expert_used=0, token_bytes={Q4: 600_000_000})
RATES = st.floats(0, 1)


def speed(shape: ModelShape = SHAPE, machine: MachineSpeed = MACHINE, rate: float = 0.9) -> Estimate:
    return predict(shape, machine, Estimate.exact(rate)).tokens_per_second


def test_the_formula() -> None:
    found = predict(SHAPE, MACHINE, Estimate.exact(0.75))
    waits = 24 * (1 - 0.75**8)
    compute = 625e6 / 20e9 + 24 * (STEPS_OF_LAYER * 1e-6 + LAYER_SECONDS) + TOKEN_SECONDS + waits * RESUME_SECONDS
    stall = 0.25 * 8 * 24 * 2_600_000 / 1e9 * WAITED_FOR.middle + waits * WAIT_SECONDS
    assert found.compute_seconds == pytest.approx(compute)
    assert found.stall_seconds == pytest.approx(stall)
    assert found.tokens_per_second.middle == pytest.approx(1 / (compute + stall))
    assert found.bytes_per_token == pytest.approx(0.25 * 8 * 24 * 2_600_000)


def test_a_dense_model_waits_for_nothing() -> None:
    found = predict(DENSE, MACHINE, Estimate.exact(1.0))
    assert (found.stall_seconds, found.bytes_per_token) == (0.0, 0.0)


@given(RATES, RATES)
def test_more_hits_are_never_slower(one: float, other: float) -> None:
    slow, fast = speed(rate=min(one, other)), speed(rate=max(one, other))
    assert slow.middle <= fast.middle


@given(st.floats(1e6, 1e11), st.floats(1, 100), RATES)
def test_a_faster_disk_is_never_slower(bytes_per_second: float, times: float, rate: float) -> None:
    def machine(value: float) -> MachineSpeed:
        return replace(MACHINE, disk=DiskSpeed((DiskPoint(1 << 20, Estimate.exact(value)),)))

    slow, fast = (
        speed(machine=machine(bytes_per_second), rate=rate),
        speed(machine=machine(bytes_per_second * times), rate=rate),
    )
    assert slow.low <= fast.low * (1 + 1e-9)
    assert slow.middle <= fast.middle * (1 + 1e-9)


@given(st.floats(1e8, 1e12), st.floats(1, 100))
def test_faster_cores_are_never_slower(bytes_per_second: float, times: float) -> None:
    def machine(value: float) -> MachineSpeed:
        return replace(MACHINE, weights={Q4: Estimate.exact(value), F32: Estimate.exact(value)})

    assert speed(machine=machine(bytes_per_second)).middle <= speed(machine=machine(bytes_per_second * times)).middle


@given(st.tuples(RATES, RATES, RATES), st.floats(0.25, 4), st.floats(0.25, 4), st.integers(0, 8))
def test_the_middle_lies_in_its_range(
    rates: tuple[float, float, float], compute: float, stall: float, n_runs: int
) -> None:
    found = predict(SHAPE, MACHINE, Estimate(*sorted(rates)), Calibration(compute, stall, n_runs)).tokens_per_second
    assert 0 < found.low < found.middle < found.high


def test_the_less_is_known_of_the_hit_rate_the_wider_the_range() -> None:
    narrow = predict(SHAPE, MACHINE, Estimate(0.88, 0.9, 0.92)).tokens_per_second
    wide = predict(SHAPE, MACHINE, Estimate(0.6, 0.9, 0.97)).tokens_per_second
    assert wide.low < narrow.low < narrow.high < wide.high


def test_runs_of_the_model_narrow_the_range() -> None:
    unsure = replace(MACHINE, weights=dict.fromkeys((Q4, F32), Estimate(5e9, 20e9, 60e9)))
    before = predict(SHAPE, unsure, Estimate.exact(1.0)).tokens_per_second
    after = predict(SHAPE, unsure, Estimate.exact(1.0), Calibration(1.0, 1.0, 4)).tokens_per_second
    assert before.low < after.low
    assert after.high < before.high
    assert after.middle == before.middle


def test_weights_of_a_form_that_was_not_measured_are_no_guess() -> None:
    with pytest.raises(KeyError):
        compute_estimate(SHAPE, MachineSpeed(DISK, STEP), 0.9)
