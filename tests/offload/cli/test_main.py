"""The exit codes and the one form of an error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fakes.engine
from offload.errors import NO_ROOM

Run = Callable[..., Any]

COMMANDS = (
    *(
        "generate",
        "chat",
        "app",
        "pull",
        "ls",
        "show",
        "import",
        "rm",
        "pack",
        "verify",
        "plan",
        "fit",
        "bench",
        "trace",
        "routing",
        "replay",
        "train-forecaster",
        "doctor",
    ),
    "worker",
)

FAILURES = [
    (("generate", "hello", "-m", "missing.gguf"), 3, "ModelNotFoundError"),
    (("generate", "hello", "-m", "bad.gguf"), 4, "ModelFileError"),
    (("generate", "hello", "-m", "huge.gguf"), 5, "BudgetError"),
    (("generate", "fail"), 1, "DecodeError"),
    (("generate", "defect"), 1, "RuntimeError"),
    (("generate",), 2, "UsageError"),
    (("generate", "hello", "--temp", "warm"), 2, "UsageError"),
    (("generate", "\udcff"), 2, "UsageError"),
    (("generate", "hello", "-sys", "\udcff"), 2, "UsageError"),
    (("generate", "hello", "--top-p", "2"), 2, "UsageError"),
    (("generate", "hello", "--top-p", "nan"), 2, "UsageError"),
    (("generate", "hello", "-c", "99999999999"), 2, "UsageError"),
    (("generate", "hello", "--no-such-option"), 2, "UsageError"),
    (("generate", "hello", "-j", "{}", "--grammar", "g"), 2, "UsageError"),
    (("plan", "-m", "huge.gguf"), 5, "BudgetError"),
    (("pack", "missing.gguf"), 3, "ModelNotFoundError"),
    (("verify", "bad.pack"), 4, "ModelFileError"),
    (("verify", "damaged.pack"), 4, "ModelFileError"),
    (("bench", "-m", "huge.gguf"), 5, "BudgetError"),
    (("no-such-command",), 2, "UsageError"),
]


@pytest.mark.parametrize(("argv", "code", "kind"), FAILURES)
def test_a_failure_is_one_line_and_its_exit_code(offload: Run, argv: tuple[str, ...], code: int, kind: str) -> None:
    outcome = offload(*argv)
    assert outcome.code == code
    assert outcome.err.startswith("offload: error: ")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(("argv", "code", "kind"), FAILURES)
def test_with_json_a_failure_is_an_object_too(offload: Run, argv: tuple[str, ...], code: int, kind: str) -> None:
    outcome = offload(*argv, "--json")
    assert outcome.code == code
    assert outcome.json["error"]["type"] == kind
    assert set(outcome.json["error"]) == {"type", "message", "hint", "numbers"}


def test_an_error_carries_its_numbers(offload: Run) -> None:
    error = offload("plan", "-m", "huge.gguf", "--json").json["error"]
    assert error["numbers"] == {"budget_bytes": 4, "floor_bytes": 8}
    assert error["hint"] == "Lower -c."


def test_with_jsonl_a_failure_is_the_last_event(offload: Run) -> None:
    events = offload("generate", "--jsonl", "fail").lines
    assert (events[-1]["type"], events[-1]["error"]["type"]) == ("error", "DecodeError")
    assert [event["type"] for event in events].count("error") == 1


def test_an_unforeseen_error_names_the_way_to_its_traceback(offload: Run) -> None:
    outcome = offload("generate", "defect")
    assert "Unexpected RuntimeError: slot 7 has no arena." in outcome.err
    assert "OFFLOAD_DEBUG=1" in outcome.err


def test_debugging_shows_the_traceback(offload: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_DEBUG", "1")
    assert "Traceback (most recent call last)" in offload("generate", "defect").err


@pytest.mark.parametrize("number", sorted(NO_ROOM))
def test_a_full_disk_or_quota_has_its_own_exit_code(
    offload: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    def pack_model(*args: Any, **options: Any) -> Path:
        raise OSError(number, "No space left on device")

    monkeypatch.setattr(fakes.engine, "pack_model", pack_model)
    outcome = offload("pack", str(tmp_path / "m.gguf"), "--json")
    assert (outcome.code, outcome.json["error"]["type"]) == (6, "DiskFullError")


def test_without_a_command_help_is_printed(offload: Run) -> None:
    outcome = offload()
    assert outcome.code == 0
    for command in COMMANDS:
        assert command in outcome.out


def test_version_is_printed(offload: Run) -> None:
    outcome = offload("--version")
    assert outcome.code == 0
    assert outcome.out.startswith("offload ")


@pytest.mark.parametrize("command", ["generate", "chat", "plan", "fit", "bench", "trace"])
def test_what_has_a_memory_budget_has_a_device_and_one_of_its_memory(offload: Run, command: str) -> None:
    shown = offload(command, "--help").out
    for option in ("--memory 6G|60%|auto", "--device auto|cpu|NAME", "--vram 6G|80%|auto"):
        assert option in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(offload: Run, command: str) -> None:
    outcome = offload(command, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"usage: offload {command}")
