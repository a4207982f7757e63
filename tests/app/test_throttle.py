"""The throttle: at most so many calls, the last value wins."""

import itertools
import time

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from offload_app.throttle import Throttle


def test_the_first_value_is_passed_on_at_once(qtbot: QtBot) -> None:
    parent, seen = QObject(), list[int]()
    Throttle(seen.append, per_second=1, parent=parent).push(1)
    assert seen == [1]


def test_the_last_of_many_values_wins_and_needs_no_other_push(qtbot: QtBot) -> None:
    parent, seen = QObject(), list[int]()
    throttle = Throttle(seen.append, per_second=50, parent=parent)
    for value in range(100):
        throttle.push(value)
    assert seen == [0]
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == [0, 99]
    assert not throttle.is_waiting


def test_between_two_calls_lies_the_interval(qtbot: QtBot) -> None:
    parent, times = QObject(), list[float]()
    throttle = Throttle[None](lambda _: times.append(time.perf_counter()), per_second=20, parent=parent)

    def push_until_there_are_four() -> bool:
        throttle.push(None)
        return len(times) == 4

    qtbot.waitUntil(push_until_there_are_four)
    # Qt's coarse timers may come a twentieth early.
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.05 * 0.94


def test_a_flush_passes_the_waiting_value_on_now_and_only_once(qtbot: QtBot) -> None:
    parent, seen = QObject(), list[int]()
    throttle = Throttle(seen.append, per_second=1, parent=parent)
    throttle.push(1)
    throttle.push(2)
    throttle.flush()
    throttle.flush()
    assert seen == [1, 2]


def test_none_is_a_value_too(qtbot: QtBot) -> None:
    parent, seen = QObject(), list[None]()
    throttle = Throttle(seen.append, per_second=1, parent=parent)
    throttle.push(None)
    throttle.push(None)
    throttle.flush()
    assert seen == [None, None]


def test_a_cancelled_value_is_never_passed_on(qtbot: QtBot) -> None:
    parent, seen = QObject(), list[int]()
    throttle = Throttle(seen.append, per_second=1, parent=parent)
    throttle.push(1)
    throttle.push(2)
    throttle.cancel()
    throttle.flush()
    assert seen == [1]


def test_a_value_pushed_from_within_a_call_waits_for_its_turn(qtbot: QtBot) -> None:
    parent, seen = QObject(), list[int]()

    def call(value: int) -> None:
        seen.append(value)
        if value < 3:
            throttle.push(value + 1)
            assert throttle.is_waiting

    throttle = Throttle(call, per_second=100, parent=parent)
    throttle.push(1)
    assert seen == [1]
    qtbot.waitUntil(lambda: seen == [1, 2, 3])


def test_a_call_that_fails_does_not_end_the_throttle(qtbot: QtBot) -> None:
    parent, seen = QObject(), list[int]()

    def call(value: int) -> None:
        if value == 1:
            raise ValueError("no")
        seen.append(value)

    throttle = Throttle(call, per_second=100, parent=parent)
    with pytest.raises(ValueError, match="no"):
        throttle.push(1)
    throttle.push(2)
    qtbot.waitUntil(lambda: seen == [2])
