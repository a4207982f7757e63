"""Which of its two programs an AppImage starts."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

APP_RUN = Path(__file__).resolve().parents[2] / "packaging" / "linux" / "AppRun"


@pytest.fixture
def appdir(tmp_path: Path) -> Path:
    programs = tmp_path / "an AppDir" / "usr" / "bin"
    programs.mkdir(parents=True)
    for name in ("offload", "offload-app"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" {name} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    there = tmp_path / "an AppDir" / "AppRun"
    there.write_bytes(APP_RUN.read_bytes())
    there.chmod(0o755)
    return there


@pytest.mark.parametrize(
    ("called", "arguments", "program"),
    [
        ("offload.AppImage", [], "offload-app"),
        ("offload.AppImage", ["a model.gguf"], "offload-app"),
        ("offload.AppImage", ["--self-test"], "offload-app"),
        ("offload.AppImage", ["generate", "-m", "a model.gguf"], "offload"),
        ("offload.AppImage", ["--version"], "offload"),
        ("/usr/local/bin/offload", [], "offload"),
        ("", ["doctor"], "offload"),
    ],
)
def test_a_command_is_for_the_console_program(
    appdir: Path, called: str, arguments: Sequence[str], program: str
) -> None:
    done = subprocess.run(
        [str(appdir), *arguments],
        env={"PATH": "/usr/bin:/bin", "ARGV0": called},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [program, *arguments]
