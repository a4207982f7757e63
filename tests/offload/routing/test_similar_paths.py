"""Similar paths: what followed tokens like this one is kept."""

from collections.abc import Sequence

import numpy as np
import pytest

from offload.routing.similar_paths import SimilarPaths

BOTH = slice(0, 2)


def routed(scores: SimilarPaths, tokens: Sequence[int], n_expert: int = 12) -> SimilarPaths:
    """Route each token, a number, to two experts of its own in both layers."""
    for token in tokens:
        first = 2 * token % n_expert
        scores.routed(BOTH, np.array([[first, first + 1], [first + 1, first]], np.int16), None)
    return scores


def random_tokens(n_tokens: int, *, n_layer: int = 3, n_expert: int = 8, seed: int = 1) -> np.ndarray:
    order = np.random.default_rng(seed).random((n_tokens, n_layer, n_expert)).argsort(axis=2)
    return order[..., :2].astype(np.int16)


def test_experts_of_the_token_that_followed_a_like_one_score_highest() -> None:
    scores = routed(SimilarPaths(2, 12, 2), [0, 1, 2, 3, 4, 0, 1, 3, 2, 4, 5, 5, 0]).scores(BOTH)
    # After token 0 came token 1 both times, and then 2 and 3; 4 was later.
    of_tokens = scores[0, ::2]
    assert of_tokens[1] > max(of_tokens[2], of_tokens[3]) > of_tokens[4]


def test_a_longer_match_outweighs_a_shorter_one() -> None:
    # 1 0 was followed by 2; 3 0, as here, by 4.
    scores = routed(SimilarPaths(2, 12, 2), [1, 0, 2, 5, 3, 0, 4, 5, 1, 0, 2, 5, 3, 0]).scores(BOTH)
    assert scores[0, 8] > scores[0, 4]


def test_without_a_past_scores_are_frequencies() -> None:
    scores = SimilarPaths(2, 12, 2)
    assert not scores.scores(BOTH).any()
    assert routed(scores, [3]).scores(BOTH)[0].argsort()[-2:].tolist() in ([6, 7], [7, 6])


def test_one_layer_at_a_time_scores_as_all_at_once() -> None:
    at_once, one_by_one = SimilarPaths(3, 8, 2, window=16), SimilarPaths(3, 8, 2, window=16)
    for experts in random_tokens(60):
        at_once.routed(slice(0, 3), experts, None)
        expected = at_once.scores(slice(0, 3))
        for layer in range(3):
            one_by_one.routed(slice(layer, layer + 1), experts[layer : layer + 1], None)
            assert np.array_equal(one_by_one.scores(slice(layer, layer + 1))[0], expected[layer])


def test_what_left_the_window_is_forgotten() -> None:
    long, short = SimilarPaths(3, 8, 2, window=10), SimilarPaths(3, 8, 2, window=10)
    tokens = random_tokens(90)
    for experts in tokens:
        long.routed(slice(0, 3), experts, None)
    for experts in tokens[-60:]:
        short.routed(slice(0, 3), experts, None)
    assert np.allclose(long.scores(slice(0, 3)), short.scores(slice(0, 3)), atol=0.01)
    assert long.state()["experts"].shape == (3, 10, 2)


def test_unknown_routes_are_no_expert() -> None:
    scores = routed(SimilarPaths(2, 12, 2), [0, 1, 0])
    scores.routed(BOTH, np.array([[2, 3], [-1, -1]], np.int16), None)
    found = routed(scores, [0, 1, 0]).scores(BOTH)
    assert np.isfinite(found).all()
    assert found.shape == (2, 12)


def test_a_use_of_more_gate_weight_counts_more() -> None:
    scores = SimilarPaths(1, 12, 2)
    for token in [0, 1, 2, 0, 1, 2, 0]:
        experts = np.array([[2 * token, 2 * token + 1]], np.int16)
        scores.routed(slice(0, 1), experts, np.array([[0.9, 0.1]], np.float16))
    (found,) = scores.scores(slice(0, 1))
    assert found[2] > found[3]


def test_weights_of_zero_count_alike() -> None:
    scores = SimilarPaths(1, 12, 2)
    for _ in range(3):
        scores.routed(slice(0, 1), np.array([[0, 1]]), np.zeros((1, 2), np.float16))
    (found,) = scores.scores(slice(0, 1))
    assert found[0] == found[1] > 0


def test_tokens_that_are_all_alike_are_all_heeded() -> None:
    (found, _) = routed(SimilarPaths(2, 12, 2), [1] * 9).scores(BOTH)
    assert found.argsort()[-2:].tolist() == [2, 3]


def test_a_restored_past_is_used() -> None:
    first, second = SimilarPaths(3, 8, 2, window=16), SimilarPaths(3, 8, 2, window=16)
    tokens = random_tokens(40)
    for experts in tokens[:30]:
        first.routed(slice(0, 3), experts, None)
    second.restore(first.state())
    for experts in tokens[30:]:
        first.routed(slice(0, 3), experts, None)
        second.routed(slice(0, 3), experts, None)
    assert np.allclose(first.scores(slice(0, 3)), second.scores(slice(0, 3)), atol=0.01)


@pytest.mark.parametrize("change", ["missing", "layers", "expert"])
def test_a_state_of_another_model_changes_nothing(change: str) -> None:
    scores = routed(SimilarPaths(2, 12, 2), [0, 1, 2, 0])
    before = scores.scores(BOTH)
    state = routed(SimilarPaths(2, 12, 2), [3, 4]).state()
    if change == "missing":
        del state["values"]
    elif change == "layers":
        state["experts"] = state["experts"][:1]
    else:
        state["experts"][0, 0, 0] = 99
    with pytest.raises(ValueError, match="state"):
        scores.restore(state)
    assert np.array_equal(scores.scores(BOTH), before)
