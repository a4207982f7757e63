"""The engine client with the real worker and the demo model, once through everything."""

from pytestqt.qtbot import QtBot

from fakes.engine_log import EngineLog, shut_down, start
from offload.protocol import EngineConfig, FinishReason, GenerationParams, Message, Role
from offload_app.engine_client import EngineClient
from offload_app.engine_state import EngineState

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
