"""Statistics are asked for while they can be seen, and else not."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from fakes.engine_log import WAIT_MS, EngineLog, watched
from fakes.scripted_worker import expect, hello, loads, say
from offload_app.engine_client import EngineClient
from offload_app.engine_state import EngineState
from offload_app.gauges.panel import GaugePanel
from offload_app.stats_polling import StatsPolling
from offload_app.theme import LIGHT

UNLOADED = say({"type": "unloaded", "id": "$id"})
World = tuple[StatsPolling, GaugePanel, EngineClient, EngineLog]


@pytest.fixture
def world(qtbot: QtBot) -> Iterator[World]:
    """Return a panel that is shown, of a worker with a model open."""
    with watched(hello(), loads(), expect("unload"), UNLOADED) as (engine, log):
        panel = GaugePanel(LIGHT)
        qtbot.addWidget(panel)
        polling = StatsPolling(engine, panel)
        panel.show()
        engine.start()
        qtbot.waitUntil(lambda: engine.state is EngineState.READY, timeout=WAIT_MS)
        assert not polling.is_asking
        engine.load("/m.gguf")
        qtbot.waitUntil(lambda: engine.state is EngineState.LOADED, timeout=WAIT_MS)
        yield polling, panel, engine, log


def test_it_asks_while_a_model_is_open_and_seen(qtbot: QtBot, world: World) -> None:
    polling, _, _, log = world
    qtbot.waitUntil(lambda: len(log.all("stats")) >= 2, timeout=WAIT_MS)
    assert polling.is_asking


def test_it_rests_while_the_panel_is_hidden(qtbot: QtBot, world: World) -> None:
    polling, panel, _, _ = world
    panel.hide()
    qtbot.waitUntil(lambda: not polling.is_asking)
    panel.show()
    qtbot.waitUntil(lambda: polling.is_asking)


def test_it_rests_while_the_window_is_minimised(qtbot: QtBot, world: World) -> None:
    polling, panel, _, _ = world
    panel.showMinimized()
    qtbot.waitUntil(lambda: not polling.is_asking)
    panel.showNormal()
    qtbot.waitUntil(lambda: polling.is_asking)


def test_it_ends_with_the_model(qtbot: QtBot, world: World) -> None:
    polling, _, engine, _ = world
    engine.unload()
    qtbot.waitUntil(lambda: engine.state is EngineState.READY, timeout=WAIT_MS)
    assert not polling.is_asking
