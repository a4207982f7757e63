"""`offload routing`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from fakes.routing_traces import make_header, random_step
from offload.routing.csv_trace import COLUMNS
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


def test_a_line_for_each_layer_and_the_means_in_both_tables(offload: Run, trace: str) -> None:
    outcome = offload("routing", trace)
    assert (outcome.code, outcome.err) == (0, "")
    starts = [line[:5].strip() for line in outcome.out.splitlines()]
    assert [start for start in starts if start in ("1", "2", "3", "mean")] == ["1", "2", "3", "mean"] * 2
    assert outcome.out.startswith(
        "made-up.gguf (qwen3moe): 3 layers, 2 of 16 experts\ntokens: 20 of prompts and 30 decoded; sequences: 1"
    )


def test_it_is_readable_in_100_columns(offload: Run, trace: str) -> None:
    assert max(map(len, offload("routing", trace).out.splitlines())) <= 100


def test_the_columns_stand_below_their_heads(offload: Run, trace: str) -> None:
    lines = offload("routing", trace).out.splitlines()
    tables = [index for index, line in enumerate(lines) if line.startswith("layer ")]
    assert [len(lines[index]) for index in tables] == [len(lines[index + 1]) for index in tables]


def test_figures_of_other_models_stand_beside_it(offload: Run, trace: str) -> None:
    assert "  recall of the previous token's path: 43.0 to 45.0 % (Qwen3-30B)\n" in offload("routing", trace).out


def test_json_has_the_whole_report(offload: Run, trace: str) -> None:
    report = offload("routing", trace, "--json").json
    assert (report["n_prefill_tokens"], report["n_decode_tokens"], report["slots"]) == (20, 30, [2, 4, 6, 8, 12])
    assert [layer["layer"] for layer in report["layers"]] == [1, 2, 3]
    assert sum(report["layers"][0]["load"]) == pytest.approx(1.0)
    assert 0 < report["mean"]["lru_hit_rates"][2] <= report["mean"]["belady_hit_rates"][2] <= 1
    assert report["known_of_others"][0]["low"] == 0.43


def test_svg_is_drawn_beside_the_report(offload: Run, trace: str, tmp_path: Path) -> None:
    picture = tmp_path / "a.svg"
    outcome = offload("routing", trace, "--svg", str(picture))
    assert outcome.out
    assert ElementTree.fromstring(picture.read_bytes()).tag.endswith("svg")


def test_a_picture_that_cannot_be_written_is_one_sentence(offload: Run, trace: str, tmp_path: Path) -> None:
    outcome = offload("routing", trace, "--svg", str(tmp_path / "no" / "a.svg"))
    assert outcome.code == 1
    assert "could not be written: No such file or directory." in outcome.err


def test_a_csv_trace_without_token_ids_is_judged(offload: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"0,1,{step},0,0,{step % 3},0.5,1,1" for step in range(9)]
    head = ["# route_trace v1", "# model=m.gguf n_layer=1 n_expert=4 n_expert_used=1", COLUMNS]
    path.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
    report = offload("routing", str(path), "--json").json
    assert (report["known_token_ids"], report["mean"]["token_table_recall"]) == (0.0, None)
    assert offload("routing", str(path)).code == 0


def test_a_file_that_is_no_trace_has_exit_code_4(offload: Run, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    outcome = offload("routing", str(path), "--json")
    assert outcome.code == 4
    assert outcome.json["error"]["type"] == "TraceFileError"
    assert outcome.json["error"]["numbers"] == {"file": str(path), "offset": 0}
    assert outcome.err.count("\n") == 1
