"""The way out: the worker ends, what is unsaved is saved, in bounded time."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fakes.engine_log import WAIT_MS, load, watched
from fakes.scripted_worker import hang, hello, loads
from offload_app import shutdown
from offload_app.chat_session import ChatSession
from offload_app.engine_state import EngineState
from offload_app.shutdown import Shutdown
from offload_app.store_opening import open_store
from offload_app.store_thread import StoreThread


def test_the_worker_ends_before_it_is_done(qtbot: QtBot, tmp_path: Path) -> None:
    with watched(hello(), loads()) as (engine, log), StoreThread(lambda: open_store(tmp_path / "c.db")) as store:
        session = ChatSession(engine, store)
        way_out = Shutdown(engine, session)
        load(qtbot, engine)
        with qtbot.waitSignal(way_out.done, timeout=WAIT_MS):
            way_out.begin()
            way_out.begin()
        assert log.names.count("shut_down") == 1
        assert engine.state is EngineState.NOT_RUNNING


def test_without_a_worker_it_is_done_at_once(qtbot: QtBot, tmp_path: Path) -> None:
    with watched(hello()) as (engine, _), StoreThread(lambda: open_store(tmp_path / "c.db")) as store:
        way_out = Shutdown(engine, ChatSession(engine, store))
        with qtbot.waitSignal(way_out.done, timeout=WAIT_MS):
            way_out.begin()


def test_a_worker_that_does_not_end_is_not_waited_for_forever(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "PATIENCE_MS", 50)
    with watched(hello(), loads(), hang()) as (engine, _), StoreThread(lambda: open_store(tmp_path / "c.db")) as store:
        way_out = Shutdown(engine, ChatSession(engine, store))
        load(qtbot, engine)
        with qtbot.waitSignal(way_out.done, timeout=5000):
            way_out.begin()
        assert engine.state is EngineState.NOT_RUNNING


def test_a_shutdown_that_nobody_began_does_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    with watched(hello()) as (engine, _), StoreThread(lambda: open_store(tmp_path / "c.db")) as store:
        way_out = Shutdown(engine, ChatSession(engine, store))
        told: list[str] = []
        way_out.done.connect(lambda: told.append("done"))
        engine.shutdown()
        qtbot.wait(1)
        assert told == []
        assert not way_out.has_begun
