"""What nobody foresaw is logged and told."""

import sys
import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from offload_app.unexpected import Unexpected


def report(unexpected: Unexpected, error: BaseException) -> None:
    try:
        raise error
    except BaseException as raised:
        unexpected.report(type(raised), raised, raised.__traceback__)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "state" / "app.log"


def test_an_exception_is_told_in_a_sentence_and_logged_whole(qtbot: QtBot, log: Path) -> None:
    unexpected = Unexpected(log)
    with qtbot.waitSignal(unexpected.happened) as told:
        report(unexpected, ValueError("slot 7\nhas no arena"))
    assert "ValueError: slot 7 has no arena" in told.args[0]
    assert str(log) in told.args[0]
    assert "Traceback (most recent call last)" in log.read_text("utf-8")


def test_an_exception_of_another_thread_is_told_in_this_one(qtbot: QtBot, log: Path) -> None:
    unexpected = Unexpected(log)
    threads: list[threading.Thread] = []
    unexpected.happened.connect(lambda _: threads.append(threading.current_thread()))
    worker = threading.Thread(target=report, args=(unexpected, KeyError("x")))
    worker.start()
    worker.join()
    qtbot.waitUntil(lambda: bool(threads))
    assert threads == [threading.main_thread()]


def test_an_interrupt_is_nothing_unexpected(qtbot: QtBot, log: Path) -> None:
    report(Unexpected(log), KeyboardInterrupt())
    assert not log.exists()


def test_where_no_log_can_be_written_it_is_told_all_the_same(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    unexpected = Unexpected(tmp_path / "file" / "app.log")
    with qtbot.waitSignal(unexpected.happened):
        report(unexpected, ValueError())


def test_a_log_that_has_grown_is_put_aside(qtbot: QtBot, log: Path) -> None:
    log.parent.mkdir()
    log.write_text("x" * (2 << 20))
    report(Unexpected(log), ValueError("new"))
    assert log.stat().st_size < 10_000
    assert log.with_suffix(".old.log").stat().st_size == 2 << 20


def test_watching_is_undone(qtbot: QtBot, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    unexpected = Unexpected(log)
    unexpected.watch()
    assert sys.excepthook == unexpected.report
    unexpected.unwatch()
    assert sys.excepthook is sys.__excepthook__
