"""Budgets: a smaller one than that which failed; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

_SHARE = 0.75
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Planned:
    """What the plan of a model that was opened says; zero: not known."""

    total_bytes: int = 0
    """Of all parts together, at most the budget."""
    floor_bytes: int = 0
    """The least it can be opened with."""


def planned(plan: Mapping[str, object]) -> Planned:
    """Return what `plan`, as the worker gives it, says."""
    total, floor = plan.get("total_bytes"), plan.get("floor_bytes")
    return Planned(total if isinstance(total, int) else 0, floor if isinstance(floor, int) else 0)


def smaller_budget(budget: str | int, plan: Planned) -> str:
    """Return three quarters of what was in use, but not less than the floor, in MiB.

    Where that is not known, three quarters of the share or size that was asked for; `auto` becomes `50%`.
    """
    if plan.total_bytes > 0:
        smaller = int(plan.total_bytes * _SHARE)
        return f"{max(1, smaller // _MIB, -(-plan.floor_bytes // _MIB))}M"
    text = str(budget).strip()
    number = text.rstrip("%KkMmGgTtIiBb ")
    unit = text[len(number) :].strip()
    try:
        return f"{_trimmed(float(number) * _SHARE)}{unit}"
    except ValueError:
        return "50%"


def _trimmed(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
