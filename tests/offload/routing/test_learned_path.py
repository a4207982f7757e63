"""`LearnedPath`, trained on text whose routing is known."""

import numpy as np
import pytest

from fakes.trained_path import TrainedPath, trained_path
from offload.routing.learned_path import LearnedPath
from offload.routing.path_recall import path_recalls
from offload.routing.path_samples import PathSamples
from offload.routing.path_training import PathTraining


@pytest.fixture(scope="module")
def trained() -> TrainedPath:
    return trained_path()


def experts(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def path_of(forecaster: LearnedPath, n_layer: int = 4) -> np.ndarray:
    rows = [forecaster.scores(layer) for layer in range(n_layer)]
    return np.array([row.copy() for row in rows if row is not None])


def test_what_token_ids_decide_is_forecast_before_compute(trained: TrainedPath) -> None:
    (recall,) = path_recalls([LearnedPath(trained.network, trained.prior())], trained.tokens, trained.split.held)
    assert recall.before[:2].min() > 0.95
    # A coin of two sides: nothing is forecast but its frequency.
    assert recall.before[2:].max() < 0.75


def test_a_layer_that_is_routed_corrects_those_below_it(trained: TrainedPath) -> None:
    (recall,) = path_recalls([LearnedPath(trained.network, trained.prior())], trained.tokens, trained.split.held)
    assert recall.after[3] > 0.95 > 0.75 > recall.before[3]


def test_scores_of_a_layer_add_up_to_the_experts_that_are_used(trained: TrainedPath) -> None:
    path = LearnedPath(trained.network, trained.prior())
    path.begin(3)
    assert path_of(path).sum(axis=1) == pytest.approx(2.0)


def test_an_unknown_token_is_forecast_too(trained: TrainedPath) -> None:
    path = LearnedPath(trained.network, trained.prior())
    path.begin(-1)
    path.begin(123456)
    assert np.isfinite(path_of(path)).all()


def test_a_new_conversation_is_like_the_first(trained: TrainedPath) -> None:
    path = LearnedPath(trained.network, trained.prior())
    path.begin(3)
    first = path_of(path)
    for layer in range(4):
        path.routed(layer, experts(6, 7))
    path.begin(5)
    path.forget()
    path.begin(3)
    assert path_of(path) == pytest.approx(first, rel=1e-5)


def test_it_forecasts_what_the_training_saw(trained: TrainedPath) -> None:
    tokens, prior = trained.tokens, trained.prior()
    samples = PathSamples(tokens, prior, trained.network.vocabulary)
    training = PathTraining(samples, trained.split.learnt, 4, 8, seed=1, n_hidden=16)
    for _ in range(3):
        training.step()
    members = np.flatnonzero(tokens.sequences == tokens.sequences[trained.split.held[0]])[:12]
    logits = training.logits(samples.batch(members, learnt=False))
    shares = 2 * np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    path = LearnedPath(training.network(), prior)
    for place, share in zip(members, shares, strict=True):
        path.begin(int(tokens.token_ids[place]))
        assert path_of(path) == pytest.approx(share, rel=0.03)
        for layer, routed in enumerate(tokens.routes[:, place].astype(np.int32)):
            path.routed(layer, routed)


def test_unknown_experts_correct_nothing(trained: TrainedPath) -> None:
    path = LearnedPath(trained.network, trained.prior())
    path.begin(3)
    before = path_of(path)
    path.routed(0, experts(-1, -1))
    assert path_of(path) == pytest.approx(before, rel=1e-5)


def test_its_memory_is_that_of_its_weights(trained: TrainedPath) -> None:
    assert LearnedPath(trained.network, trained.prior()).n_bytes == trained.network.n_bytes + 2 * 4 * 8 * 4
