"""Work on the store whose results come back to the event loop."""

import threading
from functools import partial
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fakes.engine_log import WAIT_MS
from offload_app.conversation_store import ConversationStore
from offload_app.store_calls import StoreCalls
from offload_app.store_opening import open_store
from offload_app.store_thread import StoreThread


def _give(number: int, _: ConversationStore) -> int:
    return number


def test_results_come_in_order_to_the_ui(qtbot: QtBot, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with StoreThread(partial(open_store, tmp_path / "c.db")) as store:
        calls = StoreCalls(store)
        for number in range(10):
            calls.ask(partial(_give, number), lambda n: seen.append((n, threading.get_ident())))
        qtbot.waitUntil(lambda: len(seen) == 10, timeout=WAIT_MS)
        calls.close()
    assert seen == [(number, threading.get_ident()) for number in range(10)]


def test_a_failure_is_told_once(qtbot: QtBot, tmp_path: Path) -> None:
    told: list[str] = []
    with StoreThread(partial(open_store, tmp_path / "c.db")) as store:
        calls = StoreCalls(store)
        calls.failed.connect(told.append)
        ended: list[object] = []
        for _ in range(3):
            calls.ask(lambda found: found.load("gone"), otherwise=ended.append)
        qtbot.waitUntil(lambda: len(ended) == 3, timeout=WAIT_MS)
        calls.close()
    assert told == ["The conversation gone is not among those kept. Make a new one."]


def test_after_closing_nothing_comes(qtbot: QtBot, tmp_path: Path) -> None:
    with StoreThread(partial(open_store, tmp_path / "c.db")) as store:
        calls = StoreCalls(store)
        gate = threading.Event()
        calls.ask(lambda _: gate.wait(60), lambda _: pytest.fail("it came"))
        calls.close()
        gate.set()
        assert calls.ask(lambda _: None) is None
    qtbot.waitUntil(gate.is_set)
