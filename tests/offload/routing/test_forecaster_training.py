"""Training: which tokens are learnt, when it ends, and that it repeats."""

from dataclasses import replace

import numpy as np
import pytest

from fakes.routed_text import routed_text
from fakes.routing_traces import ListTrace
from offload.errors import UsageError
from offload.routing.forecaster_training import join_traces, split_tokens, train_path, train_prior
from offload.routing.path_network import PathNetwork


def test_traces_are_joined_with_sequences_of_their_own() -> None:
    one, other = routed_text(n_sequences=2, n_tokens=30), routed_text(n_sequences=3, n_tokens=20, seed=1)
    joined = join_traces([one, other])
    assert joined.n_tokens == 120
    assert len(np.unique(joined.sequences)) == 5
    assert (np.flatnonzero(joined.previous < 0) == [0, 30, 60, 80, 100]).all()
    assert (joined.sequences[joined.previous[61]], joined.previous[61]) == (joined.sequences[61], 60)


@pytest.mark.parametrize("change", [{"fingerprint": "ff00"}, {"n_expert": 16}, {"layers": (1, 2, 3, 5)}])
def test_traces_of_different_models_are_one_sentence(change: dict[str, object]) -> None:
    one = routed_text(n_sequences=1)
    other = ListTrace(replace(one.header, **change), one.listed)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"The traces are of different models: made-up\.gguf .* and made-up\.gguf"):
        join_traces([one, other])


def test_a_tenth_of_the_sequences_is_held_whole() -> None:
    tokens = join_traces([routed_text(n_sequences=20, n_tokens=10)])
    learnt, held = split_tokens(tokens)
    assert (len(learnt), len(held)) == (180, 20)
    assert not set(tokens.sequences[learnt]) & set(tokens.sequences[held])


def test_of_a_single_sequence_the_end_is_held() -> None:
    learnt, held = split_tokens(join_traces([routed_text(n_sequences=1, n_tokens=50)]))
    assert (learnt.tolist(), held.tolist()) == (list(range(45)), list(range(45, 50)))


def test_too_few_tokens_are_refused() -> None:
    with pytest.raises(UsageError, match="39 tokens are too few"):
        split_tokens(join_traces([routed_text(n_sequences=1, n_tokens=39)]))


def train(seconds: float = 600.0, *, stop_after: int = 1 << 30, with_ids: bool = True) -> PathNetwork:
    tokens = join_traces([routed_text(n_sequences=6, n_tokens=30, with_ids=with_ids)])
    split = split_tokens(tokens)
    asked = iter(range(1 << 30))
    network = train_path(
        tokens,
        split,
        train_prior(tokens, split.learnt),
        seconds=seconds,
        n_hidden=16,
        stop=lambda: next(asked) >= stop_after,
    )
    assert network is not None
    return network


def test_the_same_traces_give_the_same_network() -> None:
    one, other = train(stop_after=20).arrays(), train(stop_after=20).arrays()
    assert all(np.array_equal(array, other[name]) for name, array in one.items())


def test_training_changes_the_weights() -> None:
    assert not np.array_equal(train(stop_after=0).output, train(stop_after=20).output)


def test_stopping_at_once_gives_the_little_that_was_learnt() -> None:
    assert np.isfinite(train(stop_after=0).output).all()


def test_time_that_is_up_ends_it() -> None:
    assert np.isfinite(train(1e-9).output).all()


def test_without_token_ids_paths_alone_are_learnt() -> None:
    assert train(stop_after=5, with_ids=False).vocabulary.size == 0


def test_progress_goes_up_to_its_end() -> None:
    tokens = join_traces([routed_text(n_sequences=6, n_tokens=30)])
    split = split_tokens(tokens)
    shown: list[float] = []
    train_path(
        tokens,
        split,
        train_prior(tokens, split.learnt),
        seconds=600.0,
        n_hidden=16,
        stop=lambda: len(shown) >= 9,
        on_progress=shown.append,
    )
    assert shown == sorted(shown)
    assert 0 < shown[0] <= shown[-1] <= 1
