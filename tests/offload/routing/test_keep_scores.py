"""Decayed frequency: which use counts how much."""

import numpy as np
import pytest

from offload.routing.keep_scores import DecayedFrequency

ALL = slice(0, 1)


def of_tokens(*tokens: list[int]) -> DecayedFrequency:
    scores = DecayedFrequency(1, 4, half_life=1)
    for experts in tokens:
        scores.routed(ALL, np.array([experts], np.int16), None)
    return scores


def test_a_use_counts_half_after_its_half_life() -> None:
    assert of_tokens([0, 1], [2, 1]).scores(ALL).tolist() == [[0.25, 0.75, 0.5, 0.0]]


def test_unknown_routes_count_for_nobody() -> None:
    assert of_tokens([0, 1], [-1, -1]).scores(ALL).tolist() == [[0.25, 0.25, 0.0, 0.0]]


def test_layers_are_counted_apart() -> None:
    scores = DecayedFrequency(2, 3, half_life=1)
    scores.routed(slice(1, 2), np.array([[2]]), None)
    assert scores.scores(slice(0, 2)).tolist() == [[0, 0, 0], [0, 0, 0.5]]


def test_a_restored_state_goes_on_as_the_first_would_have() -> None:
    first, second = of_tokens([0, 1], [2, 1]), of_tokens([3, 0])
    second.restore(first.state())
    for scores in (first, second):
        scores.routed(ALL, np.array([[3, 1]]), None)
    assert first.scores(ALL).tolist() == second.scores(ALL).tolist()


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ({}, "missing"),
        ({"frequency": np.zeros((2, 4), np.float32)}, "of shape"),
        ({"frequency": np.full((1, 4), np.nan, np.float32)}, "not finite"),
    ],
)
def test_a_state_of_something_else_changes_nothing(state: dict[str, np.ndarray], what: str) -> None:
    scores = of_tokens([0, 1])
    with pytest.raises(ValueError, match=what):
        scores.restore(state)
    assert scores.scores(ALL).tolist() == [[0.5, 0.5, 0, 0]]
