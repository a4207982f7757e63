"""`FitCard`: what is told of a model."""

import json
from dataclasses import replace

import pytest

from fakes.measuring import F32, MACHINE, Q4
from offload.device_plan import DevicePlan
from offload.errors import BudgetError
from offload.fit.calibration import calibrate
from offload.fit.card import FitCard, fit_card, rows_of
from offload.fit.machine_speed import ASSUMED_DISK, MachineSpeed
from offload.fit.measured import MeasuredRun
from offload.fit.model_shape import ModelShape
from offload.fit.predictor import Predictor
from offload.fit.published_curves import published_curve
from offload.memory_plan import MemoryPlan
from offload.plan_outline import PlanOutline, PlanPoint

GIB = 1 << 30
SHAPE = ModelShape(24, 128, 8, {Q4: 600_000_000, F32: 25_000_000}, (2_600_000,) * 24, 1_300_000)
DENSE = ModelShape(24, 0, 0, {Q4: 600_000_000})
RUN = MeasuredRun("m" * 64, "here", 4 * GIB, 0.5, 2, 164, 12.3, 0.9, 0.02, 1)
REFUSAL = BudgetError("The budget is 1.0 GiB.", budget_bytes=GIB, floor_bytes=2 * GIB, hint="Raise --memory.")


def point(budget_bytes: int, share: float) -> PlanPoint:
    return PlanPoint(budget_bytes, 1, 1, 1, 1, 1, 1, 1, share)


POINTS = tuple(point((2 + step) * GIB, step / 7) for step in range(8))
OUTLINE = PlanOutline(4096, 512, 2 * GIB, 9 * GIB, 4 * GIB, 8 * GIB, 6 * GIB, POINTS)


def plan(n_slots: int = 64) -> MemoryPlan:
    capacity = dict.fromkeys(range(24), n_slots)
    return MemoryPlan(
        4 * GIB, 2 * GIB, 1, 2, 3, 4, 5, 6, 7, 4096, 512, 128, 8, capacity, None, store_name="model.offload"
    )


def card(
    shape: ModelShape = SHAPE,
    machine: MachineSpeed = MACHINE,
    runs: tuple[MeasuredRun, ...] = (),
    made: MemoryPlan | BudgetError | None = None,
) -> FitCard:
    predictor = Predictor(shape, machine, published_curve(128), calibrate(shape, machine, runs), runs)
    return fit_card(predictor, OUTLINE, made or plan())


def test_plan_prediction_and_table_are_shown() -> None:
    lines = card().lines()
    assert lines[0].startswith("budget")
    (predicted,) = [line for line in lines if line.startswith("Predicted: ")]
    assert "tokens/s (" in predicted
    assert "at a hit rate of 96%" in predicted
    assert "Hit rates: routes of Qwen3-30B-A3B." in lines
    assert len(card().table()) == 1 + len(POINTS)


def test_the_table_rises_with_the_budget() -> None:
    speeds = [row.prediction.tokens_per_second.middle for row in card().rows]
    assert speeds == sorted(speeds)
    assert speeds[0] < speeds[-1]


def test_budgets_that_this_machine_has_not_are_marked() -> None:
    marked = [line for line in card().table() if "more than this machine has" in line]
    assert len(marked) == 1
    assert marked[0].lstrip().startswith("9.0 GiB")


def test_a_model_that_does_not_fit_has_its_reason_and_the_table() -> None:
    refused = card(made=REFUSAL)
    assert (refused.plan, refused.prediction) == (None, None)
    assert refused.lines()[0] == "Does not fit: The budget is 1.0 GiB. Raise --memory."
    assert len(refused.lines()) > len(POINTS)
    assert refused.as_dict()["fits"] is False


def test_what_runs_measured_is_shown_and_said_to_calibrate() -> None:
    lines = card(runs=(RUN,)).lines()
    assert any(line.startswith("Measured before: 12.3 tokens/s with 4.0 GiB, 50% of the experts") for line in lines)
    assert any(line.startswith("Calibrated by 1 run of this model") for line in lines)


def test_the_last_runs_alone_are_shown() -> None:
    lines = card(runs=(RUN,) * 8).lines()
    assert sum(line.startswith("Measured before") for line in lines) == 3


def test_an_assumed_disk_and_a_busy_machine_are_said() -> None:
    notes = card(machine=MachineSpeed(ASSUMED_DISK, MACHINE.step_seconds, MACHINE.weights, is_busy=True)).notes
    assert any("could not be measured" in note for note in notes)
    assert any("busy" in note for note in notes)


def test_speeds_on_a_device_are_not_predicted_which_is_said() -> None:
    device = DevicePlan("CUDA0", 6 * GIB, GIB, 1, 2, 3, 4, 5)
    words = "Speeds are of the CPU alone: those of CUDA0 cannot be predicted yet."
    assert words in card(made=replace(plan(), device=device)).notes
    assert words not in card().notes


def test_a_dense_model_reads_nothing_and_has_no_hit_rates() -> None:
    dense = card(shape=DENSE, made=plan(128))
    assert "nothing is read" in "\n".join(dense.lines())
    assert not any("Hit rates" in line for line in dense.lines())


@pytest.mark.parametrize("made", [None, REFUSAL])
def test_all_numbers_are_json(made: BudgetError | None) -> None:
    found = json.loads(json.dumps(card(runs=(RUN,), made=made).as_dict(), allow_nan=False))
    assert [row["budget_bytes"] for row in found["budgets"]] == [point.budget_bytes for point in POINTS]
    assert found["budgets"][0]["tokens_per_second"].keys() == {"low", "middle", "high"}
    assert found["machine"]["weights"].keys() == {"Q4_K interleaved", "F32"}
    assert found["floor_bytes"] == 2 * GIB


def test_any_number_of_points_has_its_rows() -> None:
    many = tuple(point(2 * GIB + step, step / 256) for step in range(257))
    rows = rows_of(card().predictor, many)
    assert [row.resident_share for row in rows] == [one.resident_share for one in many]
