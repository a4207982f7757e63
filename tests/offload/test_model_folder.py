"""What lies in the folder of models, and what a person calls it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.model_files import hub_model, model_file, partial_file
from offload.demo_model import demo_file_name
from offload.errors import ModelNotFoundError, UsageError
from offload.model_folder import DEMO, EntryState, find_entry, find_model, is_older_demo, list_folder

QWEN = "Qwen/Qwen3-30B-A3B-GGUF"


def names(folder: Path) -> list[str]:
    return [entry.name for entry in list_folder(folder).entries]


def test_a_folder_that_is_missing_has_nothing_in_it(tmp_path: Path) -> None:
    assert list_folder(tmp_path / "none").entries == ()


def test_models_of_the_hub_are_called_by_repository_and_quantization(tmp_path: Path) -> None:
    path = hub_model(tmp_path, QWEN, "Qwen3-30B-A3B-Q4_K_M.gguf")
    (entry,) = list_folder(tmp_path).entries
    assert (entry.name, entry.repo, entry.quant, entry.path) == (f"{QWEN}:Q4_K_M", QWEN, "Q4_K_M", path)
    assert (entry.state, entry.n_bytes) == (EntryState.WHOLE, path.stat().st_size)


def test_loose_files_are_called_by_their_name(tmp_path: Path) -> None:
    model_file(tmp_path / "story.gguf")
    model_file(tmp_path / demo_file_name())
    assert names(tmp_path) == [DEMO, "story"]


def test_the_demo_of_another_release_is_called_by_its_file_and_known_as_older(tmp_path: Path) -> None:
    for name in ("offload-demo-000000000000.gguf", demo_file_name(), "u/r/offload-demo-111111111111.gguf"):
        model_file(tmp_path / name)
    model_file(tmp_path / "story.gguf")
    entries = {entry.name: is_older_demo(entry) for entry in list_folder(tmp_path).entries}
    assert entries == {
        DEMO: False,
        "offload-demo-000000000000": True,
        "story": False,
        "u/r/offload-demo-111111111111": False,
    }
    assert find_model("offload-demo-000000000000", tmp_path) == tmp_path / "offload-demo-000000000000.gguf"


def test_without_a_demo_of_its_own_every_demo_is_of_another_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_file(tmp_path / demo_file_name())

    def missing() -> str:
        raise ModelNotFoundError("The demo model is not installed.", path="demo")

    monkeypatch.setattr("offload.model_folder.demo_file_name", missing)
    (entry,) = list_folder(tmp_path).entries
    assert (entry.name, is_older_demo(entry)) == (entry.path.stem, True)


def test_a_dynamic_quantization_is_not_found_by_the_plain_one_s_name(tmp_path: Path) -> None:
    path = hub_model(tmp_path, QWEN, "Qwen3-30B-A3B-UD-Q4_K_M.gguf")
    (entry,) = list_folder(tmp_path).entries
    assert (entry.name, entry.quant) == (f"{QWEN}:UD-Q4_K_M", "UD-Q4_K_M")
    assert find_model(f"{QWEN}:ud-q4_k_m", tmp_path) == find_model(QWEN, tmp_path) == path
    with pytest.raises(ModelNotFoundError):
        find_model(f"{QWEN}:Q4_K_M", tmp_path)
    plain = hub_model(tmp_path, QWEN, "Qwen3-30B-A3B-Q4_K_M.gguf")
    assert find_model(f"{QWEN}:Q4_K_M", tmp_path) == find_model(QWEN, tmp_path) == plain


def test_a_model_called_like_its_folder_is_called_once(tmp_path: Path) -> None:
    model_file(tmp_path / "local/tiny-Q4_K_M/tiny-Q4_K_M.gguf")
    assert names(tmp_path) == ["local/tiny-Q4_K_M"]


def test_files_in_folders_of_a_repository_belong_to_it(tmp_path: Path) -> None:
    model_file(tmp_path / "maker/big-GGUF/Q8_0/big-Q8_0.gguf")
    (entry,) = list_folder(tmp_path).entries
    assert (entry.name, entry.repo) == ("maker/big-GGUF:Q8_0", "maker/big-GGUF")


def test_the_parts_of_a_split_model_are_one(tmp_path: Path) -> None:
    parts = [f"big-Q4_K_M-{number:05d}-of-00003.gguf" for number in (1, 2, 3)]
    first = hub_model(tmp_path, "maker/big-GGUF", *parts)
    (entry,) = list_folder(tmp_path).entries
    assert entry.path == first
    assert [path.name for path in entry.files] == parts
    assert entry.n_bytes == sum((first.parent / part).stat().st_size for part in parts)


def test_a_model_that_lacks_parts_is_incomplete(tmp_path: Path) -> None:
    hub_model(tmp_path, "maker/big-GGUF", "big-Q4_K_M-00002-of-00003.gguf")
    (entry,) = list_folder(tmp_path).entries
    assert (entry.state, len(entry.files), entry.n_parts) == (EntryState.INCOMPLETE, 1, 3)
    assert list_folder(tmp_path).models == ()


def test_projectors_hidden_files_and_other_files_are_no_models(tmp_path: Path) -> None:
    model_file(tmp_path / "maker/eye-GGUF/mmproj-eye-F16.gguf")
    model_file(tmp_path / "maker/eye-GGUF/.eye.gguf")
    model_file(tmp_path / "maker/.cache/eye.gguf")
    (tmp_path / "maker/eye-GGUF/README.md").write_text("eye")
    (tmp_path / "maker/eye-GGUF/folder.gguf").mkdir()
    assert names(tmp_path) == []


def test_unfinished_downloads_are_listed_as_such(tmp_path: Path) -> None:
    partial_file(tmp_path, QWEN, "Qwen3-30B-A3B-Q4_K_M.gguf", 100)
    (entry,) = list_folder(tmp_path).entries
    assert (entry.name, entry.state, entry.n_bytes) == (f"{QWEN}:Q4_K_M", EntryState.UNFINISHED, 100)
    assert entry.file_name == "Qwen3-30B-A3B-Q4_K_M.gguf"


def test_damaged_downloads_are_listed_as_such(tmp_path: Path) -> None:
    model_file(tmp_path / QWEN / "Qwen3-30B-A3B-Q4_K_M.gguf.damaged")
    (entry,) = list_folder(tmp_path).entries
    assert (entry.name, entry.state) == (f"{QWEN}:Q4_K_M", EntryState.DAMAGED)
    assert entry.file_name == "Qwen3-30B-A3B-Q4_K_M.gguf"


def test_models_that_would_share_a_name_are_called_by_their_files(tmp_path: Path) -> None:
    for name in ("a-Q4_K_M.gguf", "b-Q4_K_M.gguf"):
        hub_model(tmp_path, "maker/two-GGUF", name)
    for name in ("demo.gguf", demo_file_name()):
        model_file(tmp_path / name)
    assert names(tmp_path) == [
        "demo.gguf",
        "maker/two-GGUF/a-Q4_K_M.gguf",
        "maker/two-GGUF/b-Q4_K_M.gguf",
        demo_file_name(),
    ]


def test_every_listed_name_finds_its_model(tmp_path: Path) -> None:
    for repo, name in [
        (QWEN, "Qwen3-30B-A3B-Q4_K_M.gguf"),
        (QWEN, "Qwen3-30B-A3B-Q8_0.gguf"),
        ("maker/two-GGUF", "a-Q4_K_M.gguf"),
        ("maker/two-GGUF", "b-Q4_K_M.gguf"),
        ("maker/plain", "plain.gguf"),
        (".", "a.gguf"),
        (".", "aa.gguf"),
        ("one", "aa.gguf"),
    ]:
        model_file(tmp_path / repo / name)
    folder = list_folder(tmp_path)
    assert len(folder.models) == 8
    for entry in folder.models:
        assert find_entry(entry.name, folder) is entry


def test_a_path_comes_before_every_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model_file(tmp_path / "models" / "story.gguf")
    model_file(tmp_path / "story")
    assert find_model("story", tmp_path / "models") == Path("story")


def test_a_folder_of_that_name_does_not_hide_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = model_file(tmp_path / "models" / "story.gguf")
    (tmp_path / "story").mkdir()
    assert find_model("story", tmp_path / "models") == path
    assert find_model("models", tmp_path / "none") == Path("models")


@pytest.mark.parametrize(
    "name",
    [
        "Qwen/Qwen3-30B-A3B-GGUF:Q4_K_M",
        "qwen/qwen3-30b-a3b-gguf:q4_k_m",
        "Qwen/Qwen3-30B-A3B-GGUF",
        "Qwen3-30B-A3B-Q4_K_M.gguf",
        "Qwen3-30B-A3B-Q4_K_M",
        "30b-a3b-q4",
    ],
)
def test_a_model_is_found_by_repository_file_or_part_of_its_name(tmp_path: Path, name: str) -> None:
    path = hub_model(tmp_path, QWEN, "Qwen3-30B-A3B-Q4_K_M.gguf")
    hub_model(tmp_path, QWEN, "Qwen3-30B-A3B-Q8_0.gguf")
    assert find_model(name, tmp_path) == path


def test_a_name_of_several_models_lists_them(tmp_path: Path) -> None:
    for name in ("story-Q5_K_M.gguf", "story-Q8_0.gguf"):
        hub_model(tmp_path, "maker/story-GGUF", name)
    for name in ("story", "maker/story-GGUF"):
        with pytest.raises(UsageError) as caught:
            find_model(name, tmp_path)
        assert "maker/story-GGUF:Q5_K_M, maker/story-GGUF:Q8_0" in caught.value.message


def test_a_list_of_names_is_one_line_whatever_they_hold(tmp_path: Path) -> None:
    for name in ("story\n1", "story\u202e2", "story\udcff3"):
        model_file(tmp_path / f"{name}.gguf")
    with pytest.raises(UsageError) as caught:
        find_model("story", tmp_path)
    assert caught.value.message.isprintable()


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    for number in range(20):
        model_file(tmp_path / f"story-{number:02d}.gguf")
    with pytest.raises(UsageError, match="and 12 more"):
        find_model("story", tmp_path)


def test_a_model_that_is_whole_is_meant_before_one_that_is_not(tmp_path: Path) -> None:
    path = hub_model(tmp_path, QWEN, "Qwen3-30B-A3B-Q4_K_M.gguf")
    partial_file(tmp_path, QWEN, "Qwen3-30B-A3B-Q4_K_M.gguf", 5)
    assert find_model("qwen3", tmp_path) == path


@pytest.mark.parametrize(
    "name", ["nothing", "nothing.gguf", "/nowhere/nothing.gguf", "no/thing", "st", "a\0b", "x" * 5000]
)
def test_a_name_of_nothing_says_where_was_looked(tmp_path: Path, name: str) -> None:
    model_file(tmp_path / "story.gguf")
    with pytest.raises(ModelNotFoundError) as caught:
        find_model(name, tmp_path)
    assert str(tmp_path) in caught.value.message
    assert "offload ls" in caught.value.hint


def test_demo_is_the_model_that_travels_with_the_program(tmp_path: Path) -> None:
    assert find_model(DEMO, tmp_path).name.startswith("offload-demo-")


def test_a_link_to_a_file_is_a_model_and_one_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    model_file(tmp_path / "elsewhere/maker/far-GGUF/far.gguf")
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "near.gguf").symlink_to(tmp_path / "elsewhere/maker/far-GGUF/far.gguf")
    (folder / "maker").symlink_to(tmp_path / "elsewhere/maker")
    (folder / "round").symlink_to(folder)
    assert names(folder) == ["near"]


def test_a_link_that_leads_nowhere_is_listed(tmp_path: Path) -> None:
    (tmp_path / "gone.gguf").symlink_to(tmp_path / "nowhere.gguf")
    (entry,) = list_folder(tmp_path).entries
    assert (entry.name, entry.n_bytes) == ("gone", 0)


def test_a_file_that_vanishes_while_it_is_looked_at_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_file(tmp_path / "stays.gguf")
    model_file(tmp_path / "goes.gguf")
    walk = os.walk

    def walk_and_remove(top: Path, onerror: Callable[[OSError], object]) -> object:
        listed = list(walk(top, onerror=onerror))
        (tmp_path / "goes.gguf").unlink()
        return listed

    monkeypatch.setattr(os, "walk", walk_and_remove)
    assert names(tmp_path) == ["stays"]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_file(tmp_path / "open.gguf")
    model_file(tmp_path / "maker/shut-GGUF/shut.gguf")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("maker"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    folder = list_folder(tmp_path)
    assert [entry.name for entry in folder.entries] == ["open"]
    (unreadable,) = folder.unreadable
    assert (unreadable.path, unreadable.reason) == (tmp_path / "maker", "Permission denied")


def test_five_thousand_files_are_listed_and_found(tmp_path: Path) -> None:
    for number in range(5000):
        folder = tmp_path / f"maker{number % 50}" / f"model{number}-GGUF"
        folder.mkdir(parents=True)
        (folder / f"model{number}-Q4_K_M.gguf").touch()
    listed = list_folder(tmp_path)
    assert len(listed.models) == 5000
    assert find_entry("model4321-", listed).name == "maker21/model4321-GGUF:Q4_K_M"
