"""The worker's process: its lines in order, in turns, within memory, and how it ended."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from PySide6.QtCore import QProcess, QTimer
from pytestqt.qtbot import QtBot

from fakes.scripted_worker import Step, complain, die, expect, hang, leave, pause, raw, worker
from offload.protocol_lines import MAX_LINE_BYTES
from offload_app.worker_death import DeathCause, ProcessEnd
from offload_app.worker_process import KEPT_LINE_BYTES, KEPT_LINES, TURN_SECONDS, WorkerProcess

WAIT_MS = 20000


class Reader:
    """Takes what a process says; `on_line` may do more with each line."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.ends: list[ProcessEnd] = []
        self.on_line: Callable[[bytes], None] = self.lines.append

    def take(self, line: bytes) -> None:
        assert not self.ends
        self.on_line(line)


@contextmanager
def running(
    *steps: Step | Sequence[Step], command: Sequence[str] = (), **options: Any
) -> Iterator[tuple[WorkerProcess, Reader]]:
    reader = Reader()
    process = WorkerProcess(command or worker(*steps), on_line=reader.take, on_end=reader.ends.append, **options)
    try:
        process.start()
        yield process, reader
    finally:
        process.close()
        process.deleteLater()


def end_of(qtbot: QtBot, reader: Reader) -> ProcessEnd:
    qtbot.waitUntil(lambda: bool(reader.ends), timeout=WAIT_MS)
    (end,) = reader.ends
    return end


def test_every_line_is_given_in_order_and_then_the_end(qtbot: QtBot) -> None:
    with running(raw(b"one\ntw"), pause(0.05), raw(b"o\n\nthree\n"), leave(3)) as (_, reader):
        end = end_of(qtbot, reader)
    assert reader.lines == [b"one", b"two", b"", b"three"]
    assert (end.cause, end.code, end.is_crash) == (DeathCause.ENDED, 3, False)


def test_a_last_line_without_its_newline_is_given(qtbot: QtBot) -> None:
    with running(raw(b"one\nhalf"), leave(0)) as (_, reader):
        end_of(qtbot, reader)
    assert reader.lines == [b"one", b"half"]


def test_a_signal_is_told_by_its_number(qtbot: QtBot) -> None:
    with running(die(signal.SIGSEGV)) as (_, reader):
        end = end_of(qtbot, reader)
    assert end.is_crash
    assert end.signal_name == "SIGSEGV"


def test_all_that_a_dying_process_wrote_is_given(qtbot: QtBot) -> None:
    with running(raw(b"0123456789abcdef\n", 20000), die(signal.SIGKILL)) as (_, reader):
        end = end_of(qtbot, reader)
    assert reader.lines == [b"0123456789abcdef"] * 20000
    assert end.signal_name == "SIGKILL"


def test_a_program_that_is_not_there_ends_without_a_start(qtbot: QtBot) -> None:
    with running(command=["/no/such/program"]) as (_, reader):
        end = end_of(qtbot, reader)
    assert end.cause is DeathCause.NOT_STARTED
    assert "No such file" in end.start_error


def test_of_standard_error_the_last_lines_are_kept_and_cut(qtbot: QtBot) -> None:
    long = "y" * 5000
    with running(complain("early\n", 3000), complain(long + "\n"), complain("late\nlast"), leave(1)) as (_, reader):
        words = end_of(qtbot, reader).last_words
    assert words[-3:] == (long[:KEPT_LINE_BYTES], "late", "last")
    assert len(words) == KEPT_LINES


def test_a_line_of_twenty_megabytes_is_cut_and_the_next_one_is_whole(qtbot: QtBot) -> None:
    with running(raw(b"z" * 1024, 20 * 1024), raw(b"\nnext\n"), leave(0)) as (_, reader):
        end_of(qtbot, reader)
    assert [len(line) for line in reader.lines] == [MAX_LINE_BYTES + 1, 4]


def test_the_event_loop_has_its_turn_while_lines_wait(qtbot: QtBot) -> None:
    n_ticks = 0
    ticks_at_lines: set[int] = set()

    def tick() -> None:
        nonlocal n_ticks
        n_ticks += 1

    ticker = QTimer(interval=0)
    ticker.timeout.connect(tick)
    with running(raw(b"line\n", 400), leave(0)) as (_, reader):

        def take(line: bytes) -> None:
            ticks_at_lines.add(n_ticks)
            spend(0.001, reader, line)

        reader.on_line = take
        ticker.start()
        end_of(qtbot, reader)
        ticker.stop()
    assert len(reader.lines) == 400
    # 0.4 s of work, which came in one chunk, in turns of 8 ms; a tick may be missed on a busy machine.
    assert len(ticks_at_lines) >= 400 * 0.001 / TURN_SECONDS / 2


