"""What goes when a model goes, and what does not."""

import os
from pathlib import Path

import pytest

from fakes.model_files import hub_model, model_file, partial_file
from offload.errors import OffloadError
from offload.experts.fingerprint import source_files
from offload.experts.packed_store import packed_path_for
from offload.forecast_state import state_path_of
from offload.gguf_header import read_gguf_header
from offload.hub.folder_lock import FolderLock
from offload.hub.origin import origin_path
from offload.model_folder import EntryState, list_folder
from offload.model_removal import RemovedKind, plan_removal, remove

REPO = "maker/tiny-GGUF"


@pytest.fixture(autouse=True)
def _data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have forecasters' states in a folder of each test's own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))


def everything_of(path: Path) -> dict[RemovedKind, Path]:
    """Put everything beside a model that can be there."""
    state = state_path_of(source_files(read_gguf_header(path))[0].fingerprint)
    state.parent.mkdir(parents=True, exist_ok=True)
    packed_path_for(path).write_bytes(bytes(300))
    state.write_bytes(bytes(20))
    return {
        RemovedKind.MODEL: path,
        RemovedKind.PACKED: packed_path_for(path),
        RemovedKind.LEARNT: state,
        RemovedKind.ORIGIN: origin_path(path),
    }


def test_everything_that_belongs_to_a_model_goes_with_it(tmp_path: Path) -> None:
    path = hub_model(tmp_path, REPO, "tiny-Q4_K_M.gguf")
    expected = everything_of(path) | {RemovedKind.PARTIAL: partial_file(tmp_path, REPO, "tiny-Q4_K_M.gguf", 50)}
    folder = list_folder(tmp_path)
    entry = next(entry for entry in folder.entries if entry.state is EntryState.WHOLE)
    removal = plan_removal(entry, folder)
    assert {file.kind: file.path for file in removal.files} == expected
    assert removal.freed_bytes == sum(file.stat().st_size for file in expected.values())
    remove(removal, tmp_path)
    assert not any(file.exists() for file in expected.values())
    assert list(tmp_path.iterdir()) == []


def test_planning_changes_nothing(tmp_path: Path) -> None:
    path = hub_model(tmp_path, REPO, "tiny-Q4_K_M.gguf")
    folder = list_folder(tmp_path)
    plan_removal(folder.entries[0], folder)
    assert path.exists()
    assert origin_path(path).exists()


def test_another_model_of_the_repository_stays(tmp_path: Path) -> None:
    hub_model(tmp_path, REPO, "tiny-Q4_K_M.gguf")
    other = hub_model(tmp_path, REPO, "tiny-Q8_0.gguf")
    rest = partial_file(tmp_path, REPO, "tiny-Q6_K.gguf", 5)
    folder = list_folder(tmp_path)
    entry = next(entry for entry in folder.entries if entry.quant == "Q4_K_M")
    remove(plan_removal(entry, folder), tmp_path)
    assert other.exists()
    assert origin_path(other).exists()
    assert rest.exists()


