"""`offload ls`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.model_files import REVISION, hub_model, model_file, partial_file
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.catalog import load_catalog
from offload.store_choice import pack_model

Run = Callable[..., Any]
REPO = "maker/tiny-GGUF"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offload: Run) -> Path:
    monkeypatch.setenv("OFFLOAD_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_an_empty_folder_says_what_to_do(offload: Run, models: Path) -> None:
    outcome = offload("ls")
    assert (outcome.code, outcome.out) == (0, "")
    assert "ls --catalog" in outcome.err


def test_models_are_listed_with_what_their_headers_say(offload: Run, models: Path) -> None:
    hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    heading, line = offload("ls").out.splitlines()
    assert heading.split() == ["NAME", "QUANT", "SIZE", "ARCHITECTURE", "EXPERTS", "PACKED", "FROM"]
    assert line.split() == [
        *(f"{REPO}:Q4_K_M", "Q4_K", "1.4", "KiB", "qwen3moe", "2", "of", "4", "no", REPO, REVISION[:12])
    ]


def test_a_packed_store_and_a_dense_model_are_marked(offload: Run, models: Path) -> None:
    models.mkdir()
    pack_model(build_tiny_model(models / "moe.gguf", TinyArchitecture.QWEN3MOE))
    build_tiny_model(models / "plain.gguf", TinyArchitecture.DENSE)
    _, moe, dense = offload("ls").out.splitlines()
    assert moe.split()[-2:] == ["yes", "-"]
    assert dense.split()[-3:] == ["dense", "-", "-"]


def test_the_demo_of_another_release_is_marked_with_its_own_name(offload: Run, models: Path) -> None:
    model_file(models / "offload-demo-000000000000.gguf", name="Demo of Old")
    model_file(models / "offload-demo-111111111111.gguf", name="")
    _, named, unnamed = offload("ls").out.splitlines()
    assert named.startswith("offload-demo-000000000000 ")
    assert named.endswith("  older demo: Demo of Old")
    assert unnamed.endswith("  older demo")


def test_what_is_not_as_it_should_be_is_listed_with_the_reason(offload: Run, models: Path) -> None:
    (models / "maker/bad-GGUF").mkdir(parents=True)
    (models / "maker/bad-GGUF/bad-Q8_0.gguf").write_text("no model")
    (models / "gone.gguf").symlink_to(models / "nowhere.gguf")
    model_file(models / "maker/half-GGUF/half-Q4_K_M-00002-of-00003.gguf")
    model_file(models / REPO / "tiny-Q4_K_M.gguf.damaged")
    partial_file(models, "maker/big-GGUF", "big-Q4_K_M.gguf", 1 << 20)
    outcome = offload("ls")
    lines = sorted(outcome.out.splitlines())
    assert outcome.code == 0
    assert [line.split(":")[0] for line in lines] == [
        "damaged     maker/tiny-GGUF",
        "incomplete  maker/half-GGUF",
        "unfinished  maker/big-GGUF",
        "unreadable  gone",
        "unreadable  maker/bad-GGUF",
    ]
    assert "1 of 3 parts" in lines[1]
    assert "1.0 MiB are here; go on with: offload pull maker/big-GGUF:Q4_K_M" in lines[2]
    assert "not a GGUF file" in lines[4]


def test_the_share_of_a_download_is_said_where_its_size_is_known(offload: Run, models: Path) -> None:
    model = load_catalog()[0]
    partial_file(models, model.repo, model.files[0].name, 1 << 20)
    assert " of 3.9 GiB (0%) are here" in offload("ls").out
    (entry,) = offload("ls", "--json").json["models"]
    assert (entry["state"], entry["bytes"], entry["total_bytes"]) == ("unfinished", 1 << 20, model.size_bytes)


def test_json_has_every_model_and_its_state(offload: Run, models: Path) -> None:
    path = hub_model(models, REPO, "tiny-Q4_K_M.gguf")
    (models / "bad.gguf").write_text("no model")
    answer = offload("ls", "--json").json
    bad, good = answer["models"]
    assert answer["folder"] == str(models)
    assert answer["unreadable_folders"] == []
    assert (bad["name"], bad["state"]) == ("bad", "unreadable")
    assert "not a GGUF file" in bad["reason"]
    assert good == {
        "name": f"{REPO}:Q4_K_M",
        "state": "whole",
        "path": str(path),
        "files": [str(path)],
        "bytes": path.stat().st_size,
        "quantization": "Q4_K",
        "repo": REPO,
        "revision": REVISION,
        "architecture": "qwen3moe",
        "n_expert": 4,
        "n_expert_used": 2,
        "n_params": 8 * 3 + 8 * 2 * 4 + 256 * 4,
        "packed": "none",
        "packed_bytes": 0,
    }


def test_names_that_would_trick_a_terminal_are_shown_as_codes(offload: Run, models: Path) -> None:
    model_file(models / "evil\u202efugg\nline.gguf")
    model_file(models / "\udcff\x1b[2J.gguf")
    out = offload("ls").out
    assert len(out.splitlines()) == 3
    assert "evil\\u202efugg\\nline" in out
    assert "\\udcff\\x1b[2J" in out
    assert {entry["name"] for entry in offload("ls", "--json").json["models"]} == {
        "evil\u202efugg\nline",
        "\udcff\x1b[2J",
    }


def test_another_folder_can_be_named(offload: Run, models: Path, tmp_path: Path) -> None:
    model_file(tmp_path / "other/here.gguf")
    assert [m["name"] for m in offload("ls", "--json", "--models-dir", str(tmp_path / "other")).json["models"]] == [
        "here"
    ]


def test_a_file_in_place_of_the_folder_is_said(offload: Run, models: Path) -> None:
    models.write_text("a file")
    outcome = offload("ls")
    assert outcome.code == 0
    assert "cannot be listed: Not a directory" in outcome.err


def test_the_catalogue_says_what_is_here_and_what_has_room(
    offload: Run, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.cli.catalog_table.free_disk_bytes", lambda _folder: 10 << 30)
    small, partly, *_, large = load_catalog()
    model_file(models / small.repo / small.files[0].name)
    partial_file(models, partly.repo, partly.files[0].name, 5)
    outcome = offload("ls", "--catalog")
    lines = outcome.out.splitlines()
    assert len(lines) == 1 + len(load_catalog())
    here = {line.split()[-1]: line for line in lines}
    assert " yes " in here[small.reference]
    assert " unfinished " in here[partly.reference]
    assert " no room " in here[large.reference]
    assert "10.0 GiB are free" in outcome.err


def test_a_dynamic_quantization_is_not_the_catalogue_s_plain_one(offload: Run, models: Path) -> None:
    entry = load_catalog()[0]
    model_file(models / entry.repo / f"Model-UD-{entry.quant}.gguf")
    first = offload("ls", "--catalog", "--json").json["models"][0]
    assert (first["quantization"], first["state"]) == (entry.quant, None)


def test_the_catalogue_as_json_carries_sources_and_the_commit(offload: Run, models: Path) -> None:
    answer = json.loads(offload("ls", "--catalog", "--json").out)
    first = answer["models"][0]
    assert first["sources"].keys() == {"file", "licence", "experts", "parameters"}
    assert first["files"][0].keys() == {"path", "bytes", "sha256"}
    assert (first["state"], first["path"]) == (None, None)
    assert [model["revision"] for model in answer["models"]] == [model.revision for model in load_catalog()]
    assert first["revision"] is not None
