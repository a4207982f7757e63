"""A gate network's output, by hand."""

import numpy as np
import pytest

from offload.routing.gate_network import GateNetwork

TWO_EXPERTS = GateNetwork(
    first=np.array([[1, 0], [-1, 0], [0, 10], [0, 0]], np.float32),
    first_bias=np.array([0, 0, 0, 5], np.float32),
    second=np.array([[1, 1], [3, 0]], np.float32),
    scale=2.0,
)
"""Two hidden units, the positive and the negative part of the first feature."""


@pytest.mark.parametrize(("feature", "expected"), [(0.5, [0.5 + 2, 1.5 + 2 + 5]), (-0.5, [0.5 + 2, 0.0 + 2 + 5])])
def test_hidden_units_linear_part_and_logits_are_added(feature: float, expected: list[float]) -> None:
    features = np.array([feature, 0.0], np.float32)
    assert TWO_EXPERTS.log_odds(np.ones(2, np.float32), features).tolist() == expected


def test_the_linear_part_sees_negative_features_too() -> None:
    features = np.array([0.0, -1.0], np.float32)
    assert TWO_EXPERTS.log_odds(np.zeros(2, np.float32), features).tolist() == [-10.0, 5.0]


def test_bytes_are_those_of_all_arrays() -> None:
    assert TWO_EXPERTS.n_bytes == 4 * (8 + 4 + 4)
