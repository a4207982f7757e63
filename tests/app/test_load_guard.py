"""The load guard: a load that never ended is remembered across a crash."""

from pathlib import Path

import pytest

from offload.protocol import EngineConfig, Load
from offload_app.load_guard import InterruptedLoad, LoadGuard

LOAD = Load(7, "/models/big.gguf", EngineConfig(memory="6G"))


def the_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_a_load_that_began_is_named_by_another_guard(tmp_path: Path) -> None:
    LoadGuard(tmp_path).begin(LOAD)
    assert LoadGuard(tmp_path).interrupted() == InterruptedLoad("/models/big.gguf", "6G")


def test_a_load_that_ended_is_named_no_more(tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    guard.begin(LOAD)
    guard.end()
    assert LoadGuard(tmp_path).interrupted() is None
    assert list(tmp_path.iterdir()) == []


def test_only_the_model_that_crashed_is_forbidden(tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    guard.begin(LOAD)
    assert guard.forbids("/models/big.gguf")
    assert not guard.forbids("/models/small.gguf")
    assert not guard.forbids(None)


def test_the_demo_model_has_no_path_and_is_forbidden_all_the_same(tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    guard.begin(Load(1))
    assert guard.forbids(None)
    assert not guard.forbids("/models/big.gguf")


def test_a_second_load_takes_the_place_of_the_first(tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    guard.begin(LOAD)
    guard.begin(Load(8, "/models/small.gguf"))
    assert guard.interrupted() == InterruptedLoad("/models/small.gguf", "auto")


def test_without_a_load_nothing_is_forbidden(tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path / "not made yet")
    guard.end()
    assert guard.interrupted() is None
    assert not guard.forbids("/models/big.gguf")


def test_a_budget_in_bytes_comes_back_as_a_number(tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    guard.begin(Load(1, "/m.gguf", EngineConfig(memory=5_000_000_000)))
    assert guard.interrupted() == InterruptedLoad("/m.gguf", 5_000_000_000)


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\xfe", b"{", b"[]", b"{}", b'{"model":3,"memory":"6G"}', b"[" * 60000, b'{"model":"/m.gguf"}']
)
def test_a_damaged_file_forbids_every_model(tmp_path: Path, damage: bytes) -> None:
    guard = LoadGuard(tmp_path)
    guard.begin(LOAD)
    the_file(tmp_path).write_bytes(damage)
    assert guard.interrupted() == InterruptedLoad(None, is_known=False)
    assert guard.forbids("/models/any.gguf")
    assert guard.forbids(None)


def test_a_folder_that_cannot_be_written_leaves_loads_unguarded(tmp_path: Path) -> None:
    not_a_folder = tmp_path / "file"
    not_a_folder.write_text("")
    guard = LoadGuard(not_a_folder)
    guard.begin(LOAD)
    guard.end()
    assert not_a_folder.read_text() == ""


def test_a_path_that_is_no_unicode_does_not_keep_a_load_from_beginning(tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    guard.begin(Load(1, "/models/\udcff.gguf"))
    assert guard.forbids("/models/\udcff.gguf")