def test_all_parts_of_a_split_model_go(tmp_path: Path) -> None:
    hub_model(tmp_path, REPO, *(f"tiny-{number:05d}-of-00003.gguf" for number in (1, 2, 3)))
    folder = list_folder(tmp_path)
    remove(plan_removal(folder.entries[0], folder), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_packed_store_alone_can_go(tmp_path: Path) -> None:
    path = hub_model(tmp_path, REPO, "tiny-Q4_K_M.gguf")
    kept = everything_of(path)
    packed = kept.pop(RemovedKind.PACKED)
    folder = list_folder(tmp_path)
    removal = plan_removal(folder.entries[0], folder, packed_only=True)
    assert [file.path for file in removal.files] == [packed]
    remove(removal, tmp_path)
    assert all(file.exists() for file in kept.values())


def test_all_that_has_come_of_a_split_model_goes(tmp_path: Path) -> None:
    hub_model(tmp_path, REPO, "tiny-00001-of-00002.gguf", "tiny-00002-of-00002.gguf")
    part = partial_file(tmp_path, REPO, "tiny-00002-of-00002.gguf", 5)
    part.with_name("tiny-00002-of-00002.gguf.ffffffffffffffff.part").write_bytes(b"older")
    part.with_name("tiny-00002-of-00002.gguf.ffffffffffffffff.checked").write_bytes(b"whole")
    folder = list_folder(tmp_path)
    entry = next(entry for entry in folder.entries if entry.state is EntryState.WHOLE)
    remove(plan_removal(entry, folder), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("state", [EntryState.UNFINISHED, EntryState.DAMAGED])
def test_what_is_left_of_a_download_goes_alone(tmp_path: Path, state: EntryState) -> None:
    path = hub_model(tmp_path, REPO, "tiny-Q4_K_M.gguf")
    rests = {
        EntryState.UNFINISHED: partial_file(tmp_path, REPO, "tiny-Q4_K_M.gguf", 9),
        EntryState.DAMAGED: model_file(path.with_name(path.name + ".damaged")),
    }
    folder = list_folder(tmp_path)
    entry = next(entry for entry in folder.entries if entry.state is state)
    remove(plan_removal(entry, folder), tmp_path)
    assert path.exists()
    assert [other for other, rest in rests.items() if not rest.exists()] == [state]


def test_a_link_goes_and_its_file_stays(tmp_path: Path) -> None:
    target = model_file(tmp_path / "elsewhere/tiny.gguf")
    models = tmp_path / "models"
    models.mkdir()
    (models / "tiny.gguf").symlink_to(target)
    folder = list_folder(models)
    removal = plan_removal(folder.entries[0], folder)
    assert removal.freed_bytes == 0
    remove(removal, models)
    assert target.exists()
    assert not (models / "tiny.gguf").is_symlink()


def test_bytes_that_have_another_name_are_not_freed(tmp_path: Path) -> None:
    path = model_file(tmp_path / "models/tiny.gguf")
    os.link(path, tmp_path / "elsewhere.gguf")
    folder = list_folder(tmp_path / "models")
    assert plan_removal(folder.entries[0], folder).freed_bytes == 0


def test_what_was_learnt_stays_while_the_bytes_have_another_name(tmp_path: Path) -> None:
    path = hub_model(tmp_path / "models", REPO, "tiny-Q4_K_M.gguf")
    learnt = everything_of(path)[RemovedKind.LEARNT]
    os.link(path, tmp_path / "elsewhere.gguf")
    folder = list_folder(tmp_path / "models")
    remove(plan_removal(folder.entries[0], folder), tmp_path / "models")
    assert not path.exists()
    assert learnt.exists()


def test_a_model_that_cannot_be_read_can_be_removed(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"nothing")
    (tmp_path / "gone.gguf").symlink_to(tmp_path / "nowhere")
    folder = list_folder(tmp_path)
    for entry in folder.entries:
        remove(plan_removal(entry, folder), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_gone_already_is_no_error(tmp_path: Path) -> None:
    path = model_file(tmp_path / "tiny.gguf")
    folder = list_folder(tmp_path)
    removal = plan_removal(folder.entries[0], folder)
    path.unlink()
    remove(removal, tmp_path)


def test_a_download_that_is_going_on_is_left_alone(tmp_path: Path) -> None:
    part = partial_file(tmp_path, REPO, "tiny-Q4_K_M.gguf", 9)
    folder = list_folder(tmp_path)
    removal = plan_removal(folder.entries[0], folder)
    with FolderLock(part.parent), pytest.raises(OffloadError, match="is downloading"):
        remove(removal, tmp_path)
    assert part.exists()
    remove(removal, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model_file(tmp_path / "tiny.gguf")
    folder = list_folder(tmp_path)
    removal = plan_removal(folder.entries[0], folder)

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OffloadError, match=r"tiny\.gguf cannot be removed: Permission denied"):
        remove(removal, tmp_path)
    assert path.exists()


def test_folders_outside_are_never_removed(tmp_path: Path) -> None:
    path = model_file(tmp_path / "elsewhere/tiny.gguf")
    outside = list_folder(path.parent).entries[0]
    remove(plan_removal(outside, list_folder(tmp_path / "models")), tmp_path / "models")
    assert not path.exists()
    assert path.parent.exists()
