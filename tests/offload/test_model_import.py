"""Models that come into the folder from elsewhere on this machine."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.model_files import model_file
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload import model_import
from offload.errors import CancelledError, DiskFullError, ModelFileError, ModelNotFoundError, OffloadError, UsageError
from offload.model_folder import list_folder
from offload.model_import import Import, ImportWay, plan_import, run_import


def go_on(_done: int, _total: int) -> bool:
    return True


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return model_file(tmp_path / "downloads/tiny-Q4_K_M.gguf")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def on_another_disk(plan: Import) -> Import:
    return replace(plan, same_disk=False)


def test_a_link_is_a_second_name_for_the_same_bytes(source: Path, models: Path) -> None:
    plan = plan_import(source, models)
    run_import(plan, ImportWay.LINK, go_on)
    assert plan.target == models / "local/tiny-Q4_K_M/tiny-Q4_K_M.gguf"
    assert plan.target.samefile(source)
    assert not plan.target.is_symlink()


def test_from_another_disk_a_link_is_a_symbolic_one(source: Path, models: Path) -> None:
    plan = on_another_disk(plan_import(source, models))
    run_import(plan, ImportWay.LINK, go_on)
    assert plan.target.readlink() == source


def test_a_copy_has_bytes_of_its_own(source: Path, models: Path) -> None:
    plan = plan_import(source, models)
    told: list[tuple[int, int]] = []

    def on_progress(done_bytes: int, total_bytes: int) -> bool:
        told.append((done_bytes, total_bytes))
        return True

    run_import(plan, ImportWay.COPY, on_progress)
    assert plan.target.read_bytes() == source.read_bytes()
    assert not plan.target.samefile(source)
    assert told[-1] == (plan.n_bytes, plan.n_bytes)


@pytest.mark.parametrize("same_disk", [True, False])
def test_a_move_leaves_nothing_behind(source: Path, models: Path, same_disk: bool) -> None:
    raw = source.read_bytes()
    plan = replace(plan_import(source, models), same_disk=same_disk)
    run_import(plan, ImportWay.MOVE, go_on)
    assert plan.target.read_bytes() == raw
    assert not source.exists()


def test_all_parts_come_whichever_is_named(tmp_path: Path, models: Path) -> None:
    build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, split=3)
    parts = sorted(path.name for path in tmp_path.glob("model-*.gguf"))
    plan = plan_import(tmp_path / parts[1], models)
    run_import(plan, ImportWay.LINK, go_on)
    assert sorted(path.name for path in (models / "local/model").iterdir()) == parts
    assert plan.target.name == parts[0]
    assert [entry.name for entry in list_folder(models).models] == ["local/model"]


def test_a_symbolic_link_is_imported_as_what_it_points_to(tmp_path: Path, source: Path, models: Path) -> None:
    (tmp_path / "link.gguf").symlink_to(source)
    plan = plan_import(tmp_path / "link.gguf", models)
    run_import(plan, ImportWay.LINK, go_on)
    assert plan.target == models / "local/link/link.gguf"
    assert plan.target.samefile(source)


def test_what_is_no_model_is_refused_before_anything_is_made(tmp_path: Path, models: Path) -> None:
    (tmp_path / "notes.gguf").write_text("some notes")
    with pytest.raises(ModelFileError):
        plan_import(tmp_path / "notes.gguf", models)
    with pytest.raises(ModelNotFoundError):
        plan_import(tmp_path / "nowhere.gguf", models)
    with pytest.raises(ModelFileError):
        plan_import(tmp_path, models)
    assert not models.exists()


def test_a_file_that_was_cut_short_is_refused(source: Path, models: Path) -> None:
    source.write_bytes(source.read_bytes()[:-1])
    with pytest.raises(ModelFileError):
        plan_import(source, models)


@pytest.mark.parametrize("name", ["model.bin", "mmproj-model.gguf", ".hidden.gguf"])
def test_a_file_that_would_not_be_listed_is_refused(tmp_path: Path, models: Path, name: str) -> None:
    with pytest.raises(UsageError, match="not named like a model"):
        plan_import(model_file(tmp_path / name), models)


def test_a_name_that_is_taken_is_refused(tmp_path: Path, source: Path, models: Path) -> None:
    run_import(plan_import(source, models), ImportWay.LINK, go_on)
    other = model_file(tmp_path / "other/tiny-Q4_K_M.gguf", name="Other")
    with pytest.raises(UsageError, match="already a model local/tiny-Q4_K_M"):
        plan_import(other, models)


def test_a_model_of_the_folder_is_refused(models: Path) -> None:
    with pytest.raises(UsageError, match="in the models folder already"):
        plan_import(model_file(models / "tiny.gguf"), models)


def test_stopped_it_leaves_nothing_behind(source: Path, models: Path) -> None:
    plan = plan_import(source, models)
    with pytest.raises(CancelledError):
        run_import(plan, ImportWay.COPY, lambda _done, _total: False)
    assert list((models / "local").iterdir()) == []
    assert source.exists()


def test_a_file_that_grows_while_it_is_moved_stays_where_it_is(source: Path, models: Path) -> None:
    plan = replace(plan_import(source, models), same_disk=False)
    with source.open("ab") as file:
        file.write(b"more")
    with pytest.raises(OffloadError, match="were copied"):
        run_import(plan, ImportWay.MOVE, go_on)
    assert source.exists()
    assert list((models / "local").iterdir()) == []


def test_without_room_nothing_is_copied(source: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_import(source, models)
    monkeypatch.setattr(model_import, "free_disk_bytes", lambda _folder: 5)
    with pytest.raises(DiskFullError) as caught:
        run_import(plan, ImportWay.COPY, go_on)
    assert (caught.value.needed_bytes, caught.value.free_bytes) == (plan.n_bytes, 5)
    assert list((models / "local").iterdir()) == []


def test_what_a_killed_import_left_is_removed(source: Path, models: Path) -> None:
    left = models / "local/.tiny-Q4_K_M.importing/files/tiny-Q4_K_M.gguf"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    plan = plan_import(source, models)
    run_import(plan, ImportWay.COPY, go_on)
    assert plan.target.read_bytes() == source.read_bytes()
    assert [path.name for path in (models / "local").iterdir()] == ["tiny-Q4_K_M"]


def test_a_disk_without_second_names_says_what_to_do(
    source: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted", str(source))

    plan = plan_import(source, models)
    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OffloadError) as caught:
        run_import(plan, ImportWay.LINK, go_on)
    assert "--copy" in caught.value.hint
    assert list((models / "local").iterdir()) == []


def test_a_file_that_vanishes_is_an_error_and_leaves_nothing(source: Path, models: Path) -> None:
    plan = plan_import(source, models)
    source.unlink()
    with pytest.raises(OffloadError, match=r"tiny-Q4_K_M\.gguf"):
        run_import(plan, ImportWay.COPY, go_on)
    assert list((models / "local").iterdir()) == []
