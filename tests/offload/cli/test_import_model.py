"""`offload import`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.model_files import model_file
from offload import model_import

Run = Callable[..., Any]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offload: Run) -> Path:
    monkeypatch.setenv("OFFLOAD_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_a_model_is_linked_and_found_by_its_name(offload: Run, models: Path, tmp_path: Path) -> None:
    source = model_file(tmp_path / "tiny.gguf")
    outcome = offload("import", str(source))
    target = models / "local/tiny/tiny.gguf"
    assert (outcome.code, outcome.out) == (0, f"{target}\n")
    assert target.samefile(source)
    assert offload("ls", "--json").json["models"][0]["name"] == "local/tiny"


@pytest.mark.parametrize(("option", "stays", "same"), [("--copy", True, False), ("--move", False, False)])
def test_a_model_is_copied_or_moved(
    offload: Run, models: Path, tmp_path: Path, option: str, stays: bool, same: bool
) -> None:
    source = model_file(tmp_path / "tiny.gguf")
    answer = offload("import", str(source), option, "--json").json
    target = Path(answer["path"])
    assert answer["way"] == option.removeprefix("--")
    assert answer["bytes"] == target.stat().st_size
    assert source.exists() == stays
    assert (source.exists() and target.samefile(source)) == same


def test_from_another_disk_it_is_to_be_said_how(
    offload: Run, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = model_file(tmp_path / "tiny.gguf")
    plan = model_import.plan_import

    def on_another_disk(path: Path, folder: Path) -> model_import.Import:
        return replace(plan(path, folder), same_disk=False)

    monkeypatch.setattr(model_import, "plan_import", on_another_disk)
    outcome = offload("import", str(source))
    assert outcome.code == 2
    assert "--copy (needed: 1.4 KiB; free: " in outcome.err
    assert not models.exists()
    assert offload("import", str(source), "--link").code == 0


@pytest.mark.parametrize(
    ("name", "code"), [("nowhere.gguf", 3), ("notes.gguf", 4), (".", 4), ("model.bin", 2), ("taken.gguf", 2)]
)
def test_what_cannot_be_imported_is_said(offload: Run, models: Path, tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "notes.gguf").write_text("some notes")
    model_file(tmp_path / "model.bin")
    model_file(tmp_path / "taken.gguf")
    model_file(models / "local/taken/taken.gguf")
    outcome = offload("import", str(tmp_path / name))
    assert outcome.code == code
    assert outcome.err.count("\n") == 1


def test_only_one_way_at_a_time(offload: Run, models: Path) -> None:
    assert offload("import", "m.gguf", "--copy", "--link").code == 2
