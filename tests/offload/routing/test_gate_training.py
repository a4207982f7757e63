"""Training a gate network: it learns what features tell, comes out the same again, and needs a batch of tokens."""

import numpy as np
import pytest
from numpy.typing import NDArray

from offload.routing.gate_network import GateNetwork
from offload.routing.gate_training import LEAST_TOKENS, train_network

N_EXPERT, N_FEATURES = 6, 8
Lesson = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]


def lesson(n_tokens: int, seed: int = 0) -> Lesson:
    """Return tokens routed to two experts by how large features are, which the logits do not tell."""
    random = np.random.default_rng(seed)
    features = (5.0 + 3.0 * random.standard_normal((n_tokens, N_FEATURES))).astype(np.float32)
    routed = np.argsort(-np.abs(features[:, :N_EXPERT] - 5.0), axis=1)[:, :2].astype(np.int32)
    return random.standard_normal((n_tokens, N_EXPERT)).astype(np.float32), features, routed


def odds_of(network: GateNetwork, logits: NDArray[np.float32], features: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([network.log_odds(*token) for token in zip(logits, features, strict=True)])


@pytest.fixture(scope="module")
def network() -> GateNetwork:
    return train_network(*lesson(2000), n_hidden=16, n_epochs=80)


def test_what_features_tell_is_learnt(network: GateNetwork) -> None:
    logits, features, routed = lesson(500, seed=1)
    best = np.argsort(-odds_of(network, logits, features), axis=1)[:, :2]
    assert (best[:, :, None] == routed[:, None, :]).any(axis=1).mean() > 0.85


def test_logits_that_tell_nothing_count_for_little(network: GateNetwork) -> None:
    assert abs(network.scale) < 0.3


def test_odds_are_calibrated(network: GateNetwork) -> None:
    logits, features, routed = lesson(500, seed=1)
    likely = 1.0 / (1.0 + np.exp(-odds_of(network, logits, features)))
    assert likely.sum() == pytest.approx(routed.size, rel=0.1)


def test_logits_that_tell_all_are_relied_on() -> None:
    _, features, routed = lesson(1000)
    logits = np.zeros((1000, N_EXPERT), np.float32)
    np.put_along_axis(logits, routed.astype(np.int64), 1.0, axis=1)
    trained = train_network(logits, np.zeros_like(features), routed, n_hidden=4)
    odds = odds_of(trained, logits, np.zeros_like(features))
    assert odds[logits > 0].min() > odds[logits == 0].max()


def test_training_again_gives_the_same() -> None:
    first, again = (train_network(*lesson(300), n_hidden=4, n_epochs=2, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.first, again.first)
    np.testing.assert_array_equal(first.second, again.second)


def test_fewer_tokens_than_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="128 tokens are least"):
        train_network(*lesson(LEAST_TOKENS - 1))


def test_arrays_of_different_lengths_are_refused() -> None:
    logits, features, routed = lesson(200)
    with pytest.raises(ValueError, match="200 logits, 199 features"):
        train_network(logits, features[:-1], routed)
