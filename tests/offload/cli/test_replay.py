"""`offload replay`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.routing_traces import make_header, random_step
from offload.routing.route_trace import Phase
from offload.routing.trace_file import TraceWriter

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
