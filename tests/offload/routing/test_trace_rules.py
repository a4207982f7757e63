"""What is no header and no step of a trace is named."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fakes.routing_traces import make_header, random_step
from offload.routing.route_trace import UNKNOWN, Phase
from offload.routing.trace_rules import header_trouble, step_trouble

HEADERS: list[tuple[dict[str, Any], str]] = [
    ({"layers": ()}, "0 layers"),
    ({"layers": (2, 1)}, "do not ascend"),
    ({"layers": (1, 1)}, "do not ascend"),
    ({"layers": (1, 512)}, "not all within 0 to 511"),
    ({"n_expert": 0}, "0 experts"),
    ({"n_expert": 1025}, "1025 experts"),
    ({"n_expert_used": 0}, "0 of 8 experts"),
    ({"expert_bytes": (1,)}, "sizes of experts for 1 layers of 2"),
    ({"expert_bytes": (1, -1)}, "sizes of its experts"),
    ({"n_embd": -1}, "-1 wide"),
    ({"model_name": "m" * 5000}, "longer than"),
]
ONE = np.zeros(1, np.int32)
STEPS: list[tuple[dict[str, Any], str]] = [
    ({"sequence": -1}, "sequence -1"),
    ({"tokens": ONE[:0]}, "token ids have the shape"),
    ({"tokens": ONE - 2}, "token id -2"),
    ({"routes": np.zeros((1, 1, 2), np.int16)}, "routes have the shape"),
    ({"routes": np.full((2, 1, 2), -2, np.int16)}, "to expert -2 of 8"),
    ({"routes": np.array([[[0, 1]], [[8, 1]]], np.int16)}, "to expert 8 of 8"),
    ({"routes": np.array([[[0, 1]], [[3, 3]]], np.int16)}, "one expert twice in layer 2"),
    ({"weights": None}, "gate weights have the shape of none"),
    ({"weights": np.zeros((2, 1, 3), np.float16)}, "gate weights have the shape"),
    ({"inputs": np.zeros((2, 1, 4), np.float16)}, "router inputs have the shape"),
]


@pytest.mark.parametrize(("change", "trouble"), HEADERS)
def test_a_header_of_no_trace_is_named(change: dict[str, Any], trouble: str) -> None:
    assert trouble in header_trouble(replace(make_header(), **change))


def test_a_header_of_a_trace_has_no_trouble() -> None:
    assert header_trouble(make_header(512 - 1, 1024, 1024, n_embd=4096)) == ""


@pytest.mark.parametrize(("change", "trouble"), STEPS)
def test_a_step_of_no_trace_is_named(change: dict[str, Any], trouble: str) -> None:
    step = random_step(make_header(), np.random.default_rng(1))
    assert trouble in step_trouble(make_header(), replace(step, **change))


def test_unknown_routes_are_no_trouble() -> None:
    step = random_step(make_header(), np.random.default_rng(1), 5, phase=Phase.PREFILL)
    assert (step.routes == UNKNOWN).any()
    assert step_trouble(make_header(), step) == ""
