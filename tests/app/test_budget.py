"""A smaller budget than the one that failed."""

import pytest

from offload_app.budget import Planned, planned, smaller_budget
from offload_app.settings import is_budget

GIB, MIB = 1 << 30, 1 << 20


@pytest.mark.parametrize(
    ("budget", "plan", "smaller"),
    [
        ("auto", Planned(8 * GIB), "6144M"),
        ("60%", Planned(8 * GIB, GIB), "6144M"),
        ("auto", Planned(200 * MIB, 180 * MIB - 1), "180M"),
        ("6G", Planned(), "4.5G"),
        ("60%", Planned(), "45%"),
        ("1.5 GiB", Planned(), "1.12GiB"),
        (1000, Planned(), "750"),
        ("auto", Planned(), "50%"),
        ("auto", Planned(1), "1M"),
    ],
)
def test_a_smaller_budget_is_three_quarters_and_not_below_the_floor(
    budget: str | int, plan: Planned, smaller: str
) -> None:
    assert smaller_budget(budget, plan) == smaller
    assert is_budget(smaller)


def test_a_plan_is_read_as_far_as_it_goes() -> None:
    assert planned({"total_bytes": 2, "floor_bytes": 1, "n_ctx": 4096}) == Planned(2, 1)
    assert planned({"total_bytes": "2"}) == Planned()
