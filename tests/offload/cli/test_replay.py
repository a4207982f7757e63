"""`offload replay`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.model_traces import trace_of_model, write_trace
from fakes.routed_text import routed_text
from fakes.routing_traces import ListTrace, make_header, random_step
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from fakes.trained_path import trained_path
from offload.routing.route_trace import Phase
from offload.routing.trace_file import TraceWriter
from offload.routing.trained_forecasters import TrainedForecasters

Run = Callable[..., Any]


@pytest.fixture
def trace(tmp_path: Path) -> str:
    header = make_header(3, 16, 2)
    random = np.random.default_rng(6)
    path = tmp_path / "a.routes"
    with TraceWriter(path, header) as writer:
        writer.write(random_step(header, random, 20, phase=Phase.PREFILL))
        for _ in range(30):
            writer.write(random_step(header, random))
    return str(path)


def test_a_line_for_each_size_and_policy(offload: Run, trace: str) -> None:
    outcome = offload("replay", trace, "--slots", "4", "--slots", "50%", "--policy", "decayed-frequency")
    assert (outcome.code, outcome.err) == (0, "")
    head, columns, *lines = outcome.out.splitlines()
    assert head == "made-up.gguf: 3 layers, 2 of 16 experts; 30 decoded tokens count"
    names = ["lru", "decayed-frequency", "belady"]
    assert [line.split()[:3] for line in lines] == [
        [slots, share, name] for slots, share in (("4", "25.0%"), ("8", "50.0%")) for name in names
    ]
    assert {len(line) for line in lines} == {len(columns)}
    assert len(columns) <= 100


def test_without_options_an_eighth_and_a_quarter_are_judged(offload: Run, trace: str) -> None:
    figures = offload("replay", trace, "--json").json["figures"]
    assert [(item["slots"], item["policy"]) for item in figures] == [
        (slots, name) for slots in (2, 4) for name in ("lru", "similar-paths", "belady")
    ]


def test_json_has_all_figures(offload: Run, trace: str) -> None:
    report = offload("replay", trace, "--slots", "4", "--policy", "lru", "--json").json
    assert (report["model"], report["n_prefill_tokens"], report["n_decode_tokens"]) == ("made-up.gguf", 20, 30)
    lru, best = report["figures"]
    assert (lru["accesses"], lru["gap_closed"], best["gap_closed"]) == (180, 0.0, 1.0)
    assert 0 < lru["hit_rate"] == lru["hits"] / 180 < best["hit_rate"]
    assert lru["bytes_per_token"] > best["bytes_per_token"] > 0
    assert lru["tokens_per_second"] > 0


@pytest.mark.parametrize("text", ["1", "17", "6%", "200%"])
def test_slots_that_the_model_cannot_have_are_one_sentence(offload: Run, trace: str, text: str) -> None:
    outcome = offload("replay", trace, "--slots", text)
    assert outcome.code == 2
    assert (
        "slots a layer; a token of this model needs 2, and a layer has 16 experts. Give --slots 2 to 16" in outcome.err
    )
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("text", ["many", "", "%", "1.5", "-4", "1e3%", "9" * 40])
def test_slots_that_are_no_number_are_one_sentence(offload: Run, trace: str, text: str) -> None:
    outcome = offload("replay", trace, f"--slots={text}")
    assert outcome.code == 2
    assert "is no number of slots" in outcome.err


def test_an_unknown_policy_is_answered_with_the_known_ones(offload: Run, trace: str) -> None:
    outcome = offload("replay", trace, "--policy", "best")
    assert outcome.code == 2
    assert "Choose of lru, decayed-frequency, similar-paths." in outcome.err


def test_a_truncated_trace_has_exit_code_4(offload: Run, trace: str) -> None:
    whole = Path(trace).read_bytes()
    Path(trace).write_bytes(whole[:-9])
    outcome = offload("replay", trace, "--json")
    assert outcome.code == 4
    assert outcome.json["error"]["type"] == "TraceFileError"


def test_no_trace_has_exit_code_4(offload: Run, tmp_path: Path) -> None:
    outcome = offload("replay", str(tmp_path / "none.routes"))
    assert outcome.code == 4
    assert outcome.err.count("\n") == 1


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("model") / "model.gguf", TinyArchitecture.QWEN3MOE)


@pytest.fixture
def with_inputs(model: Path, tmp_path: Path) -> str:
    return write_trace(tmp_path / "inputs.routes", trace_of_model(model, n_sequences=4))


@pytest.fixture
def forecaster(tmp_path: Path) -> str:
    path = tmp_path / "a.forecast"
    trained = trained_path()
    TrainedForecasters(trained.prior(), trained.network).save(path, trained.tokens.header)
    return str(path)


@pytest.fixture
def text(tmp_path: Path) -> str:
    return write_trace(tmp_path / "text.routes", routed_text(n_sequences=2, seed=3))


def test_forecasts_are_a_table_by_lead_below_the_caches(offload: Run, text: str, forecaster: str) -> None:
    outcome = offload("replay", text, "--forecaster", forecaster)
    caches, _, card = outcome.out.partition("\n\n")
    assert (outcome.code, caches.splitlines()[-1].split()[2]) == (0, "belady")
    head, *lines, verdict = card.splitlines()
    assert head.split() == ["recall", "of", "routed", "experts", "before", "1", "ahead", "2", "ahead", "3", "ahead"]
    assert [line[:26].strip() for line in lines] == [
        *("blend", "learned path", "token prior", "previous path", "calibration error of blend"),
    ]
    assert verdict.startswith("The blend is better than its best part at ")


def test_json_has_forecasts_by_layer(offload: Run, text: str, forecaster: str) -> None:
    report = offload("replay", text, "--forecaster", forecaster, "--json").json
    card = {(item["name"], item["lead"]): item for item in report["forecasts"]}
    prior = card["token prior", 0]
    # Layer 0 of the made-up text is routed by the token id; of 80 tokens 74 are decoded.
    assert prior["recall_by_layer"][0] > 0.9
    assert prior["n_forecasts"] == 74 * 4
    assert card["blend", 1]["recall_by_layer"][0] is None
    assert card["blend", 0]["calibration_error"] < 0.2


def test_forecasts_are_not_judged_unless_asked_for(offload: Run, text: str) -> None:
    assert "forecasts" not in offload("replay", text, "--json").json


def test_a_model_s_routers_forecast_too(offload: Run, with_inputs: str, model: Path) -> None:
    report = offload("replay", with_inputs, "-m", str(model), "--json").json
    card = {(item["name"], item["lead"]): item for item in report["forecasts"]}
    assert card["gate ahead", 1]["recall"] > 0.5
    assert ("gate ahead", 0) not in card


def test_a_trace_of_prompts_alone_has_forecasts_too(offload: Run, tmp_path: Path, forecaster: str) -> None:
    text = routed_text(n_sequences=2, seed=3)
    prompts = tuple(replace(step, phase=Phase.PREFILL) for step in text.listed)
    path = write_trace(tmp_path / "p.routes", ListTrace(text.header, prompts))
    report = offload("replay", path, "--forecaster", forecaster, "--json").json
    assert report["forecasts"][0]["n_forecasts"] == 80 * 4


def test_a_trace_without_inputs_has_no_forecasts_of_routers(offload: Run, trace: str, model: Path) -> None:
    outcome = offload("replay", trace, "-m", str(model))
    assert (outcome.code, outcome.out) == (2, "")
    assert "The trace has no router inputs. Record it with --inputs, or leave -m away." in outcome.err


def test_a_trace_of_another_model_than_the_one_named_is_one_sentence(
    offload: Run, with_inputs: str, tmp_path: Path
) -> None:
    other = build_tiny_model(tmp_path / "other.gguf", TinyArchitecture.QWEN3MOE, seed=1)
    outcome = offload("replay", with_inputs, "-m", str(other))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "not of other.gguf" in outcome.err


def test_forecasters_of_another_model_have_exit_code_4(offload: Run, trace: str, forecaster: str) -> None:
    outcome = offload("replay", trace, "--forecaster", forecaster)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (4, "", 1)
    assert "These forecasters are of made-up.gguf" in outcome.err


def test_forecasters_that_are_not_there_have_exit_code_4(offload: Run, trace: str, tmp_path: Path) -> None:
    outcome = offload("replay", trace, "--forecaster", str(tmp_path / "no.forecast"), "--json")
    assert (outcome.code, outcome.json["error"]["type"]) == (4, "ForecasterFileError")


def test_an_architecture_of_unknown_routing_is_one_sentence(
    offload: Run, with_inputs: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.routing.router_weights._RULES", {})
    outcome = offload("replay", with_inputs, "-m", str(model))
    assert (outcome.code, outcome.out) == (1, "")
    assert (
        "There are no gate-ahead forecasts for this model: how architecture qwen3moe routes is not known" in outcome.err
    )
