"""One application for each user: the second raises the first."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from offload_app.single_instance import Claim, SingleInstance

WAIT_MS = 20000
_START = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from offload_app.single_instance import SingleInstance
application = QCoreApplication([])
instance = SingleInstance(Path(sys.argv[1]))
print(instance.claim(sys.argv[2]).value, flush=True)
if "crash" in sys.argv:
    import os
    os._exit(1)
"""


def other_start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _START, str(folder), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@contextmanager
def instance_of(folder: Path) -> Iterator[SingleInstance]:
    instance = SingleInstance(folder)
    try:
        yield instance
    finally:
        instance.close()


@pytest.mark.parametrize("file", ["", "/models/größte Ölmühle.gguf"])
def test_a_second_start_raises_the_first(qtbot: QtBot, tmp_path: Path, file: str) -> None:
    with instance_of(tmp_path) as first:
        assert first.claim() is Claim.FIRST
        with qtbot.waitSignal(first.raised, timeout=WAIT_MS) as raised, other_start(tmp_path, file) as second:
            pass_on = raised
            qtbot.waitUntil(lambda: second.poll() is not None, timeout=WAIT_MS)
            assert second.stdout is not None
            assert second.stdout.read().strip() == "handed_over"
        assert pass_on.args == [file]


def test_what_a_crash_left_over_is_replaced(qtbot: QtBot, tmp_path: Path) -> None:
    with other_start(tmp_path, "", "crash") as crashed:
        assert crashed.wait(WAIT_MS / 1000) == 1
    assert (tmp_path / "app.lock").exists()
    with instance_of(tmp_path) as first:
        assert first.claim() is Claim.FIRST


def test_a_closed_place_is_free(qtbot: QtBot, tmp_path: Path) -> None:
    with instance_of(tmp_path) as first, instance_of(tmp_path) as second:
        assert first.claim() is Claim.FIRST
        first.close()
        assert second.claim() is Claim.FIRST


def test_one_that_does_not_listen_is_told_of(qtbot: QtBot, tmp_path: Path) -> None:
    with instance_of(tmp_path) as first, instance_of(tmp_path) as second:
        assert first.claim() is Claim.FIRST
        assert first._server is not None
        first._server.close()
        assert second.claim() is Claim.NO_ANSWER


def test_without_a_place_for_a_lock_it_starts(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with instance_of(tmp_path / "file") as first:
        assert first.claim() is Claim.FIRST
