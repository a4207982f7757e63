"""What is found here without asking anybody."""

from pathlib import Path

import pytest

from offload.hub.local import find_local
from offload.hub.origin import Origin, OriginFile, write_origin
from offload.hub.reference import HubReference


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "u" / "r"
    folder.mkdir(parents=True)
    return folder


def found(tmp_path: Path, text: str = "u/r", revision: str | None = None, file: str | None = None) -> str | None:
    path = find_local(tmp_path, HubReference.parse(text, revision=revision, file=file))
    return path.name if path else None


def keep(folder: Path, name: str, asked: str, n_bytes: int = 1) -> None:
    (folder / name).write_bytes(b"1")
    files = (OriginFile(f"sub/{name}", n_bytes, None),)
    write_origin(folder / name, Origin("u/r", "c" * 40, asked, "Q4_K_M", files, "2026-01-01T00:00:00+00:00"))


def test_nothing_is_found_where_nothing_is(tmp_path: Path, folder: Path) -> None:
    assert found(tmp_path) is None
    assert found(tmp_path, "no/body") is None


def test_a_model_is_found_by_quantization_and_file(tmp_path: Path, folder: Path) -> None:
    keep(folder, "M-Q4_K_M.gguf", "main")
    keep(folder, "M-Q8_0.gguf", "main")
    assert found(tmp_path) == "M-Q4_K_M.gguf"
    assert found(tmp_path, "u/r:q8_0") == "M-Q8_0.gguf"
    assert found(tmp_path, file="sub/M-Q8_0.gguf") == "M-Q8_0.gguf"
    assert found(tmp_path, "u/r:Q2_K") is None


def test_the_plain_quantization_goes_before_a_dynamic_one(tmp_path: Path, folder: Path) -> None:
    keep(folder, "M-UD-Q4_K_M.gguf", "main")
    assert found(tmp_path, "u/r:UD-Q4_K_M") == found(tmp_path, "u/r:Q4_K_M") == "M-UD-Q4_K_M.gguf"
    keep(folder, "M-Q4_K_M.gguf", "main")
    assert found(tmp_path, "u/r:Q4_K_M") == found(tmp_path) == "M-Q4_K_M.gguf"


def test_a_model_is_of_the_revision_it_was_asked_for_by(tmp_path: Path, folder: Path) -> None:
    keep(folder, "M-Q4_K_M.gguf", "v1")
    assert found(tmp_path) is None
    assert found(tmp_path, revision="v1") == "M-Q4_K_M.gguf"
    assert found(tmp_path, revision="c" * 40) == "M-Q4_K_M.gguf"


def test_a_file_put_here_by_hand_counts_as_the_default_revision(tmp_path: Path, folder: Path) -> None:
    (folder / "M-Q4_K_M.gguf").write_bytes(b"1")
    assert found(tmp_path) == "M-Q4_K_M.gguf"
    assert found(tmp_path, revision="v1") is None


def test_a_model_that_lacks_bytes_or_parts_is_not_here(tmp_path: Path, folder: Path) -> None:
    keep(folder, "M-Q4_K_M.gguf", "main", n_bytes=2)
    (folder / "N-Q8_0-00001-of-00002.gguf").write_bytes(b"1")
    assert found(tmp_path) is None
    assert found(tmp_path, "u/r:Q8_0") is None
