"""The link to a worker: hello first, nonsense skipped, silence and ignored requests to end not waited for for ever."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from fakes.scripted_worker import Step, complain, expect, hang, hello, leave, raw, say, worker
from offload.protocol import Hello, Loading, Stop
from offload.protocol_lines import Event, encode
from offload_app.engine_state import Patience
from offload_app.worker_death import DeathCause, ProcessEnd
from offload_app.worker_link import MAX_NONSENSE_LINES, WorkerLink

WAIT_MS = 20000
LOADING = {"type": "loading", "id": 1, "fraction": 0.5}
NONSENSE = [
    b"llama_model_load: done",
    b"",
    b"\xff\xfe\x00 no text",
    b'{"type":"loading","id":1',
    b'{"type":"loading","id":1}',
    b'{"type":"dance"}',
    b'{"type":"loading","id":-1,"fraction":0.5}',
    b'{"type":"loading","id":1,"fraction":NaN}',
    b"[1, 2]",
    b'{"type":"load","id":1}',
    b"[" * 20_000,
]


class Told:
    """What a link told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ends: list[ProcessEnd] = []

    def end(self, qtbot: QtBot) -> ProcessEnd:
        qtbot.waitUntil(lambda: bool(self.ends), timeout=WAIT_MS)
        (end,) = self.ends
        return end


@contextmanager
def linked(*steps: Step | Sequence[Step], patience: Patience | None = None) -> Iterator[tuple[WorkerLink, Told]]:
    told = Told()
    link = WorkerLink(worker(*steps), patience or Patience(), on_event=told.events.append, on_end=told.ends.append)
    try:
        link.start()
        yield link, told
    finally:
        link.close()
        link.deleteLater()


def test_events_are_given_after_the_hello(qtbot: QtBot) -> None:
    with linked(say(LOADING), hello(), say(LOADING), leave(0)) as (_, told):
        told.end(qtbot)
    assert told.events == [Hello(1, "scripted"), Loading(1, 0.5)]


def test_a_worker_of_another_protocol_is_ended_and_nothing_of_it_given(qtbot: QtBot) -> None:
    with linked(hello(protocol=2), say(LOADING), hang()) as (_, told):
        assert told.end(qtbot).cause is DeathCause.OTHER_PROTOCOL
    assert told.events == []


def test_a_worker_that_says_nothing_is_ended(qtbot: QtBot) -> None:
    with linked(hang(), patience=Patience(hello_seconds=0.1)) as (_, told):
        assert told.end(qtbot).cause is DeathCause.SILENT


def test_a_worker_that_is_only_slow_after_its_hello_is_left_alone(qtbot: QtBot) -> None:
    with linked(hello(), expect("stop"), say(LOADING), leave(0), patience=Patience(hello_seconds=5)) as (link, told):
        qtbot.waitUntil(lambda: bool(told.events), timeout=WAIT_MS)
        link.send(encode(Stop(1)))
        assert told.end(qtbot).cause is DeathCause.ENDED
    assert told.events[1:] == [Loading(1, 0.5)]


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_a_line_that_is_no_event_is_skipped_and_kept_among_the_last_words(qtbot: QtBot, nonsense: bytes) -> None:
    with linked(hello(), raw(nonsense), raw(b"\n"), say(LOADING), leave(0)) as (_, told):
        end = told.end(qtbot)
    assert told.events == [Hello(1, "scripted"), Loading(1, 0.5)]
    (words,) = end.last_words
    assert words.startswith("no event: ")
    assert len(words) <= 500


def test_a_line_of_twenty_megabytes_is_skipped(qtbot: QtBot) -> None:
    with linked(hello(), raw(b"z" * 1024, 20 * 1024), raw(b"\n"), say(LOADING), leave(0)) as (_, told):
        end = told.end(qtbot)
    assert told.events == [Hello(1, "scripted"), Loading(1, 0.5)]
    assert "longer than 16777216 bytes" in end.last_words[0]


def test_an_event_cut_in_two_by_a_write_is_one_event(qtbot: QtBot) -> None:
    with linked(hello(), raw(b'{"type":"loading","id":1,'), complain("x\n"), raw(b'"fraction":0.5}\n'), leave(0)) as (
        _,
        told,
    ):
        told.end(qtbot)
    assert told.events[1:] == [Loading(1, 0.5)]


def test_too_much_nonsense_in_a_row_ends_the_worker(qtbot: QtBot) -> None:
    with linked(hello(), raw(b"what\n", MAX_NONSENSE_LINES + 1), hang()) as (_, told):
        assert told.end(qtbot).cause is DeathCause.NONSENSE


def test_nonsense_with_sense_in_between_does_not_end_the_worker(qtbot: QtBot) -> None:
    nonsense = raw(b"what\n", MAX_NONSENSE_LINES)
    with linked(hello(), nonsense, say(LOADING), nonsense, leave(0)) as (_, told):
        assert told.end(qtbot).cause is DeathCause.ENDED


def test_a_shutdown_is_followed_by_an_end_without_a_crash(qtbot: QtBot) -> None:
    with linked(hello(), expect("shutdown"), leave(0)) as (link, told):
        qtbot.waitUntil(lambda: bool(told.events), timeout=WAIT_MS)
        link.shutdown()
        end = told.end(qtbot)
    assert (end.cause, end.is_crash) == (DeathCause.ENDED, False)


def test_a_worker_that_ignores_a_shutdown_is_killed(qtbot: QtBot) -> None:
    with linked(hello(), hang(), patience=Patience(shutdown_seconds=0.1)) as (link, told):
        qtbot.waitUntil(lambda: bool(told.events), timeout=WAIT_MS)
        link.shutdown()
        end = told.end(qtbot)
    assert (end.cause, end.is_crash) == (DeathCause.KILLED, True)


def test_a_shutdown_before_the_hello_is_not_forgotten_when_it_comes(qtbot: QtBot) -> None:
    with linked(hello(), hang(), patience=Patience(shutdown_seconds=1.5)) as (link, told):
        link.shutdown()
        assert told.end(qtbot).cause is DeathCause.KILLED


def test_nothing_is_told_after_a_close(qtbot: QtBot) -> None:
    is_late = QTimer(singleShot=True, interval=100)
    with linked(hello(), say(LOADING), hang(), patience=Patience(hello_seconds=0.05)) as (link, told):
        link.close()
        with qtbot.waitSignal(is_late.timeout):
            is_late.start()
    assert told.events == []
    assert told.ends == []
