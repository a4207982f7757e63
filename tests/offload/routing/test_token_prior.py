"""`TokenPrior`."""

import numpy as np
import pytest

from offload.routing.token_prior import TokenPrior


def experts(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def likeliest(prior: TokenPrior, layer: int = 0, n: int = 2) -> set[int]:
    scores = prior.scores(layer)
    assert scores is not None
    return set(np.argsort(-scores)[:n].tolist())


def tell(prior: TokenPrior, *tokens: tuple[int, tuple[int, int]]) -> None:
    for token, routed in tokens:
        prior.begin(token)
        prior.routed(0, experts(*routed))


@pytest.fixture
def prior() -> TokenPrior:
    return TokenPrior(2, 8, 2)


def test_nothing_is_known_before_the_first_token(prior: TokenPrior) -> None:
    prior.begin(3)
    assert prior.scores(0) is None


def test_a_token_s_own_experts_are_likeliest(prior: TokenPrior) -> None:
    tell(prior, (5, (0, 1)), (6, (2, 3)), (5, (0, 1)), (7, (4, 5)))
    prior.begin(6)
    assert likeliest(prior) == {2, 3}
    assert prior.scores(1) is None


def test_the_token_before_decides_between_experts_of_one_token(prior: TokenPrior) -> None:
    for _ in range(4):
        tell(prior, (1, (6, 7)), (5, (0, 1)), (2, (6, 7)), (5, (2, 3)))
    prior.begin(1)
    prior.begin(5)
    assert likeliest(prior) == {0, 1}
    prior.begin(2)
    prior.begin(5)
    assert likeliest(prior) == {2, 3}


def test_a_token_never_seen_is_forecast_what_is_used_most(prior: TokenPrior) -> None:
    tell(prior, (5, (0, 1)), (6, (0, 3)), (7, (0, 3)))
    prior.begin(99)
    assert likeliest(prior) == {0, 3}


def test_a_token_of_unknown_id_teaches_what_is_used_most(prior: TokenPrior) -> None:
    tell(prior, (-1, (0, 1)), (-1, (0, 1)))
    prior.begin(-1)
    assert likeliest(prior) == {0, 1}


def test_a_token_s_path_is_learnt_when_it_is_complete(prior: TokenPrior) -> None:
    tell(prior, (5, (0, 1)))
    assert prior.scores(0) is None
    prior.forget()
    prior.begin(5)
    assert likeliest(prior) == {0, 1}


def test_scores_add_up_to_the_experts_that_are_used(prior: TokenPrior) -> None:
    tell(prior, (5, (0, 1)), (6, (2, 3)), (5, (0, 2)))
    prior.begin(6)
    scores = prior.scores(0)
    assert scores is not None
    assert scores.sum() == pytest.approx(2.0)


def test_a_new_conversation_keeps_what_was_learnt_but_not_the_last_token(prior: TokenPrior) -> None:
    for _ in range(4):
        tell(prior, (1, (6, 7)), (5, (0, 1)), (2, (6, 7)), (5, (2, 3)))
    tell(prior, (5, (2, 3)), (1, (6, 7)))
    prior.forget()
    prior.begin(5)
    assert likeliest(prior) == {2, 3}


def test_asking_for_paths_changes_nothing(prior: TokenPrior) -> None:
    tell(prior, (5, (0, 1)), (6, (2, 3)))
    prior.forget()
    before = prior.state()
    prior.paths(np.array([5, 9], np.int32), np.array([6, 5], np.int32))
    assert all(np.array_equal(array, before[name]) for name, array in prior.state().items())


def test_a_path_without_its_own_token_is_as_before_that_token_came(prior: TokenPrior) -> None:
    tell(prior, (6, (2, 3)), (5, (0, 1)), (6, (2, 3)))
    prior.forget()
    pair = np.array([6], np.int32), np.array([5], np.int32)
    own = np.array([[[0, 1], [-1, -1]]], np.int16)
    with_own, without = prior.paths(*pair)[0, 0], prior.paths(*pair, without=own)[0, 0]
    assert with_own[0] > 2 * without[0]


def test_its_state_forecasts_the_same_elsewhere(prior: TokenPrior) -> None:
    tell(prior, (5, (0, 1)), (6, (2, 3)), (5, (0, 1)), (6, (4, 3)))
    other = TokenPrior(2, 8, 2)
    other.restore(prior.state())
    pair = np.array([5], np.int32), np.array([6], np.int32)
    assert other.paths(*pair).tolist() == prior.paths(*pair).tolist()


def test_its_state_has_the_last_token_too(prior: TokenPrior) -> None:
    tell(prior, (5, (0, 1)))
    assert prior.state()["token_keys"].tolist() == [5]


@pytest.mark.parametrize("shape", [(3, 8, 2), (2, 9, 2)])
def test_a_state_of_another_shape_is_refused(prior: TokenPrior, shape: tuple[int, int, int]) -> None:
    tell(prior, (5, (0, 1)))
    with pytest.raises(ValueError, match="none of this model's"):
        TokenPrior(*shape).restore(prior.state())


def test_a_state_that_lacks_an_array_is_refused(prior: TokenPrior) -> None:
    state = prior.state()
    del state["pair_seen"]
    with pytest.raises(ValueError, match="its own arrays"):
        prior.restore(state)


def test_frequencies_that_are_no_numbers_are_refused(prior: TokenPrior) -> None:
    state = prior.state()
    with pytest.raises(ValueError, match="none of this model's"):
        prior.restore({**state, "layer_seen": np.full(2, np.nan, np.float32)})


def test_it_takes_no_more_memory_than_it_may() -> None:
    assert TokenPrior(48, 128, 8, max_bytes=1 << 20).n_bytes < (1 << 20) + 3 * 48 * 128 * 4 + 1
