"""`offload train-forecaster`."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.model_traces import trace_of_model, write_trace
from fakes.routed_text import routed_text
from fakes.routing_traces import ListTrace
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.routing.gate_network import GateNetwork
from offload.routing.gate_training import train_network
from offload.routing.path_training import PathTraining
from offload.routing.trained_forecasters import load_forecasters

Run = Callable[..., Any]


@pytest.fixture
def trace(tmp_path: Path) -> str:
    return write_trace(tmp_path / "a.routes", routed_text(n_sequences=10, n_tokens=20))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "a.forecast"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have training end after a few steps."""
    monkeypatch.setattr("offload.routing.forecaster_training._MOST_PASSES", 1)
    monkeypatch.setattr("offload.routing.forecaster_training._FEWEST_STEPS", 6)


@pytest.mark.usefixtures("short")
def test_a_line_for_each_layer_and_the_mean(offload: Run, trace: str, output: Path) -> None:
    outcome = offload("train-forecaster", trace, "-o", str(output))
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].startswith("Recall of 20 tokens kept aside, before a token is computed")
    assert [line[:5].strip() for line in lines[1:7]] == ["layer", "1", "2", "3", "4", "mean"]
    assert lines[1].split("  ")[-1].strip() == "corrected"
    assert len({len(line) for line in lines[1:7]}) == 1
    assert outcome.err == f"{output}: learnt from 180 tokens.\n"


@pytest.mark.usefixtures("short")
def test_json_has_every_forecaster_by_layer(offload: Run, trace: str, output: Path) -> None:
    report = offload("train-forecaster", trace, "-o", str(output), "--json").json
    assert (report["layers"], report["n_learnt_tokens"], report["n_held_tokens"]) == ([1, 2, 3, 4], 180, 20)
    assert list(report["recall"]) == ["frequent experts", "previous path", "learned path", "token prior"]
    prior = report["recall"]["token prior"]
    # Layer 0 of the made-up text is routed by the token id.
    assert prior["before"][0] > 0.9 > 0.6 > report["recall"]["frequent experts"]["before"][0]
    assert prior["mean_before"] == pytest.approx(sum(prior["before"]) / 4)
    assert len(report["recall"]["learned path"]["after_layer_before"]) == 4


@pytest.mark.usefixtures("short")
def test_what_is_learnt_is_written_and_can_be_loaded(offload: Run, trace: str, output: Path) -> None:
    offload("train-forecaster", trace, "-o", str(output))
    trained = load_forecasters(output, routed_text(n_sequences=1).header)
    assert trained.learned_path() is not None
    trained.prior.begin(3)
    assert trained.prior.scores(0) is not None


@pytest.mark.usefixtures("short")
def test_without_token_ids_it_says_so_and_learns_from_paths(offload: Run, tmp_path: Path, output: Path) -> None:
    nameless = write_trace(tmp_path / "n.routes", routed_text(n_sequences=4, n_tokens=20, with_ids=False))
    outcome = offload("train-forecaster", nameless, "-o", str(output))
    assert outcome.code == 0
    assert "The traces have no token ids" in outcome.err
    assert output.exists()


@pytest.mark.usefixtures("short")
def test_an_interrupt_keeps_what_was_learnt(
    offload: Run, trace: str, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = PathTraining.step
    steps: list[int] = []

    def interrupted(training: PathTraining) -> None:
        step(training)
        steps.append(1)
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(PathTraining, "step", interrupted)
    outcome = offload("train-forecaster", trace, "-o", str(output))
    assert (outcome.code, len(steps)) == (130, 3)
    assert load_forecasters(output, routed_text(n_sequences=1).header).network is not None


@pytest.mark.usefixtures("short")
def test_the_blend_is_fitted_and_shown_by_lead(offload: Run, trace: str, output: Path) -> None:
    outcome = offload("train-forecaster", trace, "-o", str(output))
    _, _, card = outcome.out.partition("\n\n")
    assert card.splitlines()[0].split("  ")[-1].strip() == "3 ahead"
    assert [line[:13].strip() for line in card.splitlines()[1:5]] == [
        *("blend", "learned path", "token prior", "previous path"),
    ]
    fitted = load_forecasters(output, routed_text(n_sequences=1).header)
    untouched = replace(fitted, blend_state=None).blend().state()
    assert not np.array_equal(fitted.blend().state()["token prior, shared"], untouched["token prior, shared"])


@pytest.mark.usefixtures("short")
def test_the_prior_that_is_saved_has_not_seen_what_it_was_judged_by(offload: Run, trace: str, output: Path) -> None:
    offload("train-forecaster", trace, "-o", str(output))
    seen = load_forecasters(output, routed_text(n_sequences=1).header).prior.state()["layer_seen"]
    assert seen.tolist() == [180.0] * 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("model") / "model.gguf", TinyArchitecture.QWEN3MOE)


@pytest.fixture
def with_inputs(model: Path, tmp_path: Path) -> str:
    return write_trace(tmp_path / "inputs.routes", trace_of_model(model))


