"""`offload show`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.model_files import REVISION, hub_model
from fakes.raw_gguf import MOE_METADATA, RawGguf, raw_text
from fakes.tiny_models import TinyArchitecture, build_tiny_model

Run = Callable[..., Any]
REPO = "maker/tiny-GGUF"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offload: Run) -> Path:
    monkeypatch.setenv("OFFLOAD_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def lines_of(out: str) -> dict[str, str]:
    return {line[:13].strip(): line[13:].strip() for line in out.splitlines()}


def test_the_summary_is_shown_by_a_name(offload: Run, models: Path) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    shown = lines_of(offload("show", "tiny").out)
    assert shown["file"] == str(path)
    assert (shown["name"], shown["architecture"], shown["experts"]) == ("Tiny", "qwen3moe", "4, 2 used")
    assert (shown["expert part"], shown["dense part"]) == ("832 B", "96 B")
    assert (shown["licence"], shown["chat template"]) == ("mit", "no")
    assert shown["packed store"] == "no: see `offload pack`"
    assert shown["from"] == f"{REPO} at {REVISION}, 2026-11-23T20:00:00+00:00"


def test_a_dense_model_has_no_experts(offload: Run, models: Path) -> None:
    models.mkdir()
    shown = lines_of(offload("show", str(build_tiny_model(models / "m.gguf", TinyArchitecture.DENSE))).out)
    assert shown["experts"] == "none: a dense model"
    assert shown["packed store"] == "nothing to pack: a dense model"


def test_all_keys_are_shown_on_demand(offload: Run, models: Path) -> None:
    hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    assert "qwen3moe.expert_count" not in offload("show", "tiny").out
    assert "qwen3moe.expert_count = 4" in offload("show", "tiny", "--metadata").out.splitlines()


def test_json_has_summary_details_and_origin(offload: Run, models: Path) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    answer = offload("show", "tiny", "--json").json
    assert answer.keys() == {"summary", "details", "origin", "files"}
    assert answer["summary"]["architecture"] == "qwen3moe"
    assert answer["details"]["licence"] == "mit"
    assert answer["origin"]["revision"] == REVISION
    assert answer["files"] == [str(path)]
    assert offload("show", "tiny", "--json", "--metadata").json["metadata"]["qwen3moe.expert_count"] == 4


def test_foreign_text_does_not_reach_the_terminal_as_it_is(offload: Run, models: Path) -> None:
    models.mkdir()
    metadata = (*MOE_METADATA, raw_text("general.author", "a\u202eb\x1b[2J\nline"))
    RawGguf(metadata=metadata).write(models / "m.gguf")
    out = offload("show", "m", "--metadata").out
    assert "a\\u202eb\\x1b[2J\\nline" in out
    assert "\x1b" not in out


def test_the_demo_model_is_shown_by_its_name(offload: Run, models: Path) -> None:
    assert lines_of(offload("show", "demo").out)["architecture"] == "qwen3moe"


@pytest.mark.parametrize(("name", "code"), [("nothing", 3), ("bad", 4)])
def test_what_cannot_be_shown_is_said(offload: Run, models: Path, name: str, code: int) -> None:
    models.mkdir()
    (models / "bad.gguf").write_text("no model")
    outcome = offload("show", name)
    assert outcome.code == code
    assert outcome.err.count("\n") == 1
