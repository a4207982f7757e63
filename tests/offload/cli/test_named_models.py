"""Models by name wherever a command takes -m."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.engine import FakeEngine
from fakes.model_files import hub_model, model_file

Run = Callable[..., Any]
REPO = "maker/tiny-GGUF"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offload: Run) -> Path:
    """Return the folder of models that the environment names."""
    monkeypatch.setenv("OFFLOAD_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.mark.parametrize("name", [f"{REPO}:Q4_K_M", REPO, "tiny-q4", "tiny-Q4_K_M.gguf"])
def test_a_name_is_looked_up_in_the_folder_of_models(
    offload: Run, models: Path, opened: list[FakeEngine], name: str
) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    assert offload("generate", "hello", "-m", name).code == 0
    assert opened[0].path == path


def test_a_path_is_taken_as_it_is(
    offload: Run, models: Path, opened: list[FakeEngine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    model_file(tmp_path / "tiny-Q4_K_M.gguf")
    monkeypatch.chdir(tmp_path)
    assert offload("generate", "hello", "-m", "tiny-Q4_K_M.gguf").code == 0
    assert opened[0].path == Path("tiny-Q4_K_M.gguf")


def test_a_name_that_no_model_has_is_said(offload: Run, models: Path) -> None:
    outcome = offload("generate", "hello", "-m", "maker/other-GGUF")
    assert outcome.code == 3
    assert "offload pull" in outcome.err


def test_the_name_of_a_file_that_is_not_there_goes_on_as_a_path(
    offload: Run, models: Path, opened: list[FakeEngine]
) -> None:
    assert offload("generate", "hello", "-m", "other.gguf").code == 0
    assert opened[0].path == Path("other.gguf")
    assert offload("generate", "hello", "-m", "missing.gguf").code == 3


def test_a_name_that_could_be_several_lists_them(offload: Run, models: Path) -> None:
    for quant in ("Q5_K_M", "Q8_0"):
        hub_model(models, REPO, f"tiny-{quant}.gguf")
    outcome = offload("plan", "-m", "tiny")
    assert outcome.code == 2
    assert f"{REPO}:Q5_K_M, {REPO}:Q8_0" in outcome.err


def test_pack_takes_a_name_too(offload: Run, models: Path) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    for arguments in (["tiny-q4"], ["-m", "tiny-q4"]):
        outcome = offload("pack", *arguments, "--json", "--force")
        assert Path(outcome.json["output"]).parent == path.parent


def test_without_a_variable_the_folder_is_in_the_user_s_data(
    offload: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[FakeEngine]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    path = hub_model(tmp_path / "offload/models", REPO, "tiny-Q4_K_M.gguf")
    assert offload("generate", "hello", "-m", "tiny-q4").code == 0
    assert opened[0].path == path
