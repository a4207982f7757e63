"""The whole benchmark, small: every contender's process does its work, and the answers agree."""

import json
from pathlib import Path

import pytest

from bench.contenders import Contender
from bench.side_by_side import main
from fakes.tiny_models import TinyArchitecture, build_tiny_model

pytestmark = pytest.mark.bench


def test_every_contender_runs_and_those_of_one_layout_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = build_tiny_model(tmp_path / "tiny.gguf", TinyArchitecture.QWEN3MOE, n_expert=32, n_expert_used=4)
    few = ["--runs", "1", "--tokens", "6", "--mmap-tokens", "4", "--prefill", "32", "--ctx", "256", "--threads", "1"]
    assert main(["--model", str(model), "--memory", "200M", "--limit", "300M", "--json", *few]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["failures"] == []
    assert [run["contender"] for run in report["runs"]] == [contender.value for contender in Contender]


def test_a_budget_below_the_floor_breaks_the_runs_and_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = build_tiny_model(tmp_path / "tiny.gguf", TinyArchitecture.QWEN3MOE)
    few = ["--runs", "1", "--prefill", "8", "--ctx", "256", "--threads", "1", "--only", "open"]
    assert main(["--model", str(model), "--memory", "1M", "--limit", "300M", "--json", *few]) == 1
    failures = json.loads(capsys.readouterr().out)["failures"]
    assert len(failures) == 2
    assert all("The budget is 1.0 MiB" in failure for failure in failures)
