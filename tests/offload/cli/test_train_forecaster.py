"""`offload train-forecaster`."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.routed_text import routed_text
from fakes.routing_traces import ListTrace
from offload.routing.path_training import PathTraining
from offload.routing.trace_file import TraceWriter
from offload.routing.trained_forecasters import load_forecasters

Run = Callable[..., Any]


def write(path: Path, trace: ListTrace) -> str:
    with TraceWriter(path, trace.header) as writer:
        for step in trace.listed:
            writer.write(step)
    return str(path)


@pytest.fixture
def trace(tmp_path: Path) -> str:
    return write(tmp_path / "a.routes", routed_text(n_sequences=10, n_tokens=20))


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
    assert [line[:5].strip() for line in lines[1:]] == ["layer", "1", "2", "3", "4", "mean"]
    assert lines[1].split("  ")[-1].strip() == "corrected"
    assert len({len(line) for line in lines[1:]}) == 1
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
    nameless = write(tmp_path / "n.routes", routed_text(n_sequences=4, n_tokens=20, with_ids=False))
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


def test_traces_of_different_models_are_one_sentence(offload: Run, trace: str, tmp_path: Path, output: Path) -> None:
    text = routed_text(n_sequences=2)
    other = write(tmp_path / "b.routes", ListTrace(replace(text.header, fingerprint="ff00"), text.listed))
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
