"""`offload verify`."""

from collections.abc import Callable
from typing import Any

Run = Callable[..., Any]


def test_a_whole_store_is_good(offload: Run) -> None:
    assert offload("verify", "whole.pack", "--json").json == {"file": "whole.pack", "damaged": []}


def test_damaged_records_are_named(offload: Run) -> None:
    outcome = offload("verify", "damaged.pack")
    assert outcome.code == 4
    assert "layer 1 expert 2, layer 1 expert 3" in outcome.err
