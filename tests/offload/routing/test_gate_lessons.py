"""Networks trained on a trace: for which layers, on which tokens, and which traces are refused."""

from dataclasses import replace

import numpy as np
import pytest

from fakes.routing_traces import ListTrace, make_header
from offload.errors import UsageError
from offload.routing.gate_ahead import GateAhead
from offload.routing.gate_lessons import networks_bytes, train_networks
from offload.routing.route_trace import UNKNOWN, Phase, RouteStep
from offload.routing.router import Gating, Router
from offload.routing.router_weights import LayerGate

N_LAYER, N_EXPERT, N_USED, N_EMBD = 3, 8, 2, 12
HEADER = make_header(N_LAYER, N_EXPERT, N_USED, n_embd=N_EMBD, has_weights=False)


def make_gates() -> list[LayerGate]:
    random = np.random.default_rng(0)
    gain = np.ones(N_EMBD, np.float32)
    weights = random.standard_normal((N_LAYER, N_EXPERT, N_EMBD)).astype(np.float32)
    return [LayerGate(Router(weight, Gating.SOFTMAX, N_USED), gain) for weight in weights]


GATES = make_gates()


def trace_of(n_tokens: int, *, seed: int = 1) -> ListTrace:
    """Return one answer: from one layer to the next the residual stream is turned."""
    random = np.random.default_rng(seed)
    steps = []
    for number in range(n_tokens):
        normed = random.standard_normal(N_EMBD).astype(np.float32)
        inputs = np.empty((N_LAYER, 1, N_EMBD), np.float16)
        routes = np.empty((N_LAYER, 1, N_USED), np.int16)
        for layer, gate in enumerate(GATES):
            inputs[layer, 0] = normed
            routes[layer, 0] = gate.router.choose(inputs[layer, 0].astype(np.float32))
            normed = np.roll(normed, 1)
        phase = Phase.DECODE if number else Phase.PREFILL
        steps.append(RouteStep(0, phase, np.array([number], np.int32), routes, None, inputs))
    return ListTrace(HEADER, tuple(steps))


def recall(forecaster: GateAhead, trace: ListTrace, ahead: int) -> float:
    found = n_forecast = 0
    for step in trace.steps():
        assert step.inputs is not None
        forecaster.begin(int(step.tokens[0]))
        for layer in range(N_LAYER):
            experts = step.routes[layer, 0].astype(np.int32)
            forecaster.routed(layer, experts, None, step.inputs[layer, 0].astype(np.float32))
            scores = forecaster.scores(layer + ahead) if layer + ahead < N_LAYER else None
            if scores is not None and step.phase is Phase.DECODE:
                best = np.argsort(-scores)[:N_USED]
                found += int(np.isin(step.routes[layer + ahead, 0], best).sum())
                n_forecast += N_USED
    return found / n_forecast


def test_networks_find_what_the_router_alone_cannot() -> None:
    networks = train_networks(trace_of(1500), GATES, distance=1, n_hidden=8, n_epochs=60)
    held_out = trace_of(200, seed=2)
    assert recall(GateAhead(GATES, distance=1), held_out, 1) < 0.4
    assert recall(GateAhead(GATES, distance=1, networks=networks), held_out, 1) > 0.7


def test_there_is_a_network_for_every_layer_and_distance() -> None:
    networks = train_networks(trace_of(200), GATES, distance=3, n_hidden=2, n_epochs=1)
    assert set(networks) == {(1, 1), (2, 1), (2, 2)}


def test_training_ends_when_it_is_told_to() -> None:
    shares: list[float] = []

    def once(share: float) -> bool:
        shares.append(share)
        return False

    networks = train_networks(trace_of(200), GATES, distance=2, n_hidden=2, n_epochs=1, on_progress=once)
    assert shares == [pytest.approx(1 / 3)]
    assert set(networks) == {(1, 1)}


def test_memory_is_known_before_it_is_taken() -> None:
    networks = train_networks(trace_of(200), GATES, distance=2, n_hidden=2, n_epochs=1)
    assert networks_bytes(GATES, distance=2, n_hidden=2) == sum(network.n_bytes for network in networks.values())


def test_a_trace_without_inputs_is_refused() -> None:
    header = replace(HEADER, n_embd=0)
    with pytest.raises(UsageError, match="no router inputs"):
        train_networks(ListTrace(header, ()), GATES)


def test_a_trace_of_another_model_is_refused() -> None:
    header = replace(HEADER, n_embd=99)
    with pytest.raises(UsageError, match="width 99: of another model"):
        train_networks(ListTrace(header, ()), GATES)


def test_a_trace_with_few_answers_is_refused() -> None:
    with pytest.raises(UsageError, match="49 tokens"):
        train_networks(trace_of(50), GATES)


def test_prompts_are_learnt_of_as_far_as_their_layers_are_known() -> None:
    steps = []
    for step in trace_of(400).steps():
        routes = step.routes.copy()
        routes[-1] = UNKNOWN
        steps.append(replace(step, phase=Phase.PREFILL, routes=routes))
    networks = train_networks(ListTrace(HEADER, tuple(steps)), GATES, distance=2, n_hidden=2, n_epochs=1)
    assert set(networks) == {(1, 1)}
