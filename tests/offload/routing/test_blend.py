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


def test_a_part_that_is_too_sure_is_corrected_and_not_replaced_by_a_weaker_one(steps: list[RouteStep]) -> None:
    class TooSure(Oracle):
        """Right of most experts, and the surer the less it knows."""

        gives_probabilities = True

        def scores(self, layer: int) -> NDArray[np.float32] | None:
            known = super().scores(layer)
            assert known is not None
            return np.asarray(1.0 / (1.0 + np.exp(-12.0 * (known - 0.5))), np.float32)

    figures = judged(steps, TooSure("sure", steps, 0.45), Oracle("weak", steps, 2.0))
    assert figures["blend", BEFORE].recall > figures["sure", BEFORE].recall
    assert (figures["blend", BEFORE].calibration_error or 1.0) < 0.05 < (figures["sure", BEFORE].calibration_error or 0)


def learnt(steps: list[RouteStep], *parts: Oracle) -> Blend:
    blend = Blend(parts, N_LAYER, N_EXPERT, K)
    judge_blend(ListTrace(HEADER, tuple(steps)), blend, longest_lead=1)
    return blend


def test_weights_that_are_restored_forecast_at_once_as_well(steps: list[RouteStep]) -> None:
    state = learnt(steps[:300], Oracle("liar", steps, 0.5, sign=-1.0)).state()
    later = steps[300:320]

    def recall(restored: bool) -> float:
        blend = Blend((Oracle("liar", later, 0.5, sign=-1.0),), N_LAYER, N_EXPERT, K)
        if restored:
            blend.restore(state)
        card = judge_blend(ListTrace(HEADER, tuple(later)), blend, longest_lead=1)
        (of_blend,) = (item for item in card.figures() if (item.name, item.lead) == ("blend", BEFORE))
        return of_blend.recall

    assert recall(True) > recall(False) + 0.05


def test_a_state_keeps_weights_by_the_names_of_parts(steps: list[RouteStep]) -> None:
    a, b, c = (Oracle(name, steps, 0.5) for name in "abc")
    state = learnt(steps[:50], a, b).state()
    other = Blend((b, c, a), N_LAYER, N_EXPERT, K)
    own = other.state()
    other.restore(state)
    restored = other.state()
    assert restored.keys() == state.keys() | {"c, shared", "c, own", "c, spread"}
    assert all(np.array_equal(restored[name], state[name]) for name in state)
    assert all(np.array_equal(restored[name], own[name]) for name in restored.keys() - state.keys())


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("frequency", np.zeros((N_LAYER, N_EXPERT + 1), np.float32)),
        ("frequency", np.full((N_LAYER, N_EXPERT), -0.1, np.float32)),
        ("a, spread", np.ones(N_LAYER + 1, np.float32)),
        ("a, own", np.full((4, N_LAYER, 2), np.nan, np.float32)),
        ("a, own", np.zeros((4, N_LAYER, 2), np.float16)),
        ("a, more", np.zeros(2, np.float32)),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(steps: list[RouteStep], name: str, array: object) -> None:
    blend = Blend((Oracle("b", steps),), N_LAYER, N_EXPERT, K)
    before = blend.state()
    state = learnt(steps[:50], Oracle("a", steps)).state()
    with pytest.raises(ValueError, match=r"^the blend"):
        blend.restore({**state, name: array})  # type: ignore[dict-item]
    assert all(np.array_equal(array, before[part]) for part, array in blend.state().items())


def test_an_expert_that_is_never_used_keeps_a_chance_that_is_a_number() -> None:
    random = np.random.default_rng(3)
    blend = Blend((), 1, N_EXPERT, K)
    for _ in range(1200):
        blend.begin(-1)
        blend.scores(0)
        blend.routed(0, random.permutation(N_EXPERT - 1)[:K].astype(np.int32), None, None)
        blend.learn()
    blend.begin(-1)
    assert 0 < blend.scores(0)[-1] < 0.01
    assert np.isfinite(blend.state()["frequency"]).all()
    assert (blend.state()["frequency"] > 0).all()  # type: ignore[operator]


def test_a_model_whose_every_expert_is_used_is_forecast_without_parts() -> None:
    blend = Blend((Oracle("a", [], 0.0, only=9),), 1, 4, 4)
    blend.begin(-1)
    assert np.isfinite(blend.scores(0)).all()
