"""A router's choice: gating, biases and groups, by examples small enough to do by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from offload.routing.router import Gating, Router

ONE_EACH = np.eye(4, dtype=np.float32)
"""Logits are the inputs."""


def floats(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


@pytest.mark.parametrize("gating", list(Gating))
def test_experts_with_the_largest_logits_are_chosen_the_largest_first(gating: Gating) -> None:
    router = Router(ONE_EACH, gating, n_expert_used=2)
    assert router.choose(floats(0.1, 3.0, -1.0, 0.5)).tolist() == [1, 3]


def test_logits_are_a_product_with_the_input_plus_the_bias() -> None:
    weight = np.arange(6, dtype=np.float32).reshape(3, 2)
    router = Router(weight, Gating.SOFTMAX_WEIGHT, 1, logit_bias=floats(0, 10, 0))
    assert router.logits(floats(1, 2)).tolist() == [2, 18, 14]


def test_the_bias_of_the_choice_is_added_to_the_gated_values() -> None:
    inputs = floats(5.0, 4.0, 0.0, -9.0)
    unbiased = Router(ONE_EACH, Gating.SIGMOID, 2)
    biased = Router(ONE_EACH, Gating.SIGMOID, 2, choice_bias=floats(0.0, -0.6, 0.0, 0.0))
    assert unbiased.choose(inputs).tolist() == [0, 1]
    assert biased.choose(inputs).tolist() == [0, 2]  # 0.98 - 0.6 is less than 0.5; 4.0 - 0.6 would not be


def test_a_biased_choice_of_softmax_is_of_probabilities() -> None:
    inputs = floats(2.0, 0.0, 0.0, 0.0)
    router = Router(ONE_EACH, Gating.SOFTMAX, 1, choice_bias=floats(0.0, 0.7, 0.0, 0.0))
    assert router.choose(inputs).tolist() == [1]  # 0.71 against 0.10 + 0.7


def test_only_experts_of_the_best_groups_are_chosen() -> None:
    router = Router(np.eye(6, dtype=np.float32), Gating.SIGMOID, 2, n_group=3, n_group_used=1)
    inputs = floats(3.0, -9.0, 1.0, 1.0, 0.0, 0.0)
    assert router.choose(inputs).tolist() == [2, 3]  # 0.73 + 0.73 against 0.95 + 0.0


def test_groups_are_judged_by_their_best_two_experts() -> None:
    router = Router(np.eye(6, dtype=np.float32), Gating.SIGMOID, 1, n_group=2, n_group_used=1)
    inputs = floats(1.0, 1.0, -9.0, 0.6, 0.6, 0.6)
    assert router.choose(inputs).tolist() == [0]  # 1.46 against 1.29; of three it would be 1.46 against 1.94


def test_experts_of_unused_groups_come_after_all_others_with_finite_scores() -> None:
    router = Router(ONE_EACH, Gating.SIGMOID, 1, n_group=2, n_group_used=1)
    scores = router.choice_scores(floats(-5.0, 1.0, 2.0, 2.0))
    assert np.isfinite(scores).all()
    assert scores[:2].max() < scores[2:].min()


def test_scores_of_softmax_are_log_probabilities() -> None:
    scores = Router(ONE_EACH, Gating.SOFTMAX, 1).choice_scores(floats(0.0, 1.0, 2.0, 90.0))
    assert np.exp(scores).sum() == pytest.approx(1.0)
    assert scores[3] - scores[2] == pytest.approx(88.0)


def test_logits_far_below_zero_are_no_error() -> None:
    scores = Router(ONE_EACH, Gating.SIGMOID, 1).choice_scores(floats(-1e4, 0.0, 1e4, 0.0))
    assert scores.tolist() == [0.0, 0.5, 1.0, 0.5]


def test_bytes_are_those_of_all_arrays() -> None:
    router = Router(ONE_EACH, Gating.SIGMOID, 1, logit_bias=floats(0, 0, 0, 0), choice_bias=floats(0, 0, 0, 0))
    assert router.n_bytes == 64 + 16 + 16


def test_groups_of_softmax_are_judged_by_sums_of_probabilities() -> None:
    router = Router(ONE_EACH, Gating.SOFTMAX, 1, n_group=2, n_group_used=1)
    assert router.choose(floats(3.0, -9.0, 2.0, 2.0)).tolist() == [0]  # 0.58 against 0.42; sums of logs say otherwise
