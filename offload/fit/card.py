"""`FitCard`: whether a model fits, how fast it will be, and what other budgets would make of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from offload.bytesize import format_bytes
from offload.errors import BudgetError
from offload.fit.estimate import Estimate
from offload.fit.measured import MeasuredRun
from offload.fit.prediction import Prediction
from offload.fit.predictor import Predictor
from offload.memory_plan import MemoryPlan
from offload.plan_outline import PlanOutline, PlanPoint

_SHOWN_RUNS = 3
_CALIBRATED_FROM = 0.02
"""A factor further from 1 than this is worth a word."""


@dataclass(frozen=True, slots=True)
class FitRow:
    """The prediction for one budget."""

    budget_bytes: int
    resident_share: float
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class FitCard:
    """Everything `offload fit` tells. `plan` and `prediction` are None where the budget is below the floor."""

    plan: MemoryPlan | None
    prediction: Prediction | None
    refusal: BudgetError | None
    floor_bytes: int
    whole_bytes: int
    total_memory_bytes: int
    rows: tuple[FitRow, ...]
    predictor: Predictor

    @property
    def notes(self) -> list[str]:
        """Return what a reader must know of the prediction, a sentence each."""
        predictor, machine = self.predictor, self.predictor.machine
        notes = []
        if predictor.shape.is_paged:
            notes.append(f"Hit rates: {predictor.curve.source}.")
            if machine.disk.is_assumed:
                notes.append("The disk could not be measured: some disk is assumed.")
        if self.plan is not None and self.plan.device is not None:
            notes.append(f"Speeds are of the CPU alone: those of {self.plan.device.name} cannot be predicted yet.")
        if machine.is_busy:
            notes.append("The machine was busy while it was measured: it will be measured again the next time.")
        factors = predictor.calibration
        if factors.n_runs:
            runs = f"{factors.n_runs} run{'s' if factors.n_runs > 1 else ''}"
            changed = [
                f"{name} x {factor:.2f}"
                for name, factor in (("computing", factors.compute), ("waiting for reads", factors.stall))
                if abs(factor - 1) >= _CALIBRATED_FROM
            ]
            notes.append(f"Calibrated by {runs} of this model{': ' + ', '.join(changed) if changed else ''}.")
        return notes

    def lines(self) -> list[str]:
        """Return the card for a person, a line each."""
        lines = self.plan.lines() if self.plan is not None else []
        if self.prediction is not None:
            lines += ["", f"Predicted: {_speed(self.prediction.tokens_per_second)}: {_reason(self.prediction)}"]
        if self.refusal is not None:
            lines.append(f"Does not fit: {self.refusal}")
        lines += [_measured_line(run) for run in self.predictor.runs[-_SHOWN_RUNS:]]
        lines += self.notes
        return [*lines, "", *self.table()]

    def table(self) -> list[str]:
        """Return the table over budgets, for a person."""
        lines = [f"{'budget':>10}  {'in slots':>8}  {'hit rate':>8}  tokens/s"]
        for row in self.rows:
            rate = row.prediction.hit_rate.middle
            note = "  more than this machine has" if row.budget_bytes > self.total_memory_bytes else ""
            lines.append(
                f"{format_bytes(row.budget_bytes):>10}  {row.resident_share:>8.0%}  {rate:>8.0%}  "
                f"{_range(row.prediction.tokens_per_second)}{note}"
            )
        return lines

    def as_dict(self) -> dict[str, object]:
        """Return all numbers for `--json`: sizes in bytes, times in seconds."""
        predictor, machine = self.predictor, self.predictor.machine
        return {
            "fits": self.refusal is None,
            "plan": self.plan.as_dict() if self.plan is not None else None,
            "floor_bytes": self.floor_bytes,
            "whole_bytes": self.whole_bytes,
            "total_memory_bytes": self.total_memory_bytes,
            "prediction": asdict(self.prediction) if self.prediction is not None else None,
            "measured": [asdict(run) | {"model": run.model[:24]} for run in predictor.runs],
            "calibration": asdict(predictor.calibration),
            "hit_rate_source": predictor.curve.source if predictor.shape.is_paged else "",
            "machine": {
                "disk": [asdict(point) for point in machine.disk.points],
                "disk_is_assumed": machine.disk.is_assumed,
                "step_seconds": asdict(machine.step_seconds),
                "weights": {
                    f"{form.type.name}{' interleaved' if form.interleaved else ''}": asdict(speed)
                    for form, speed in machine.weights.items()
                },
                "is_busy": machine.is_busy,
            },
            "budgets": [
                {"budget_bytes": row.budget_bytes, "resident_share": row.resident_share, **asdict(row.prediction)}
                for row in self.rows
            ],
        }


def fit_card(predictor: Predictor, outline: PlanOutline, plan: MemoryPlan | BudgetError) -> FitCard:
    """Return the card of a plan, or of the refusal to make one, with a row for each point of `outline`."""
    made, refusal = (plan, None) if isinstance(plan, MemoryPlan) else (None, plan)
    return FitCard(
        plan=made,
        prediction=predictor.at(made.resident_share) if made is not None else None,
        refusal=refusal,
        floor_bytes=outline.floor_bytes,
        whole_bytes=outline.whole_bytes,
        total_memory_bytes=outline.total_memory_bytes,
        rows=rows_of(predictor, outline.points),
        predictor=predictor,
    )


def rows_of(predictor: Predictor, points: Sequence[PlanPoint]) -> tuple[FitRow, ...]:
    """Return the prediction for each of `points`, which may be any number of budgets."""
    return tuple(
        FitRow(point.budget_bytes, point.resident_share, predictor.at(point.resident_share)) for point in points
    )


def _reason(prediction: Prediction) -> str:
    compute = f"{1e3 * prediction.compute_seconds:.0f} ms of a token computing"
    if not prediction.bytes_per_token:
        return f"{compute}, nothing is read."
    read = f"{1e3 * prediction.stall_seconds:.0f} ms waiting for {format_bytes(int(prediction.bytes_per_token))}"
    return f"{compute}, {read} from the disk, at a hit rate of {prediction.hit_rate.middle:.0%}."


def _speed(speed: Estimate) -> str:
    return f"{_number(speed.middle)} tokens/s ({_number(speed.low)} to {_number(speed.high)})"


def _range(speed: Estimate) -> str:
    return f"{_number(speed.middle):>5}  ({_number(speed.low)} to {_number(speed.high)})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 0.995 else f"{value:.2f}"


def _measured_line(run: MeasuredRun) -> str:
    return (
        f"Measured before: {_number(run.tokens_per_second)} tokens/s with {format_bytes(run.budget_bytes)}, "
        f"{run.resident_share:.0%} of the experts in slots, hit rate {run.hit_rate:.0%}, {run.n_tokens} tokens."
    )
