"""Gate ahead: a later layer's router on an earlier layer's input, and what is learnt of the error."""

import numpy as np
import pytest
from numpy.typing import NDArray

from offload.routing.gate_ahead import GateAhead
from offload.routing.gate_network import GateNetwork
from offload.routing.router import Gating, Router
from offload.routing.router_weights import LayerGate

N_LAYER, N_EXPERT, N_USED, N_EMBD = 5, 8, 2, 16


def make_gates(*, shifted: bool = False, gain_spread: float = 0.3, seed: int = 0) -> list[LayerGate]:
    random = np.random.default_rng(seed)

    def gate() -> LayerGate:
        weight = random.standard_normal((N_EXPERT, N_EMBD)).astype(np.float32)
        gain = (1 + gain_spread * random.standard_normal(N_EMBD)).astype(np.float32)
        shift = random.standard_normal(N_EMBD).astype(np.float32) if shifted else None
        return LayerGate(Router(weight, Gating.SOFTMAX, N_USED), gain, shift)

    return [gate() for _ in range(N_LAYER)]


def router_input(gate: LayerGate, normed: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = normed * gate.gain
    return scaled if gate.shift is None else scaled + gate.shift


def normed_token(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(N_EMBD).astype(np.float32)


def route(forecaster: GateAhead, gates: list[LayerGate], layer: int, normed: NDArray[np.float32]) -> None:
    """Have a layer routed as its own router does it."""
    inputs = router_input(gates[layer], normed)
    forecaster.routed(layer, gates[layer].router.choose(inputs), None, inputs)


def compute(forecaster: GateAhead, gates: list[LayerGate], path: list[NDArray[np.float32]], token: int = -1) -> None:
    """Compute a token whose normed residual stream is `path`, asking for the forecast of every next layer."""
    forecaster.begin(token)
    for layer, normed in enumerate(path):
        route(forecaster, gates, layer, normed)
        forecaster.scores(layer + 1) if layer + 1 < N_LAYER else None


def top(scores: NDArray[np.float32] | None) -> list[int]:
    assert scores is not None
    return [int(expert) for expert in np.argsort(-scores)[:N_USED]]


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_an_unchanging_residual_stream_is_forecast_exactly(shifted: bool, ahead: int) -> None:
    gates = make_gates(shifted=shifted)
    forecaster = GateAhead(gates, distance=3)
    for seed in range(20):
        normed = normed_token(seed)
        forecaster.begin(-1)
        route(forecaster, gates, 1, normed)
        expected = gates[1 + ahead].router.choose(router_input(gates[1 + ahead], normed))
        assert top(forecaster.scores(1 + ahead)) == expected.tolist()


def test_nothing_is_forecast_before_a_layer_is_known() -> None:
    forecaster = GateAhead(make_gates())
    forecaster.begin(3)
    assert forecaster.scores(0) is None


def test_nothing_is_forecast_beyond_the_distance_or_of_what_is_known() -> None:
    gates = make_gates()
    forecaster = GateAhead(gates, distance=2)
    forecaster.begin(3)
    route(forecaster, gates, 1, normed_token(0))
    assert [forecaster.scores(layer) is not None for layer in range(N_LAYER)] == [False, False, True, True, False]


def test_a_new_token_has_no_forecast_of_the_old_one() -> None:
    gates = make_gates()
    forecaster = GateAhead(gates)
    forecaster.begin(3)
    route(forecaster, gates, 1, normed_token(0))
    forecaster.begin(4)
    assert forecaster.scores(2) is None


def test_without_inputs_nothing_is_forecast() -> None:
    forecaster = GateAhead(make_gates())
    forecaster.begin(3)
    forecaster.routed(0, np.array([1, 2], np.int32), None, None)
    assert forecaster.scores(1) is None


def test_scores_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gates = make_gates()
    forecaster = GateAhead(gates)
    forecaster.begin(3)
    route(forecaster, gates, 1, normed_token(0))
    products: list[int] = []
    logits = Router.logits

    def counted(router: Router, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        products.append(1)
        return logits(router, inputs)

    monkeypatch.setattr(Router, "logits", counted)
    first, again = forecaster.scores(2), forecaster.scores(2)
    assert first is again
    assert len(products) == 1


def recall(forecaster: GateAhead, gates: list[LayerGate], tokens: list[tuple[int, list[NDArray[np.float32]]]]) -> float:
    found = 0
    for token, path in tokens:
        forecaster.begin(token)
        for layer, normed in enumerate(path):
            if layer:
                chosen = gates[layer].router.choose(router_input(gates[layer], normed))
                found += len(set(top(forecaster.scores(layer))) & set(chosen.tolist()))
            route(forecaster, gates, layer, normed)
    return found / (len(tokens) * (N_LAYER - 1) * N_USED)


def drifting(seed: int, drift: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return a stream to which every layer adds the same: `drift`."""
    start = normed_token(seed)
    return [start + layer * drift for layer in range(N_LAYER)]


def test_what_every_token_gains_between_layers_is_learnt() -> None:
    gates = make_gates()
    drift = 1.5 * normed_token(999)
    tokens = [(-1, drifting(seed, drift)) for seed in range(40)]
    forecaster = GateAhead(gates, distance=1)
    before = recall(GateAhead(gates, distance=1), gates, tokens[:1])
    recall(forecaster, gates, tokens[:20])
    assert before < 0.7
    assert recall(forecaster, gates, tokens[20:]) > 0.99


def test_what_tokens_of_an_id_gain_is_learnt_apart() -> None:
    gates = make_gates()
    drifts = [1.5 * normed_token(999), 1.5 * normed_token(998)]
    tokens = [(seed % 2, drifting(seed, drifts[seed % 2])) for seed in range(80)]
    knowing = GateAhead(gates, distance=1)
    unknowing = GateAhead(gates, distance=1)
    nameless = [(-1, path) for _, path in tokens]
    recall(knowing, gates, tokens[:60])
    recall(unknowing, gates, nameless[:60])
    assert recall(knowing, gates, tokens[60:]) > 0.97
    assert recall(unknowing, gates, nameless[60:]) < 0.9


def test_the_oldest_token_is_forgotten() -> None:
    gates = make_gates()
    still = [normed_token(0)] * N_LAYER
    tokens = [(8, still), (7, drifting(0, 1.5 * normed_token(999)))]

    def change(forecaster: GateAhead) -> float:
        """Return how much knowing the id changes the forecast of a token."""
        scores = []
        for token in (-1, 7):
            forecaster.forget()
            forecaster.begin(token)
            route(forecaster, gates, 0, normed_token(0))
            forecast = forecaster.scores(1)
            assert forecast is not None
            scores.append(forecast.copy())
        return float(np.abs(scores[1] - scores[0]).max())

    forecaster = GateAhead(gates, distance=1, n_ids=2)
    for token, path in tokens:
        compute(forecaster, gates, path, token)
    assert change(forecaster) > 0.1
    compute(forecaster, gates, still, 9)  # in place of 8: 7 was looked up since
    assert change(forecaster) > 0.1
    for token in (10, 11):
        compute(forecaster, gates, still, token)
    assert change(forecaster) == 0.0


def test_a_new_conversation_keeps_what_was_learnt() -> None:
    gates = make_gates()
    drift = 1.5 * normed_token(999)
    forecaster = GateAhead(gates, distance=1)
    recall(forecaster, gates, [(-1, drifting(seed, drift)) for seed in range(20)])
    forecaster.forget()
    assert recall(forecaster, gates, [(-1, drifting(seed, drift)) for seed in range(20, 40)]) > 0.99


def test_nothing_is_forecast_with_routers_of_another_model() -> None:
    gates, others = make_gates(), make_gates(seed=1)
    forecaster = GateAhead(gates)
    for seed in range(64):
        compute_with = [normed_token(seed)] * N_LAYER
        forecaster.begin(-1)
        for layer, normed in enumerate(compute_with):
            route(forecaster, others, layer, normed)
    assert forecaster.is_refuted
    forecaster.begin(-1)
    route(forecaster, gates, 0, normed_token(0))
    assert forecaster.scores(1) is None


def test_routers_of_the_model_are_not_refuted() -> None:
    gates = make_gates()
    forecaster = GateAhead(gates)
    for seed in range(64):
        compute(forecaster, gates, [normed_token(seed)] * N_LAYER)
    assert not forecaster.is_refuted


def test_a_gain_of_nearly_nothing_is_not_divided_by() -> None:
    gates = make_gates()
    gain = gates[0].gain.copy()
    gain[3:5] = 1e-30, 0.0
    gates[0] = LayerGate(gates[0].router, gain)
    forecaster = GateAhead(gates)
    forecaster.begin(-1)
    inputs = router_input(gates[0], normed_token(0))
    inputs[3:5] = 1e-3
    forecaster.routed(0, gates[0].router.choose(inputs), None, inputs)
    scores = forecaster.scores(1)
    assert scores is not None
    assert np.isfinite(scores).all()
    assert np.abs(scores).max() < 100


def test_bytes_count_the_gates_and_what_is_learnt() -> None:
    gates = make_gates(shifted=True)
    small, large = GateAhead(gates, distance=1, n_ids=1), GateAhead(gates, distance=1, n_ids=101)
    of_gates = N_LAYER * 4 * (N_EXPERT * N_EMBD + 3 * N_EMBD)
    assert small.n_bytes > of_gates
    assert large.n_bytes - small.n_bytes == 100 * N_LAYER * (2 * N_EXPERT + 1)


@pytest.mark.parametrize(("distance", "n_ids"), [(0, 1), (1, 0)])
def test_what_makes_no_forecaster_is_refused(distance: int, n_ids: int) -> None:
    with pytest.raises(ValueError, match="no forecaster"):
        GateAhead(make_gates(), distance=distance, n_ids=n_ids)


def constant_network(expert: int) -> GateNetwork:
    """Return a network that finds one expert likeliest, whatever it is given."""
    odds = np.where(np.arange(N_EXPERT) == expert, 100.0, 0.0).astype(np.float32)
    nothing = np.zeros((N_EXPERT, 2 * N_EMBD), np.float32)
    return GateNetwork(nothing, odds, np.zeros((N_EXPERT, 0), np.float32), scale=0.0)


def test_a_network_is_asked_once_the_layer_is_known_of_the_token_before() -> None:
    gates = make_gates()
    forecaster = GateAhead(gates, distance=1, networks={(1, 1): constant_network(5)})

    def forecast() -> list[float]:
        forecaster.begin(-1)
        route(forecaster, gates, 0, normed_token(0))
        scores = forecaster.scores(1)
        assert scores is not None
        return [float(score) for score in scores]

    alone = forecast()
    assert max(alone) < 100.0
    route(forecaster, gates, 1, normed_token(0))
    assert forecast()[5] == 100.0
    forecaster.forget()
    assert forecast() == pytest.approx(alone, abs=1e-3)


def test_a_part_of_the_last_error_is_expected_again_until_another_conversation() -> None:
    gates = make_gates()
    forecaster = GateAhead(gates, distance=1)
    still, moved = [normed_token(0)] * N_LAYER, drifting(0, 1.5 * normed_token(999))
    for _ in range(400):
        compute(forecaster, gates, still)

    def forecast() -> NDArray[np.float32]:
        forecaster.begin(-1)
        route(forecaster, gates, 0, normed_token(0))
        scores = forecaster.scores(1)
        assert scores is not None
        return scores.copy()

    usual = forecast()
    compute(forecaster, gates, moved)
    assert np.abs(forecast() - usual).max() > 0.3
    forecaster.forget()
    assert np.abs(forecast() - usual).max() < 0.1


def test_a_forecast_that_was_not_asked_for_teaches_nothing() -> None:
    gates = make_gates()
    forecaster = GateAhead(gates, distance=1)
    still, moved = [normed_token(0)] * N_LAYER, drifting(0, 1.5 * normed_token(999))
    compute(forecaster, gates, still)
    forecaster.begin(-1)
    for layer, normed in enumerate(moved):
        route(forecaster, gates, layer, normed)
    forecaster.begin(-1)
    route(forecaster, gates, 0, normed_token(0))
    expected = gates[1].router.choice_scores(gates[1].router.logits(router_input(gates[1], normed_token(0))))
    scores = forecaster.scores(1)
    assert scores is not None
    np.testing.assert_allclose(scores, expected, atol=1e-3)
