"""Recorded routes: those the model computed with, from router to gate weights, for every architecture."""

from pathlib import Path

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.config import EngineConfig, GenerationParams
from offload.engine import open_model
from offload.errors import UsageError
from offload.route_recorder import JudgedRoutes
from offload.routing.route_trace import UNKNOWN, Phase, RouteStep, TraceHeader

MOE = [architecture for architecture in TinyArchitecture if architecture.is_moe]
SIMPLE = [TinyArchitecture.QWEN3MOE, TinyArchitecture.OLMOE]
"""Architectures whose router is a softmax over one product, without bias or groups."""
TEXT = "The quick brown fox jumps over the lazy dog. " * 4
SMALL = EngineConfig(memory="2G", n_ctx=128, n_batch=32, n_ubatch=16, n_threads=1)
GREEDY = GenerationParams(n_predict=6, temperature=0.0, ignore_eos=True)


def record(path: Path, *, inputs: bool = False, text: str = TEXT) -> list[RouteStep]:
    steps: list[RouteStep] = []
    with open_model(path, SMALL) as engine, engine.record_routes(steps.append, inputs=inputs):
        assert list(engine.complete(text, GREEDY))
    return steps


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.F16)


@pytest.mark.parametrize("architecture", MOE, ids=lambda architecture: architecture.name.lower())
def test_every_token_has_different_experts_the_preferred_one_first(
    tmp_path: Path, architecture: TinyArchitecture
) -> None:
    """By gate weight; a bias on the choice, as deepseek2 has it, may put another one first."""
    for step in record(build_tiny_model(tmp_path / "model.gguf", architecture)):
        known = step.routes[(step.routes != UNKNOWN).all(-1)]
        assert all(len(set(experts)) == len(experts) for experts in known.tolist())
        assert step.weights is not None
        weights = step.weights[(step.routes != UNKNOWN).all(-1)]
        assert (weights > 0).all()
        falling = np.diff(weights.astype(np.float32), axis=-1) <= 1e-3
        assert falling.all() or "deepseek2" in architecture.name.lower()


@pytest.mark.parametrize("architecture", SIMPLE, ids=lambda architecture: architecture.name.lower())
def test_a_router_applied_to_its_recorded_input_chooses_the_recorded_experts(
    tmp_path: Path, architecture: TinyArchitecture
) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", architecture)
    routers = routers_of(path)
    checked = 0
    for step in record(path, inputs=True):
        assert step.inputs is not None
        for index, router in enumerate(routers):
            known = (step.routes[index] != UNKNOWN).all(-1)
            logits = step.inputs[index][known].astype(np.float32) @ router.T
            n_used = step.routes.shape[-1]
            chosen = np.sort(np.argsort(-logits, axis=-1)[:, :n_used], axis=-1)
            checked += chosen.size
            same = (chosen == np.sort(step.routes[index][known], axis=-1)).mean() if chosen.size else 1.0
            assert same > 0.97  # the input is recorded in half precision: a tie may fall the other way
    assert checked > 100


def routers_of(path: Path) -> list[NDArray[np.float32]]:
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    names = [f"blk.{layer}.ffn_gate_inp.weight" for layer in range(len(tensors))]
    return [np.asarray(tensors[name].data, np.float32) for name in names if name in tensors]


def test_physical_batches_are_steps_and_tokens_are_theirs(model: Path) -> None:
    steps = record(model)
    prefill = [step for step in steps if step.phase is Phase.PREFILL]
    assert {len(step.tokens) for step in prefill[:-1]} == {16}
    assert len(steps) - len(prefill) == GREEDY.n_predict - 1  # the last token is not computed with
    assert all(len(step.tokens) == step.routes.shape[1] for step in steps)
    assert all((step.tokens >= 0).all() for step in steps)


