"""How a worker is started, from Python and from a bundle without it."""

import sys
from pathlib import Path

import pytest

from offload.protocol_process import worker_command


def test_from_python_it_is_the_module() -> None:
    assert worker_command() == (sys.executable, "-m", "offload", "worker")


@pytest.mark.parametrize("program", ["offload", "offload-app"])
@pytest.mark.parametrize("ending", ["", ".exe"])
def test_in_a_bundle_it_is_the_console_program_beside_the_one_that_runs(
    program: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / f"{program}{ending}"))
    assert worker_command() == (str(tmp_path / f"offload{ending}"), "worker")
