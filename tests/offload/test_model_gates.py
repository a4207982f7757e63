"""The routers of the model a trace is of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.model_traces import trace_of_model
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.errors import UsageError
from offload.model_gates import gates_of_trace
from offload.routing.route_trace import TraceHeader


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("model") / "model.gguf", TinyArchitecture.QWEN3MOE)


@pytest.fixture(scope="module")
def header(model: Path) -> TraceHeader:
    return trace_of_model(model, n_sequences=1, n_tokens=1).header


def test_there_is_a_gate_for_every_layer_of_the_trace(model: Path, header: TraceHeader) -> None:
    gates = gates_of_trace(model, header)
    assert [gate.router.weight.shape for gate in gates] == [(header.n_expert, header.n_embd)] * len(header.layers)


def test_a_trace_that_does_not_know_its_model_is_told_by_its_shape(model: Path, header: TraceHeader) -> None:
    assert len(gates_of_trace(model, replace(header, fingerprint="", n_embd=0))) == len(header.layers)


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "ab" * 32},
        {"fingerprint": "", "n_expert": 9},
        {"fingerprint": "", "n_expert_used": 1},
        {"fingerprint": "", "layers": (0, 1)},
        {"fingerprint": "", "n_embd": 1},
    ],
)
def test_a_trace_of_another_model_is_one_sentence(model: Path, header: TraceHeader, change: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"^The trace is of .*, not of model\.gguf \([0-9a-f]{8}\)\.") as caught:
        gates_of_trace(model, replace(header, **change))  # type: ignore[arg-type]
    assert caught.value.hint == "Give the model that it was recorded with."


def test_a_dense_model_is_another_one(tmp_path: Path, header: TraceHeader) -> None:
    dense = build_tiny_model(tmp_path / "dense.gguf", TinyArchitecture.DENSE)
    with pytest.raises(UsageError, match=r"not of dense\.gguf"):
        gates_of_trace(dense, replace(header, fingerprint=""))


def test_gates_choose_what_the_trace_says(model: Path) -> None:
    trace = trace_of_model(model, n_sequences=1, n_tokens=5)
    gates = gates_of_trace(model, trace.header)
    for step in trace.steps():
        assert step.inputs is not None
        chosen = [
            gate.router.choose(row.astype(np.float32)) for gate, row in zip(gates, step.inputs[:, 0], strict=True)
        ]
        np.testing.assert_array_equal(chosen, step.routes[:, 0])
