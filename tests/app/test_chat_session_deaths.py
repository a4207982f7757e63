"""The chat session when its worker dies, and after a restart of either."""

import signal
from pathlib import Path

from pytestqt.qtbot import QtBot

from fakes.chat_world import chat_world
from fakes.engine_log import WAIT_MS
from fakes.scripted_worker import answers, die, expect, hello, loads, tokens, tokens_until_stop, worker
from offload_app.conversation import MessageState

READY = (hello(), *loads())
DIES = (expect("generate"), tokens("so ", "far"), die(signal.SIGKILL))


def test_a_death_keeps_what_had_come(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, DIES) as world:
        world.ask("q")
        kept = world.stored().messages[1]
        assert (kept.text, kept.state) == ("so far", MessageState.FAILED)
        assert kept.failure == "The model process ended in the middle of an answer of “m.gguf”."
        assert world.session.conversation == world.stored()


def test_after_a_death_nothing_can_be_asked(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, DIES) as world:
        world.ask("q")
        assert not world.session.can_send
        assert world.session.refusal == "The model process has ended: restart it to go on."


def test_after_a_restart_the_conversation_goes_on(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, DIES) as world:
        world.ask("q")
        world.engine._command = worker(hello(), *loads(), answers("again"))
        world.engine.restart()
        qtbot.waitUntil(lambda: world.engine.state.value == "ready", timeout=WAIT_MS)
        with qtbot.waitSignal(world.engine.loaded, timeout=WAIT_MS):
            world.engine.load("/models/m.gguf")
        assert world.session.regenerate()
        world.settle()
        assert world.texts == ["q", "again"]
        assert [message.text for message in world.stored().messages] == ["q", "so far", "again"]


def test_a_shutdown_in_mid_answer_keeps_what_had_come(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, expect("generate"), tokens_until_stop("more ")) as world:
        assert world.session.send("q")
        world.await_text("more")
        world.engine.shutdown()
        world.settle()
        assert world.state is MessageState.PARTIAL
        assert world.stored().messages[1].text == world.engine.answer_text


def test_closing_in_mid_answer_keeps_what_had_come(qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "c.db"
    with chat_world(qtbot, file, READY, expect("generate"), tokens_until_stop("more ")) as world:
        assert world.session.send("q")
        world.await_text("more")
        text, id = world.texts[-1], world.session.conversation.id
    with chat_world(qtbot, file, hello(), loads=False) as world:
        world.open(id)
        assert world.texts[-1].startswith(text)
        assert world.state is MessageState.PARTIAL


def test_the_answer_of_a_new_loading_is_measured_from_its_start(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, answers("a"), *loads("/models/n.gguf"), answers("b")) as world:
        world.ask("q")
        with qtbot.waitSignal(world.engine.loaded, timeout=WAIT_MS):
            world.engine.load("/models/n.gguf")
        world.ask("r")
        assert '"model":"/models/n.gguf"' in world.stored().messages[3].receipt