@pytest.mark.usefixtures("short")
def test_networks_beside_the_routers_are_trained_and_judged(
    offload: Run, with_inputs: str, model: Path, output: Path
) -> None:
    outcome = offload("train-forecaster", with_inputs, "-m", str(model), "-o", str(output), "--json")
    judged = {(item["name"], item["lead"]) for item in outcome.json["forecasts"]}
    assert {("gate ahead", 1), ("gate ahead", 2), ("gate ahead, untrained", 1), ("blend", 0)} <= judged
    loaded = load_forecasters(output, trace_of_model(model, n_sequences=1).header)
    assert set(loaded.gate_networks) == {(1, 1), (2, 1), (2, 2)}
    assert loaded.blend_state is not None
    assert "gate ahead, shared" in loaded.blend_state


@pytest.mark.usefixtures("short")
def test_of_large_routers_no_networks_are_trained(
    offload: Run, with_inputs: str, model: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.cli.train_forecaster._MOST_NETWORK_BYTES", 1 << 10)
    outcome = offload("train-forecaster", with_inputs, "-m", str(model), "-o", str(output))
    assert "more than 1.0 KiB: they are not trained." in outcome.err
    assert "gate ahead, untrained" not in outcome.out
    assert "gate ahead" in outcome.out
    assert not load_forecasters(output, trace_of_model(model, n_sequences=1).header).gate_networks


@pytest.mark.usefixtures("short")
def test_traces_without_inputs_train_everything_else(offload: Run, model: Path, tmp_path: Path, output: Path) -> None:
    trace = trace_of_model(model)
    steps = tuple(replace(step, inputs=None) for step in trace.listed)
    path = write_trace(tmp_path / "a.routes", ListTrace(replace(trace.header, n_embd=0), steps))
    outcome = offload("train-forecaster", path, "-m", str(model), "-o", str(output))
    assert outcome.code == 0
    assert "The traces have no router inputs" in outcome.err
    assert load_forecasters(output, trace.header).learned_path() is not None


@pytest.mark.usefixtures("short")
def test_too_few_inputs_train_everything_else(offload: Run, model: Path, tmp_path: Path, output: Path) -> None:
    path = write_trace(tmp_path / "a.routes", trace_of_model(model, n_sequences=4, n_tokens=15))
    outcome = offload("train-forecaster", path, "-m", str(model), "-o", str(output))
    assert outcome.code == 0
    assert "Nothing is learnt of the routers. The trace has 42 tokens" in outcome.err
    assert load_forecasters(output, trace_of_model(model, n_sequences=1).header).learned_path() is not None


@pytest.mark.usefixtures("short")
def test_a_model_that_the_traces_are_not_of_is_one_sentence(
    offload: Run, trace: str, model: Path, output: Path
) -> None:
    outcome = offload("train-forecaster", trace, "-m", str(model), "-o", str(output), "--json")
    assert (outcome.code, outcome.json["error"]["type"]) == (2, "UsageError")
    assert "The trace is of made-up.gguf (00ff), not of model.gguf" in outcome.err
    assert not output.exists()


@pytest.mark.usefixtures("short")
def test_an_interrupt_keeps_the_networks_that_are_done(
    offload: Run, with_inputs: str, model: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*lesson: Any, **options: Any) -> GateNetwork:
        signal.raise_signal(signal.SIGINT)
        return train_network(*lesson, **options)

    monkeypatch.setattr("offload.routing.gate_lessons.train_network", interrupted)
    outcome = offload("train-forecaster", with_inputs, "-m", str(model), "-o", str(output))
    assert outcome.code == 130
    assert set(load_forecasters(output, trace_of_model(model, n_sequences=1).header).gate_networks) == {(1, 1)}


def test_traces_of_different_models_are_one_sentence(offload: Run, trace: str, tmp_path: Path, output: Path) -> None:
    text = routed_text(n_sequences=2)
    other = write_trace(tmp_path / "b.routes", ListTrace(replace(text.header, fingerprint="ff00"), text.listed))
    outcome = offload("train-forecaster", trace, other, "-o", str(output), "--json")
    assert (outcome.code, outcome.json["error"]["type"]) == (2, "UsageError")
    assert "The traces are of different models" in outcome.err
    assert not output.exists()


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused(offload: Run, trace: str, output: Path, minutes: str) -> None:
    outcome = offload("train-forecaster", trace, "-o", str(output), f"--minutes={minutes}")
    assert outcome.code == 2
    assert f"--minutes {minutes} is no time to train." in outcome.err


def test_what_is_no_trace_has_exit_code_4(offload: Run, tmp_path: Path, output: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    outcome = offload("train-forecaster", str(path), "-o", str(output))
    assert (outcome.code, outcome.err.count("\n")) == (4, 1)


@pytest.mark.usefixtures("short")
def test_a_file_that_cannot_be_written_is_one_sentence(offload: Run, trace: str, tmp_path: Path) -> None:
    outcome = offload("train-forecaster", trace, "-o", str(tmp_path / "no" / "a.forecast"))
    assert outcome.code == 1
    assert "could not be written: No such file" in outcome.err
