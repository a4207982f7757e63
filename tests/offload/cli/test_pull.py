"""`offload pull` in this process, against a hub of its own."""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.hub_server import FakeHub, Fault, PlannedFault

Run = Callable[..., Any]

DATA = bytes(range(256)) * 1000
FILES = {"M-Q4_K_M.gguf": DATA, "M-Q8_0.gguf": DATA * 2}


def test_the_path_goes_to_stdout_and_everything_else_to_stderr(offload: Run, hub: FakeHub, tmp_path: Path) -> None:
    repository = hub.add("u/r", FILES)
    outcome = offload("pull", "u/r")
    path = tmp_path / "models" / "u" / "r" / "M-Q4_K_M.gguf"
    assert (outcome.code, outcome.out) == (0, f"{path}\n")
    assert path.read_bytes() == DATA
    assert f"u/r Q4_K_M at {repository.commit_name(0)[:12]}: 250.0 KiB" in outcome.err
    assert "Needed: 250.0 KiB; free on the disk of" in outcome.err
    assert "SHA-256 as on the hub" in outcome.err


def test_with_json_it_is_one_object(offload: Run, hub: FakeHub, tmp_path: Path) -> None:
    hub.add("u/r", FILES)
    answer = offload("pull", "u/r:q8_0", "--json").json
    assert answer["path"] == str(tmp_path / "models" / "u" / "r" / "M-Q8_0.gguf")
    assert (answer["repo"], answer["fetched_bytes"]) == ("u/r", len(DATA) * 2)
    assert answer["files"] == [
        {
            "name": "M-Q8_0.gguf",
            "path": "M-Q8_0.gguf",
            "bytes": len(DATA) * 2,
            "sha256": hashlib.sha256(DATA * 2).hexdigest(),
        }
    ]


def test_what_is_there_is_said_and_not_fetched(offload: Run, hub: FakeHub) -> None:
    hub.add("u/r", FILES)
    first = offload("pull", "u/r")
    served = hub.served_bytes
    second = offload("pull", "u/r")
    assert (second.code, second.out) == (0, first.out)
    assert "is there already, as the hub has it" in second.err
    assert hub.served_bytes == served


def test_what_is_there_is_there_under_another_revision_too(offload: Run, hub: FakeHub) -> None:
    hub.add("u/r", FILES).tags["v1"] = 0
    path = offload("pull", "u/r").out
    assert offload("pull", "u/r", "--revision", "v1", "--offline").code == 3
    assert offload("pull", "u/r", "--revision", "v1").out == path
    assert offload("pull", "u/r", "--revision", "v1", "--offline").out == path
    assert hub.served_bytes == len(DATA)


def test_the_folder_revision_and_file_are_options(offload: Run, hub: FakeHub, tmp_path: Path) -> None:
    hub.add("u/r", {"M-Q4_K_M.gguf": b"old", "x/Other.gguf": b"other"}).tags["v1"] = 0
    hub.add("u/r", FILES)
    arguments = ("--revision", "v1", "--file", "Other.gguf", "--models-dir", str(tmp_path / "here"))
    assert offload("pull", "u/r", *arguments).out == f"{tmp_path / 'here' / 'u' / 'r' / 'Other.gguf'}\n"


def test_offline_asks_nobody(offload: Run, hub: FakeHub, tmp_path: Path) -> None:
    hub.add("u/r", FILES)
    missing = offload("pull", "u/r", "--offline")
    assert (missing.code, hub.asked) == (3, [])
    assert "is not in" in missing.err
    there = offload("pull", "u/r").out
    hub.asked.clear()
    assert offload("pull", "u/r", "--offline").out == there
    assert hub.asked == []


def test_a_part_that_is_there_is_counted_in_the_size(offload: Run, hub: FakeHub) -> None:
    hub.add("u/r", FILES)
    hub.faults = [PlannedFault(Fault.CUT, 102_400), PlannedFault(Fault.STATUS, 403)]
    assert offload("pull", "u/r").code == 7
    outcome = offload("pull", "u/r", "--json")
    assert "100.0 KiB of it are there: the download goes on from them." in outcome.err
    assert "Needed: 150.0 KiB" in outcome.err
    assert outcome.json["fetched_bytes"] == len(DATA) - 102_400


