"""`PreviousPath`."""

import numpy as np

from offload.routing.previous_path import PreviousPath


def experts(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def test_nothing_is_known_before_the_first_token() -> None:
    assert PreviousPath(2, 4).scores(0) is None


def test_the_experts_of_the_previous_token_score_highest() -> None:
    path = PreviousPath(2, 4)
    for token in range(9):
        path.begin(token)
        path.routed(0, experts(1, 2))
    path.begin(9)
    path.routed(0, experts(3, 0))
    scores = path.scores(0)
    assert scores is not None
    assert set(np.argsort(-scores)[:2]) == {0, 3}
    assert path.scores(1) is None


def test_older_tokens_count_less_the_older() -> None:
    path = PreviousPath(1, 4)
    for expert in (0, 1, 2):
        path.routed(0, experts(expert))
    scores = path.scores(0)
    assert scores is not None
    assert scores.tolist() == [0.25, 0.5, 1.0, 0.0]


def test_a_higher_gate_weight_scores_higher() -> None:
    path = PreviousPath(1, 4)
    path.routed(0, experts(2, 1), np.array([0.8, 0.2], np.float32))
    scores = path.scores(0)
    assert scores is not None
    assert scores.tolist() == [0.0, 1.25, 2.0, 0.0]


def test_gate_weights_of_zero_are_no_weights() -> None:
    path = PreviousPath(1, 4)
    path.routed(0, experts(2, 1), np.zeros(2, np.float32))
    scores = path.scores(0)
    assert scores is not None
    assert scores.tolist() == [0.0, 1.0, 1.0, 0.0]


def test_a_new_conversation_knows_nothing_of_the_last() -> None:
    path = PreviousPath(1, 4)
    path.routed(0, experts(2))
    path.forget()
    assert path.scores(0) is None


def test_its_memory_is_that_of_its_scores() -> None:
    assert PreviousPath(48, 128).n_bytes == 48 * 128 * 4 + 48
