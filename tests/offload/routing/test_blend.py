"""Several forecasters as one, whose scores are probabilities."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.routing_traces import ListTrace, make_header, random_step
from offload.routing.blend import Blend
from offload.routing.judging import judge_blend
from offload.routing.report_card import BEFORE, ForecastFigures
from offload.routing.route_trace import RouteStep

N_LAYER, N_EXPERT, K = 3, 16, 4
HEADER = make_header(N_LAYER, N_EXPERT, K, has_weights=False)


class Oracle:
    """Knows the routes of a trace, and tells them spoilt: of some layers, with noise, upside down, or not at all."""

    gives_probabilities = False

    def __init__(self, name: str, steps: list[RouteStep], noise: float = 0.0, *, sign: float = 1.0, only: int = -1):
        self.name = name
        self._steps, self._noise, self._sign, self._only = steps, noise, sign, only
        self._at = -1
        self._random = np.random.default_rng(list(name.encode()))

    def begin(self, token: int) -> None:
        self._at += 1

    def routed(self, layer: int, experts: object, weights: object, inputs: object) -> None:
        self._last = layer

    def scores(self, layer: int) -> NDArray[np.float32] | None:
        if self._only not in (-1, layer):
            return None
        truth = np.zeros(N_EXPERT)
        truth[self._steps[self._at].routes[layer, 0]] = self._sign
        return (truth + self._noise * self._random.standard_normal(N_EXPERT)).astype(np.float32)

    def forget(self) -> None:
        pass


@pytest.fixture(scope="module")
def steps() -> list[RouteStep]:
    random = np.random.default_rng(7)
    return [random_step(HEADER, random) for _ in range(400)]


def judged(steps: list[RouteStep], *parts: Oracle) -> dict[tuple[str, int], ForecastFigures]:
    blend = Blend(parts, N_LAYER, N_EXPERT, K)
    card = judge_blend(ListTrace(HEADER, tuple(steps)), blend, longest_lead=1)
    return {(figures.name, figures.lead): figures for figures in card.figures()}


def test_two_noisy_parts_are_better_together(steps: list[RouteStep]) -> None:
    figures = judged(steps, Oracle("a", steps, 0.7), Oracle("b", steps, 0.7))
    best = max(figures["a", 1].recall, figures["b", 1].recall)
    assert figures["blend", 1].recall > best + 0.05


def test_a_part_that_is_always_wrong_is_turned_around(steps: list[RouteStep]) -> None:
    figures = judged(steps, Oracle("liar", steps, 0.5, sign=-1.0))
    assert figures["liar", 1].recall < 0.1
    assert figures["blend", 1].recall > 0.6


def test_noise_beside_a_good_part_costs_little(steps: list[RouteStep]) -> None:
    figures = judged(steps, Oracle("good", steps, 0.4), Oracle("noise", steps, 1.0, sign=0.0))
    assert figures["blend", 1].recall > figures["good", 1].recall - 0.03


def test_a_layer_where_a_part_fails_learns_not_to_trust_it(steps: list[RouteStep]) -> None:
    class BadInLayerTwo(Oracle):
        def scores(self, layer: int) -> NDArray[np.float32] | None:
            known = super().scores(layer)
            return known if layer != 2 or known is None else -known

    figures = judged(steps, BadInLayerTwo("moody", steps, 0.3), Oracle("steady", steps, 0.6))
    assert (figures["blend", BEFORE].recall_by_layer[2] or 0) > (figures["steady", BEFORE].recall_by_layer[2] or 0)
    assert (figures["blend", BEFORE].recall_by_layer[0] or 0) > (figures["steady", BEFORE].recall_by_layer[0] or 0)


@pytest.mark.parametrize("noise", [0.2, 0.7, 3.0])
def test_probabilities_come_true_as_often_as_they_say(steps: list[RouteStep], noise: float) -> None:
    error = judged(steps, Oracle("a", steps, noise))["blend", BEFORE].calibration_error
    assert error is not None
    assert error < 0.05


def test_without_any_forecast_the_probabilities_are_how_often_experts_are_used() -> None:
    random = np.random.default_rng(3)
    steps = [random_step(HEADER, random) for _ in range(300)]
    for step in steps:
        step.routes[:, 0, 0] = 5
    blend = Blend((), N_LAYER, N_EXPERT, K)
    judge_blend(ListTrace(HEADER, tuple(steps)), blend, longest_lead=1)
    blend.begin(-1)
    probabilities = blend.scores(0)
    assert probabilities.argmax() == 5
    assert probabilities[5] > 0.8
    assert probabilities.sum() == pytest.approx(K, rel=0.2)


def test_nothing_is_learnt_of_what_was_not_asked(steps: list[RouteStep]) -> None:
    blend = Blend((Oracle("a", steps, 0.5),), N_LAYER, N_EXPERT, K)
    blend.begin(-1)
    blend.routed(0, steps[0].routes[0, 0].astype(np.int32), None, None)
    before = blend._shared.copy()
    blend.learn()
    assert (blend._shared == before).all()


def test_a_model_whose_every_expert_is_used_is_forecast_without_parts() -> None:
    blend = Blend((Oracle("a", [], 0.0, only=9),), 1, 4, 4)
    blend.begin(-1)
    assert np.isfinite(blend.scores(0)).all()
