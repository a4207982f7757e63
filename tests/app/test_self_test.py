"""The self-test of an installation: what makes it good, and what it says of what is broken."""

import signal
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fakes.application import application
from fakes.scripted_worker import Step, answers, die, expect, failed, hang, hello, loads
from offload_app.engine_client import WORKER_COMMAND
from offload_app.self_test import PATIENCE_SECONDS, SelfTest


def outcome(
    folder: Path,
    *steps: Step | Sequence[Step],
    command: Sequence[str] = (),
    patience_seconds: float = PATIENCE_SECONDS,
) -> str:
    qt = QApplication.instance()
    assert isinstance(qt, QApplication)
    with application(folder, *steps, command=command) as parts:
        test = SelfTest(qt, parts, patience_seconds)
        qt.exec()
        assert not parts.window.isVisible()
        return test.failure


def test_with_the_real_worker_and_the_demo_model_nothing_fails(qtbot: QtBot, tmp_path: Path) -> None:
    assert outcome(tmp_path, command=WORKER_COMMAND) == ""


def test_a_model_that_is_refused_is_told_with_its_reason(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (hello(), expect("load"), failed(message="It cannot be unpacked.", hint="Make room."))
    failure = outcome(tmp_path, *steps)
    assert "It cannot be unpacked. Make room." in failure
    assert "\n" not in failure


def test_a_worker_that_dies_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    assert outcome(tmp_path, hello(), expect("load"), die(signal.SIGSEGV))


def test_a_worker_that_cannot_be_started_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    failure = outcome(tmp_path, command=[str(tmp_path / "no such program")])
    assert failure
    assert "within" not in failure


def test_an_empty_answer_is_a_failure(qtbot: QtBot, tmp_path: Path) -> None:
    assert outcome(tmp_path, hello(), loads(), answers(" ")) == "The demo model's answer is empty."


def test_an_answer_that_does_not_end_is_told_once_the_patience_is_over(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (hello(), loads(), expect("generate"), hang())
    assert outcome(tmp_path, *steps, patience_seconds=0.5).endswith("within 0.5 s.")
