"""Waiting for a network without being held by it."""

import itertools
import threading
from collections.abc import Generator
from contextlib import closing

import pytest

from offload.errors import CancelledError
from offload.hub.errand import run_errand


def nothing() -> None:
    """Go on waiting."""


def test_items_come_in_their_order_and_end() -> None:
    def make() -> Generator[int, None, None]:
        yield from range(1000)

    assert list(run_errand(make, nothing)) == list(range(1000))


def test_what_is_raised_comes_after_the_items_before_it() -> None:
    def make() -> Generator[int, None, None]:
        yield 1
        raise OSError("cut")

    items = run_errand(make, nothing)
    assert next(items) == 1
    with pytest.raises(OSError, match="cut"):
        next(items)


def test_who_waits_is_asked_until_something_comes() -> None:
    come, asked = threading.Event(), 0

    def make() -> Generator[str, None, None]:
        come.wait(60)
        yield "late"

    def ask() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            come.set()

    assert list(run_errand(make, ask)) == ["late"]
    assert asked >= 2


def test_who_stops_waiting_is_let_go_and_the_errand_ends_when_it_can() -> None:
    come, ended = threading.Event(), threading.Event()

    def make() -> Generator[int, None, None]:
        try:
            come.wait(60)
            yield 1
            yield 2
        finally:
            ended.set()

    def stop() -> None:
        raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        list(run_errand(make, stop))
    assert not ended.is_set()
    come.set()
    assert ended.wait(60)


def test_who_leaves_in_the_middle_leaves_no_thread_behind() -> None:
    made_in: list[threading.Thread] = []
    closed_in: list[threading.Thread] = []

    def make() -> Generator[int, None, None]:
        made_in.append(threading.current_thread())
        try:
            yield from itertools.count()
        finally:
            closed_in.append(threading.current_thread())

    with closing(run_errand(make, nothing)) as items:
        assert list(itertools.islice(items, 10)) == list(range(10))
    (worker,) = made_in
    worker.join(60)
    assert not worker.is_alive()
    assert closed_in == made_in != [threading.current_thread()]


def test_no_more_is_made_ahead_than_a_few_items() -> None:
    made: list[int] = []
    asked = threading.Event()

    def make() -> Generator[int, None, None]:
        for number in itertools.count():
            made.append(number)
            if number == 5:
                asked.set()
            yield number

    with closing(run_errand(make, nothing)) as items:
        next(items)
        assert asked.wait(60)
        assert len(made) == 6
