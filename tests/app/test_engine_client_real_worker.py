"""The engine client with the real worker and the demo model, once through everything."""

from dataclasses import replace
from pathlib import Path

from pytestqt.qtbot import QtBot

from fakes.engine_log import EngineLog, shut_down, start
from offload.protocol import EngineConfig, FinishReason, GenerationParams, Message, Role
from offload_app.engine_client import EngineClient
from offload_app.engine_state import EngineState
from offload_app.gauges.readings.device_memory import read_device_memory
from offload_app.gauges.readings.history import History
from offload_app.gauges.readings.hit_rate import read_hit_rate
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.memory import Part, read_memory
from offload_app.gauges.readings.trend import Trend
from offload_app.model_config import config_of
from offload_app.settings_control import SettingsControl
from offload_app.settings_file import SettingsFile

WAIT_MS = 60000
STORY = (Message(Role.USER, "Tell me a story about a fox."),)


def test_the_demo_model_is_loaded_asked_stopped_asked_again_and_unloaded(qtbot: QtBot) -> None:
    client = EngineClient()
    log = EngineLog(client)
    try:
        start(qtbot, client)
        with qtbot.waitSignal(client.loaded, timeout=WAIT_MS):
            client.load(None, EngineConfig(n_threads=1, n_ctx=512))
        client.generate(STORY, GenerationParams(seed=1, ignore_eos=True))
        qtbot.waitUntil(lambda: bool(log.all("tokens")), timeout=WAIT_MS)
        assert client.request_stats(residency=True)
        qtbot.waitUntil(lambda: bool(log.all("stats")), timeout=WAIT_MS)
        with qtbot.waitSignal(client.done, timeout=WAIT_MS):
            client.stop()
        stopped = client.answer_text
        with qtbot.waitSignal(client.done, timeout=WAIT_MS):
            client.generate(STORY, GenerationParams(seed=1, n_predict=8, ignore_eos=True))
        with qtbot.waitSignal(client.unloaded, timeout=WAIT_MS):
            client.unload()
        assert client.state is EngineState.READY
        shut_down(qtbot, client)
    finally:
        client.close()
    assert [event.finish_reason for event in log.all("done")] == [FinishReason.CANCELLED, FinishReason.LENGTH]
    assert log.one("stats").loaded
    assert log.one("stats").residency
    assert stopped
    assert client.answer_text
    assert log.text == stopped + client.answer_text
    assert log.all("died") == []


def test_what_the_settings_say_of_a_device_reaches_the_gauges(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text('{"device": "stand-in", "vram": "30M", "budget": "300M", "threads": 1}')
    control = SettingsControl(SettingsFile(tmp_path / "app.json"))
    client = EngineClient()
    log = EngineLog(client)
    try:
        start(qtbot, client)
        with qtbot.waitSignal(client.loaded, timeout=WAIT_MS):
            client.load(None, replace(config_of(control.current, None), n_ctx=512))
        with qtbot.waitSignal(client.done, timeout=WAIT_MS):
            client.generate(STORY, GenerationParams(seed=1, n_predict=8, ignore_eos=True))
        with qtbot.waitSignal(client.stats, timeout=WAIT_MS):
            client.request_stats()
        shut_down(qtbot, client)
    finally:
        client.close()
    assert control.trouble == ""
    event = log.one("stats")
    assert read_device_memory(event, Language()).words.title == "Memory of CPU"
    assert {use.part: use.n_bytes for use in read_memory(event, Language()).parts}[Part.CACHE] > 0
    lines = read_hit_rate(event, History(), Trend(), Language()).lines
    assert [line.name for line in lines][:2] == ["In the slots of CPU", "Others in RAM"]