def spend(seconds: float, reader: Reader, line: bytes) -> None:
    reader.lines.append(line)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_a_flood_waits_in_the_worker_and_not_here(qtbot: QtBot) -> None:
    backlog: list[int] = []
    with running(raw(b"a line of a flood\n", 60000), leave(0)) as (process, reader):
        (inner,) = process.findChildren(QProcess)

        def take(line: bytes) -> None:
            if len(reader.lines) % 100 == 0:
                backlog.append(inner.bytesAvailable())
                spend(0.001, reader, line)
            else:
                reader.lines.append(line)

        reader.on_line = take
        end_of(qtbot, reader)
    assert len(reader.lines) == 60000
    # A megabyte was said; a pipe of Linux holds 64 KiB.
    assert max(backlog) <= 128 * 1024


def test_a_worker_that_is_too_far_ahead_is_ended_where_its_output_cannot_be_left_in_the_pipe(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on Windows: no notifier is found.
    monkeypatch.setattr("offload_app.worker_process.QSocketNotifier", QTimer)
    with running(raw(b"a line of a flood\n", 100000), hang(), max_backlog_bytes=100_000) as (_, reader):
        reader.on_line = lambda line: spend(0.001 if len(reader.lines) < 1000 else 0, reader, line)
        end = end_of(qtbot, reader)
    assert end.cause is DeathCause.FLOOD
    assert len(reader.lines) < 100000


def test_a_receiver_that_fails_loses_only_its_own_line(qtbot: QtBot) -> None:
    with running(raw(b"bad\ngood\n"), leave(0)) as (_, reader):

        def take(line: bytes) -> None:
            if line == b"bad":
                raise ValueError("no")
            reader.lines.append(line)

        reader.on_line = take
        with qtbot.captureExceptions() as failures:
            end_of(qtbot, reader)
    assert reader.lines == [b"good"]
    assert [failure[0] for failure in failures] == [ValueError]


def test_what_is_written_arrives_and_end_of_input_is_seen(qtbot: QtBot) -> None:
    with running(expect("load"), raw(b"got it\n")) as (process, reader):
        process.write(b'{"type":"load","id":1}\n')
        qtbot.waitUntil(lambda: reader.lines == [b"got it"], timeout=WAIT_MS)
        process.end_input()
        end = end_of(qtbot, reader)
    assert (end.code, end.is_crash) == (0, False)


def test_the_first_cause_of_a_kill_is_told(qtbot: QtBot) -> None:
    with running(hang()) as (process, reader):
        process.kill(DeathCause.SILENT)
        process.kill(DeathCause.KILLED)
        assert end_of(qtbot, reader).cause is DeathCause.SILENT


def test_close_leaves_no_process_and_tells_nobody(qtbot: QtBot) -> None:
    with running(raw(b"line\n"), hang()) as (process, reader):
        qtbot.waitUntil(lambda: reader.lines == [b"line"], timeout=WAIT_MS)
        process.close()
        process.close()
        (inner,) = process.findChildren(QProcess)
        assert inner.state() == QProcess.ProcessState.NotRunning
        process.write(b"nobody reads this\n")
    assert reader.ends == []


@pytest.mark.parametrize("asked", ["kill", "close"])
def test_no_line_is_given_to_a_receiver_that_has_closed(qtbot: QtBot, asked: str) -> None:
    with running(raw(b"line\n", 1000), hang()) as (process, reader):

        def take(line: bytes) -> None:
            reader.lines.append(line)
            if asked == "close":
                process.close()
            elif len(reader.lines) == 1:
                process.kill(DeathCause.KILLED)

        reader.on_line = take
        if asked == "kill":
            # A kill loses nothing that was said before.
            end_of(qtbot, reader)
            assert len(reader.lines) == 1000
        else:
            qtbot.waitUntil(lambda: bool(reader.lines), timeout=WAIT_MS)
            assert len(reader.lines) == 1
            assert reader.ends == []