def test_only_the_last_layer_of_a_prompt_has_unknown_routes(model: Path) -> None:
    steps = record(model)
    first, decoded = steps[0], steps[-1]
    assert (first.routes[:-1] != UNKNOWN).all()
    assert (first.routes[-1] == UNKNOWN).all()
    assert (decoded.routes != UNKNOWN).all()


def test_recording_changes_no_token(model: Path) -> None:
    with open_model(model, SMALL) as engine:
        expected = list(engine.complete(TEXT, GREEDY))
        engine.forget()
        with engine.record_routes(lambda step: None, inputs=True):
            assert list(engine.complete(TEXT, GREEDY)) == expected


def test_an_emptied_context_begins_another_sequence(model: Path) -> None:
    steps: list[RouteStep] = []
    with open_model(model, SMALL) as engine, engine.record_routes(steps.append):
        for _ in range(2):
            list(engine.complete("Once", GREEDY))
            engine.forget()
    assert {step.sequence for step in steps} == {0, 1}


def test_a_text_longer_than_the_context_is_computed_in_pieces(model: Path) -> None:
    steps: list[RouteStep] = []
    with open_model(model, SMALL) as engine, engine.record_routes(steps.append):
        done = list(engine.compute(TEXT * 4))
    assert sum(len(step.tokens) for step in steps) == done[-1][0] == done[-1][1] > SMALL.n_ctx
    assert len({step.sequence for step in steps}) == len(done)


def test_nothing_is_recorded_once_it_is_closed(model: Path) -> None:
    steps: list[RouteStep] = []
    with open_model(model, SMALL) as engine:
        recorder = engine.record_routes(steps.append)
        recorder.close()
        recorder.close()
        list(engine.complete(TEXT, GREEDY))
    assert steps == []


def test_the_header_says_what_model_it_is(model: Path) -> None:
    with open_model(model, SMALL) as engine:
        header = engine.trace_header(inputs=True)
    assert (header.architecture, header.layers, header.n_embd > 0) == ("qwen3moe", (0, 1, 2), True)
    assert len(header.expert_bytes) == len(header.layers)
    assert header.fingerprint


def test_with_a_slot_for_every_expert_only_first_uses_miss(model: Path) -> None:
    with open_model(model, SMALL) as engine, engine.judged_routes() as judged:
        assert judged is not None
        list(engine.complete(TEXT, GREEDY))
    used: list[set[int]] = [set() for _ in judged.header.layers]
    n_misses = n_accesses = 0
    for step in judged.steps():
        for seen, experts in zip(used, step.routes, strict=True):
            new = set(experts.reshape(-1).tolist()) - seen - {UNKNOWN}
            seen |= new
            n_misses += len(new) if step.phase is Phase.DECODE else 0
            n_accesses += experts.size if step.phase is Phase.DECODE else 0
    assert judged.best_hit_rate() == pytest.approx(1 - n_misses / n_accesses)


def test_slots_that_differ_by_layer_are_judged_each_with_its_own() -> None:
    header = TraceHeader("m", "a", "", (0, 1), n_expert=4, n_expert_used=1, expert_bytes=(1, 1))
    judged = JudgedRoutes(header, {0: 1, 1: 4})
    for expert in (0, 1, 0, 1):
        step = np.full((2, 1, 1), expert, np.int16)
        judged.add(RouteStep(0, Phase.DECODE, np.zeros(1, np.int32), step))
    assert judged.best_hit_rate() == 2 / 8  # the layer with one slot never hits, the other misses twice


def test_where_nothing_was_decoded_there_is_no_best_hit_rate(model: Path) -> None:
    with open_model(model, SMALL) as engine, engine.judged_routes() as judged:
        list(engine.compute(TEXT))
    assert judged is not None
    assert judged.best_hit_rate() is None


def test_a_dense_model_is_refused(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DENSE)
    with open_model(path, SMALL) as engine:
        with pytest.raises(UsageError, match="routes nothing"):
            engine.record_routes(lambda step: None)
        with engine.judged_routes() as judged:
            assert judged is None