def test_the_parts_are_listed_as_far_as_a_screen_goes(offload: Run, hub: FakeHub) -> None:
    hub.add("u/r", {f"M-Q4_K_M-{number:05d}-of-00015.gguf": b"x" * 2048 for number in range(1, 16)})
    outcome = offload("pull", "u/r")
    assert "  M-Q4_K_M-00012-of-00015.gguf  2.0 KiB\n  and 3 more\n" in outcome.err
    assert outcome.out.endswith("M-Q4_K_M-00001-of-00015.gguf\n")


def test_a_wait_is_announced(offload: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    hub.add("u/r", FILES)
    hub.faults = [PlannedFault(Fault.STATUS, 429, "/api/", (("Retry-After", "20"),))]
    assert "trying again in 20 s." in offload("pull", "u/r").err
    assert 20 in slept


def test_without_options_models_lie_in_the_data_folder(
    offload: Run, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OFFLOAD_MODELS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    hub.add("u/r", FILES)
    path = Path(offload("pull", "u/r").out.strip())
    assert path.parts[-5:] == ("offload", "models", "u", "r", "M-Q4_K_M.gguf")


FAILURES = [
    (("u/none",), 7, "HubError", "The hub has no u/none"),
    (("u/r:Q2_K",), 7, "HubError", "u/r has no Q2_K. It has Q4_K_M, Q8_0"),
    (("u/r", "--revision", "v9"), 7, "HubError", "Check --revision"),
    (("u/r", "--file", "no.gguf"), 7, "HubError", "has no model file no.gguf"),
    (("u/gated",), 7, "HubError", "is gated"),
    (("r",), 2, "UsageError", "is not USER/REPO"),
]


@pytest.mark.parametrize(("argv", "code", "kind", "words"), FAILURES)
def test_a_failure_says_what_there_is(
    offload: Run, hub: FakeHub, argv: tuple[str, ...], code: int, kind: str, words: str
) -> None:
    hub.add("u/r", FILES)
    hub.add("u/gated", FILES, gated=True)
    outcome = offload("pull", *argv, "--json")
    assert outcome.code == code
    assert outcome.json["error"]["type"] == kind
    assert words in outcome.err


def test_wrong_bytes_have_the_exit_code_of_a_bad_file(offload: Run, hub: FakeHub, tmp_path: Path) -> None:
    hub.add("u/r", FILES)
    hub.faults = [PlannedFault(Fault.CORRUPT, 5)]
    outcome = offload("pull", "u/r")
    assert outcome.code == 4
    assert str(tmp_path / "models" / "u" / "r" / "M-Q4_K_M.gguf.damaged") in outcome.err


def test_the_token_of_the_environment_is_used_and_never_shown(
    offload: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("u/r", FILES, gated=True, private=True)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    monkeypatch.setenv("OFFLOAD_DEBUG", "1")
    hub.faults = [PlannedFault(Fault.STATUS, 401)]
    refused, done = offload("pull", "u/r"), offload("pull", "u/r")
    assert (refused.code, done.code) == (7, 0)
    assert hub.token not in refused.err + refused.out + done.err + done.out


def test_nothing_but_the_hub_hears_of_it_and_it_hears_little(offload: Run, hub: FakeHub) -> None:
    hub.add("u/r", FILES)
    offload("pull", "u/r")
    assert [(asked.method, asked.path.split("/")[1]) for asked in hub.asked] == [
        ("GET", "api"),
        ("GET", "u"),
        ("GET", "cdn"),
    ]
    assert all("torch" not in asked.user_agent and "agent/" not in asked.user_agent for asked in hub.asked)
    assert [asked.accept_encoding for asked in hub.asked[1:]] == ["identity", "identity"]
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] == "1"


def test_without_huggingface_hub_it_is_said_what_to_install(
    offload: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    outcome = offload("pull", "u/r")
    assert outcome.code == 2
    assert "pip install 'offload[hub]'" in outcome.err
