"""`offload plan`."""

from collections.abc import Callable
from typing import Any

Run = Callable[..., Any]


def test_the_plan_is_printed(offload: Run) -> None:
    assert offload("plan").out == "budget  6.0 GiB\nslots   4.0 GiB\n"


def test_the_plan_as_json_is_in_bytes(offload: Run) -> None:
    assert offload("plan", "--json").json["slot_bytes"] == 4 << 30
