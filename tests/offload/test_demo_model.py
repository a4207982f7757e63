"""The demo model: unpacked once, whole or not at all, whoever else is at it."""

import hashlib
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from models.demo.bundle import write_bundle
from offload.demo_model import BUNDLE, CHECKSUM, demo_model_path
from offload.errors import DiskFullError, ModelFileError, ModelNotFoundError, OffloadError

CONTENT = b"GGUF" + bytes(range(256)) * 20_000


class DiskUsage(NamedTuple):
    free: int


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the user's data folder of this test."""
    folder = tmp_path / "data"
    monkeypatch.setattr("platformdirs.user_data_dir", lambda name, appauthor: str(folder / name))
    return folder


@pytest.fixture
def package(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an importable package `models_of_a_test` with a demo model."""
    folder = tmp_path / "models_of_a_test"
    (folder / "demo").mkdir(parents=True)
    model = tmp_path / "model.gguf"
    model.write_bytes(CONTENT)
    write_bundle(model, folder / "demo")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, folder.name, raising=False)
    return folder


def files_in(data: Path) -> list[Path]:
    return [path for path in data.rglob("*") if path.is_file()]


def test_it_is_unpacked_into_the_users_data_folder(package: Path, data: Path) -> None:
    path = demo_model_path(package.name)
    assert path.read_bytes() == CONTENT
    assert path == data / "offload" / "models" / f"offload-demo-{hashlib.sha256(CONTENT).hexdigest()[:12]}.gguf"
    assert files_in(data) == [path]


def test_it_is_unpacked_once(package: Path) -> None:
    before = demo_model_path(package.name).stat()
    assert demo_model_path(package.name).stat() == before


def test_one_that_was_cut_short_is_unpacked_again(package: Path) -> None:
    path = demo_model_path(package.name)
    path.write_bytes(CONTENT[:1000])
    assert demo_model_path(package.name).read_bytes() == CONTENT


def test_many_at_once_do_no_harm(package: Path, data: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        paths = set(threads.map(demo_model_path, [package.name] * 8))
    assert files_in(data) == list(paths)
    assert paths.pop().read_bytes() == CONTENT


def test_where_a_model_in_use_cannot_be_replaced_it_is_taken_as_it_is(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is on Windows: another process was first, and has the model open."""
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        shutil.copy(path, target)
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "replace", refuse)
    path = demo_model_path(package.name)
    monkeypatch.setattr(Path, "replace", replace)
    assert path.read_bytes() == CONTENT
    assert [found.name for found in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("damage", ["byte", "cut", "checksum"])
def test_a_damaged_bundle_is_refused_and_leaves_nothing(package: Path, data: Path, damage: str) -> None:
    bundle, checksum = package / "demo" / BUNDLE, package / "demo" / CHECKSUM
    packed = bytearray(bundle.read_bytes())
    if damage == "byte":
        packed[len(packed) // 2] ^= 0xFF
    elif damage == "cut":
        del packed[len(packed) * 2 // 3 :]
    else:
        checksum.write_text("0" * 64 + "  demo.gguf\n")
    bundle.write_bytes(packed)
    with pytest.raises(ModelFileError, match="damaged") as caught:
        demo_model_path(package.name)
    assert caught.value.file == bundle
    assert "-m" in caught.value.hint
    assert files_in(data) == []


def test_a_full_disk_is_told_with_both_numbers(package: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: DiskUsage(free=1000))
    with pytest.raises(DiskFullError, match=r"4\.9 MiB.*1000 B free") as caught:
        demo_model_path(package.name)
    assert (caught.value.needed_bytes, caught.value.free_bytes) == (len(CONTENT), 1000)
    assert files_in(data) == []


def test_a_folder_that_cannot_be_made_is_told_with_advice(package: Path, data: Path) -> None:
    data.write_text("a file where a folder should be")
    with pytest.raises(OffloadError, match=r"cannot be unpacked into .*data.*use another model"):
        demo_model_path(package.name)


@pytest.mark.parametrize("missing", [BUNDLE, CHECKSUM])
def test_a_package_without_the_demo_model_is_refused_with_the_path_looked_at(package: Path, missing: str) -> None:
    (package / "demo" / missing).unlink()
    with pytest.raises(ModelNotFoundError) as caught:
        demo_model_path(package.name)
    assert caught.value.path == package / "demo" / missing


def test_an_installation_without_models_is_refused_with_advice() -> None:
    with pytest.raises(ModelNotFoundError, match="-m") as caught:
        demo_model_path("no_such_package_of_models")
    assert caught.value.exit_code == 3
