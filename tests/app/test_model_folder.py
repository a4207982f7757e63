"""Which models a folder holds, whatever else lies there."""

import os
from pathlib import Path

import pytest

from offload_app import model_folder
from offload_app.model_folder import first_file, is_below, packed_path, scan_folder


def put(path: Path, n_bytes: int = 10) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * n_bytes)
    return str(path)


def paths(folder: Path, *others: str) -> list[str]:
    return [model.path for model in scan_folder(str(folder), others).models]


def test_models_are_found_in_the_folder_and_below_in_order_of_their_names(tmp_path: Path) -> None:
    b = put(tmp_path / "b.gguf")
    a = put(tmp_path / "user" / "repository-GGUF" / "A.GGUF")
    put(tmp_path / "notes.txt")
    assert paths(tmp_path) == [a, b]


def test_projectors_hidden_files_and_what_is_no_file_are_left_out(tmp_path: Path) -> None:
    put(tmp_path / "mmproj-model-f16.gguf")
    put(tmp_path / "model.mmproj.gguf")
    put(tmp_path / ".part.gguf")
    put(tmp_path / ".cache" / "c.gguf")
    (tmp_path / "folder.gguf").mkdir()
    assert paths(tmp_path) == []


def test_a_model_in_several_files_is_one(tmp_path: Path) -> None:
    parts = [put(tmp_path / f"m-0000{n}-of-00003.gguf", n) for n in (1, 2, 3)]
    (model,) = scan_folder(str(tmp_path)).models
    assert (model.path, model.n_bytes, model.n_files) == (parts[0], 6, 3)


def test_parts_of_two_models_are_two(tmp_path: Path) -> None:
    first = put(tmp_path / "m-00001-of-00002.gguf")
    other = put(tmp_path / "m-00001-of-00003.gguf")
    assert paths(tmp_path) == [first, other]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    scan = scan_folder(str(tmp_path / "none"))
    assert (scan.is_there, scan.models, scan.reason) == (False, (), "")


def test_what_cannot_be_read_is_said_in_the_words_of_the_system(tmp_path: Path) -> None:
    scan = scan_folder(put(tmp_path / "file"))
    assert scan.reason == os.strerror(20)
    assert scan_folder("a\0b").reason


def test_a_folder_below_that_cannot_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = put(tmp_path / "good" / "a.gguf")
    put(tmp_path / "bad" / "b.gguf")
    real = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("bad"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert paths(tmp_path) == [good]


def test_links_that_lead_back_up_end(tmp_path: Path) -> None:
    a = put(tmp_path / "a.gguf")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "broken.gguf").symlink_to(tmp_path / "nothing")
    assert paths(tmp_path) == [a]


def test_five_thousand_files_are_looked_at_and_a_bounded_number_taken(tmp_path: Path) -> None:
    for n in range(5000):
        (tmp_path / f"{n:04}.gguf").touch()
    scan = scan_folder(str(tmp_path))
    assert len(scan.models) == model_folder.MOST_MODELS
    assert scan.is_cut


def test_deeper_folders_than_are_looked_at_are_said(tmp_path: Path) -> None:
    put(tmp_path.joinpath(*"abcde", "deep.gguf"))
    there = put(tmp_path.joinpath(*"abcd", "there.gguf"))
    scan = scan_folder(str(tmp_path))
    assert [model.path for model in scan.models] == [there]
    assert scan.is_cut


def test_the_number_of_entries_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_folder, "MOST_ENTRIES", 3)
    for n in range(5):
        put(tmp_path / f"{n}.gguf")
    scan = scan_folder(str(tmp_path))
    assert len(scan.models) == 3
    assert scan.is_cut


def test_other_files_are_found_or_missed_and_none_twice(tmp_path: Path) -> None:
    inside, outside = put(tmp_path / "models" / "a.gguf"), put(tmp_path / "elsewhere" / "b.gguf")
    gone = str(tmp_path / "gone.gguf")
    scan = scan_folder(str(tmp_path / "models"), [inside, outside, gone, "a\0b"])
    assert [model.path for model in scan.models] == [inside, outside]
    assert scan.missing == (gone, "a\0b")


def test_the_stamp_changes_with_the_file_and_with_the_packed_store(tmp_path: Path) -> None:
    put(tmp_path / "a.gguf")
    stamps = [scan_folder(str(tmp_path)).models[0].stamp]
    put(tmp_path / "a.gguf", 20)
    stamps.append(scan_folder(str(tmp_path)).models[0].stamp)
    put(tmp_path / "a.offload")
    stamps.append(scan_folder(str(tmp_path)).models[0].stamp)
    assert len(set(stamps)) == 3


@pytest.mark.parametrize(
    ("model", "store"),
    [("/m/a.gguf", "/m/a.offload"), ("/m/a-00001-of-00002.gguf", "/m/a.offload"), ("/m/a.b.gguf", "/m/a.b.offload")],
)
def test_the_packed_store_lies_beside_the_model(model: str, store: str) -> None:
    assert packed_path(model) == store


def test_any_part_names_the_model_by_its_first_file(tmp_path: Path) -> None:
    first, second = (put(tmp_path / f"m-0000{n}-of-00002.gguf") for n in (1, 2))
    assert first_file(second) == first
    assert first_file("/gone/m-00002-of-00002.gguf") == "/gone/m-00002-of-00002.gguf"
    assert paths(tmp_path / "none", second) == [second]
    assert scan_folder("/none", [second]).models[0].n_files == 2


def test_what_a_scan_comes_across_lies_below(tmp_path: Path) -> None:
    assert is_below(str(tmp_path / "a.gguf"), str(tmp_path))
    assert is_below(str(tmp_path.joinpath(*"abcd", "e.gguf")), str(tmp_path))
    assert not is_below(str(tmp_path.joinpath(*"abcde", "f.gguf")), str(tmp_path))
    assert not is_below(str(tmp_path.parent / "a.gguf"), str(tmp_path))
