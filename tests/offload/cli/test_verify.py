"""`offload verify`."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.model_files import hub_model, model_file
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.store_choice import pack_model

Run = Callable[..., Any]
REPO = "maker/tiny-GGUF"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offload: Run) -> Path:
    monkeypatch.setenv("OFFLOAD_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_a_whole_store_is_good(offload: Run) -> None:
    assert offload("verify", "whole.pack", "--json").json == {"file": "whole.pack", "damaged": []}


def test_damaged_records_are_named(offload: Run) -> None:
    outcome = offload("verify", "damaged.pack")
    assert outcome.code == 4
    assert "layer 1 expert 2, layer 1 expert 3" in outcome.err


def test_a_download_is_compared_with_its_checksum(offload: Run, models: Path) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    outcome = offload("verify", "tiny")
    assert outcome.code == 0
    assert "3 tensors, all inside the file" in outcome.err
    assert "SHA-256 as the hub had it" in outcome.err
    answer = offload("verify", "tiny", "--json").json
    assert answer["files"] == [
        {
            "path": str(path),
            "verdict": "good",
            "bytes": path.stat().st_size,
            "expected_bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "expected_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "known_from": "download",
        }
    ]
    assert (answer["damaged"], answer["tensors"], answer["packed_store"]) == ([], 3, None)


def test_a_damaged_model_is_said_with_both_checksums(offload: Run, models: Path) -> None:
    hub_model(models, REPO, "tiny-Q4_K_M.gguf", sha256="0" * 64)
    outcome = offload("verify", "tiny")
    assert outcome.code == 4
    assert f"that of its download is {'0' * 64}" in outcome.err
    assert "pull it again" in outcome.err


def test_where_no_checksum_is_known_it_says_what_was_checked(offload: Run, models: Path) -> None:
    path = model_file(models / "tiny.gguf")
    outcome = offload("verify", str(path))
    assert outcome.code == 0
    assert "no checksum is known; only header and length are checked" in outcome.err


def test_the_demo_model_is_compared_with_the_checksum_it_came_with(
    offload: Run, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert "SHA-256 as that of the demo model" in offload("verify", "demo").err
    (path,) = (tmp_path / "data/offload/models").iterdir()
    with path.open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    outcome = offload("verify", "demo")
    assert outcome.code == 4
    assert "unpacked anew" in outcome.err


def test_a_header_that_promises_more_than_the_file_has_is_damage(offload: Run, models: Path) -> None:
    path = model_file(models / "tiny.gguf")
    path.write_bytes(path.read_bytes()[:-1])
    assert offload("verify", "tiny").code == 4


def test_the_packed_store_beside_a_model_is_checked_too(offload: Run, models: Path) -> None:
    models.mkdir()
    path = build_tiny_model(models / "tiny.gguf", TinyArchitecture.QWEN3MOE)
    pack_model(path)
    assert offload("verify", "tiny", "--json").json["packed_store"] == "every record is whole"
    build_tiny_model(path, TinyArchitecture.QWEN3MOE, seed=1)
    assert "packed store: stale" in offload("verify", "tiny").err


def test_damaged_records_beside_a_model_are_named(offload: Run, models: Path) -> None:
    models.mkdir()
    pack_model(build_tiny_model(models / "damaged.gguf", TinyArchitecture.QWEN3MOE))
    outcome = offload("verify", "damaged")
    assert outcome.code == 4
    assert "layer 1 expert 2" in outcome.err


def test_a_name_of_nothing_is_said(offload: Run, models: Path) -> None:
    outcome = offload("verify", "nothing")
    assert outcome.code == 3
    assert "There is no model 'nothing'" in outcome.err
