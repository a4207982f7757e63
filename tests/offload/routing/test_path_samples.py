"""`PathSamples`."""

import numpy as np
import pytest

from fakes.routing_traces import decode_step, tokens_of
from offload.routing.forecaster_training import train_prior
from offload.routing.path_samples import PathSamples

STEPS = [
    decode_step((0, 1), (2, 3), token=7),
    decode_step((4, 5), (6, 7), token=8),
    decode_step((0, 2), (-1, -1), token=7),
    decode_step((1, 3), (5, 7), token=8, sequence=1),
]


@pytest.fixture
def samples() -> PathSamples:
    tokens = tokens_of(STEPS)
    return PathSamples(tokens, train_prior(tokens, np.arange(4)), np.array([7], np.int32))


def ones(of: np.ndarray) -> list[int]:
    return np.flatnonzero(of).tolist()


def test_words_are_of_the_token_and_those_before_it_in_its_sequence(samples: PathSamples) -> None:
    words = samples.batch(np.arange(4), learnt=False).words
    assert words.tolist() == [[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]]


def test_last_is_the_path_of_the_token_before(samples: PathSamples) -> None:
    batch = samples.batch(np.array([1, 0, 3]), learnt=False)
    assert [ones(row) for row in batch.last] == [[0, 1, 10, 11], [], []]


def test_earlier_paths_count_less_the_older(samples: PathSamples) -> None:
    (row,) = samples.batch(np.array([2]), learnt=False).earlier
    assert row[[4, 5, 14, 15]] == pytest.approx(0.3)
    assert row[[0, 1, 10, 11]] == pytest.approx(0.21)


def test_routes_that_are_unknown_are_routed_nowhere(samples: PathSamples) -> None:
    (routed,) = samples.batch(np.array([2]), learnt=False).routed
    assert (ones(routed[0]), ones(routed[1])) == ([0, 2], [])


def test_the_prior_of_a_learnt_token_does_not_know_that_token(samples: PathSamples) -> None:
    members = np.array([3])
    known, learnt = (samples.batch(members, learnt=learnt).prior[0, 0, 1] for learnt in (False, True))
    assert known > learnt
