"""`offload rm`."""

import argparse
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.model_files import hub_model, model_file, partial_file
from offload.cli import rm
from offload.cli.terminal import Terminal
from offload.errors import CancelledError

Run = Callable[..., Any]
REPO = "maker/tiny-GGUF"


class Typed(io.StringIO):
    """A stream at which a person sits."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offload: Run) -> Path:
    monkeypatch.setenv("OFFLOAD_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "models"


def test_the_files_and_the_bytes_are_listed_and_go(offload: Run, models: Path) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    outcome = offload("rm", "tiny", "-y")
    assert outcome.code == 0
    assert str(path) in outcome.err
    assert "2 files removed" in outcome.err
    assert list(models.iterdir()) == []


def test_without_a_terminal_it_takes_an_option(offload: Run, models: Path) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    outcome = offload("rm", "tiny", stdin=b"y\n")
    assert outcome.code == 2
    assert "Add -y" in outcome.err
    assert path.exists()


def test_one_name_that_is_wrong_keeps_all_models(offload: Run, models: Path) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    assert offload("rm", "tiny", "nothing", "-y").code == 3
    assert path.exists()


def test_several_models_go_at_once_and_json_names_them(offload: Run, models: Path) -> None:
    paths = [model_file(models / name) for name in ("a.gguf", "b.gguf")]
    answer = offload("rm", "a", "b", "a", "-y", "--json").json
    assert [removed["path"] for removed in answer["removed"]] == [str(path) for path in paths]
    assert answer["freed_bytes"] == sum(removed["freed_bytes"] for removed in answer["removed"]) > 0


def test_the_packed_store_alone(offload: Run, models: Path) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    assert offload("rm", "tiny", "--packed", "-y").code == 2
    path.with_suffix(".offload").write_bytes(b"packed")
    assert offload("rm", "tiny", "--packed", "-y").code == 0
    assert path.exists()
    assert not path.with_suffix(".offload").exists()


def test_an_unfinished_download_goes_by_its_name(offload: Run, models: Path) -> None:
    partial_file(models, REPO, "tiny-Q4_K_M.gguf", 9)
    assert offload("rm", f"{REPO}:Q4_K_M", "-y").code == 0
    assert list(models.iterdir()) == []


def test_a_model_elsewhere_goes_only_by_its_path(offload: Run, models: Path, tmp_path: Path) -> None:
    path = model_file(tmp_path / "elsewhere/far.gguf")
    assert offload("rm", "far", "-y").code == 3
    outcome = offload("rm", str(path), "-y")
    assert outcome.code == 0
    assert "outside of the models folder" in outcome.err
    assert not path.exists()
    assert path.parent.exists()


def test_by_its_path_a_model_is_meant_whatever_others_are_called(offload: Run, models: Path) -> None:
    a, b = (model_file(models / f"maker/{name}-GGUF/same-Q4_K_M.gguf") for name in ("a", "b"))
    assert offload("rm", str(b), "-y").code == 0
    assert a.exists()
    assert not b.exists()


def test_a_folder_that_is_a_link_is_the_folder_it_leads_to(offload: Run, models: Path, tmp_path: Path) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    (tmp_path / "alias").symlink_to(models)
    outcome = offload("rm", str(tmp_path / "alias" / path.relative_to(models)), "-y")
    assert "outside" not in outcome.err
    assert list(models.iterdir()) == []
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    outcome = offload("rm", str(path), "-y", "--models-dir", str(tmp_path / "alias"))
    assert "outside" not in outcome.err
    assert list(models.iterdir()) == []


def test_what_is_no_model_stays(offload: Run, models: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("dear")
    model_file(models / "tiny.gguf")
    assert offload("rm", str(notes), "-y").code == 2
    assert offload("rm", str(models), "-y").code == 2
    assert notes.exists()
    assert (models / "tiny.gguf").exists()


def test_a_link_that_leads_out_of_the_folder_leaves_what_is_there(offload: Run, models: Path, tmp_path: Path) -> None:
    target = model_file(tmp_path / "elsewhere/far.gguf")
    models.mkdir()
    (models / "near.gguf").symlink_to(target)
    outcome = offload("rm", "near", "-y")
    assert (outcome.code, "stays elsewhere" in outcome.err) == (0, True)
    assert target.exists()
    assert list(models.iterdir()) == []


@pytest.mark.parametrize(("answer", "stays"), [("y\n", False), ("\n", True), ("n\n", True), ("what\n", True)])
def test_at_a_terminal_only_yes_removes(models: Path, answer: str, stays: bool) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    screen = Typed()
    terminal = Terminal(Typed(answer), io.StringIO(), screen, {})
    options = argparse.Namespace(names=["tiny"], packed=False, yes=False, models_dir=None, json=False)
    if stays:
        with pytest.raises(CancelledError, match="Nothing was changed"):
            rm.run(options, terminal)
    else:
        assert rm.run(options, terminal) == 0
    assert path.exists() is stays
    assert "? [y/N] " in screen.getvalue()
