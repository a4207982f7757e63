"""A layer's own router, given what the graph gave it, chooses the experts that llama.cpp routed to: all of them."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.paged_runs import gguf_model, paged_context, prompt_and_answer
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.gguf_header import GgufHeader, read_gguf_header
from offload.routing.gate_ahead import GateAhead
from offload.routing.router_weights import read_gates

MOE = [architecture for architecture in TinyArchitecture if architecture.is_moe]


class Routed:
    """Keeps what it learns of every layer of every batch."""

    reads_gates = True

    def __init__(self) -> None:
        self.seen: list[tuple[int, NDArray[np.int32], NDArray[np.float32]]] = []

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        assert inputs is not None
        self.seen.append((layer, experts.copy(), inputs.copy()))


def routed_tokens(header: GgufHeader, path: Path) -> Routed:
    """Compute a prompt and an answer; return how their tokens were routed."""
    observer = Routed()
    with paged_context(gguf_model(path), header.n_expert) as (paged, context):
        paged.weights.observers.append(observer)
        prompt_and_answer(context)
    return observer


@pytest.mark.parametrize("architecture", MOE, ids=lambda architecture: architecture.name.lower())
def test_a_router_chooses_what_was_routed_in_that_order(tmp_path: Path, architecture: TinyArchitecture) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", architecture, ExpertTypes.Q4_K, n_expert=16, n_expert_used=4)
    header = read_gguf_header(path)
    layers = sorted({tensor.layer for tensor in header.expert_tensors})
    gates = dict(zip(layers, read_gates(header, layers), strict=True))
    n_tokens = 0
    for layer, experts, inputs in routed_tokens(header, path).seen:
        chosen = [gates[layer].router.choose(token) for token in inputs]
        np.testing.assert_array_equal(chosen, experts)
        n_tokens += len(experts)
    assert n_tokens > 100


@pytest.mark.parametrize("architecture", MOE, ids=lambda architecture: architecture.name.lower())
def test_a_forecast_finds_more_than_guessing_would(tmp_path: Path, architecture: TinyArchitecture) -> None:
    """Random layers change the residual stream as no trained ones do: little is left, but more than nothing."""
    path = build_tiny_model(tmp_path / "model.gguf", architecture, ExpertTypes.Q4_K, n_expert=16, n_expert_used=4)
    header = read_gguf_header(path)
    layers = sorted({tensor.layer for tensor in header.expert_tensors})
    forecaster = GateAhead(read_gates(header, layers), distance=1)
    found = forecast = 0
    for layer, experts, inputs in routed_tokens(header, path).seen:
        if len(experts) > 1:
            continue
        index = layers.index(layer)
        if index == 0:
            forecaster.begin(-1)
        scores = forecaster.scores(index)
        if scores is not None:
            best = np.argsort(-scores)[:4]
            found, forecast = found + int(np.isin(experts[0], best).sum()), forecast + 4
        forecaster.routed(index, experts[0], None, inputs[0])
    assert not forecaster.is_refuted
    assert found / forecast > 4 / 16 * 1.15
