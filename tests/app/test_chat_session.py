"""The chat session: asking, answering, branches, and what is kept of them."""

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fakes.chat_world import chat_world
from fakes.conversations import talk
from fakes.engine_log import WAIT_MS
from fakes.scripted_worker import answers, done, expect, failed, hello, loads, tokens, tokens_until_stop
from offload.protocol import GenerationParams
from offload_app.conversation import MessageState, turns
from offload_app.receipt import read_receipt
from offload_app.sampling import CREATIVE

READY = (hello(), *loads())
ENDLESS = (expect("generate"), tokens_until_stop("more "), done("cancelled"))


def test_an_answer_is_shown_piece_by_piece_and_kept(qtbot: QtBot, tmp_path: Path) -> None:
    with chat_world(qtbot, tmp_path / "c.db", READY, answers("Four", ".")) as world:
        pieces: list[str] = []
        world.session.answer_grew.connect(lambda _, piece: pieces.append(piece))
        world.ask("What is 2 + 2?")
        assert "".join(pieces) == "Four."
        assert world.texts == ["What is 2 + 2?", "Four."]
        assert world.state is MessageState.COMPLETE
        assert world.stored() == world.session.conversation


def test_the_first_question_names_the_conversation(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, answers("a"), answers("b")) as world:
        world.ask("Why is the sky blue?\nReally.")
        world.ask("And at night?")
        assert world.stored().title == "Why is the sky blue?"


def test_sending_while_answering_is_refused(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, ENDLESS) as world:
        assert world.session.send("first")
        before = world.session.conversation.messages
        assert not world.session.send("second")
        assert not world.session.regenerate()
        assert not world.session.edit(1, "other")
        assert len(world.session.conversation.messages) == len(before)
        assert world.all("told") == [world.session.refusal] * 3
        world.session.stop()
        world.settle()
        assert world.session.can_send


def test_without_a_model_sending_is_refused(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, hello(), loads=False) as world:
        assert not world.session.send("hello")
        assert world.all("told") == ["No model is loaded: choose one first."]
        assert not world.session.conversation.messages


def test_a_stop_keeps_what_had_come(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, ENDLESS) as world:
        assert world.session.send("go on")
        world.await_text("more more")
        world.session.stop()
        world.settle()
        assert world.state is MessageState.PARTIAL
        assert world.texts[-1] == world.engine.answer_text
        assert world.stored() == world.session.conversation


def test_regenerating_keeps_the_first_answer(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, answers("one"), answers("two")) as world:
        world.ask("q")
        assert world.session.regenerate()
        world.settle()
        assert world.texts == ["q", "two"]
        assert [(turn.position, turn.count) for turn in turns(world.session.conversation)] == [(1, 1), (2, 2)]
        world.session.switch(2)
        assert world.texts == ["q", "one"]
        assert world.stored() == world.session.conversation


def test_editing_asks_on_a_branch_of_its_own(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, answers("one"), answers("two")) as world:
        world.ask("first")
        assert world.session.edit(1, "second")
        world.settle()
        assert world.texts == ["second", "two"]
        world.session.switch(1)
        assert world.texts == ["first", "one"]


def test_an_answer_goes_on_while_another_is_open(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, ENDLESS) as world:
        other = world.add(talk("x", "y"))
        assert world.session.send("go on")
        asked = world.session.conversation.id
        world.await_text("more")
        world.open(other)
        assert world.texts == ["x", "y"]
        world.session.open(asked)
        assert world.session.answering_message == 2
        world.open(other)
        world.session.stop()
        world.settle()
        assert world.stored(asked).messages[1].text == world.engine.answer_text
        assert world.texts == ["x", "y"]


def test_a_partial_answer_is_saved_while_it_grows(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, ENDLESS) as world:
        assert world.session.send("go on")
        qtbot.waitUntil(lambda: "more" in world.stored().messages[1].text, timeout=WAIT_MS)
        first = len(world.stored().messages[1].text)
        qtbot.waitUntil(lambda: len(world.stored().messages[1].text) > first, timeout=WAIT_MS)
        assert world.session.is_answering
        assert world.stored().messages[1].state is MessageState.PARTIAL


def test_an_error_is_said_with_the_answer(qtbot: QtBot) -> None:
    script = (expect("generate"), tokens("so far"), failed("BudgetError", "Too little memory.", "Take more."))
    with chat_world(qtbot, None, READY, script) as world:
        world.ask("q")
        kept = world.stored().messages[1]
        assert (kept.text, kept.state) == ("so far", MessageState.FAILED)
        assert kept.failure == "Too little memory. Take more."


def test_an_answer_has_its_receipt(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, answers("a")) as world:
        world.session.set_sampling(CREATIVE.applied_to(GenerationParams()))
        world.ask("q")
        receipt = read_receipt(world.stored().messages[1].receipt)
        assert receipt is not None
        assert (receipt.model, receipt.settings.temperature) == ("/models/m.gguf", CREATIVE.temperature)


def test_settings_belong_to_their_conversation(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, answers("a")) as world:
        other = world.add(talk("x", "y"))
        world.ask("q")
        world.session.set_system_prompt("Be brief.")
        world.session.set_sampling(CREATIVE.applied_to(GenerationParams()))
        asked = world.session.conversation
        world.open(other)
        assert world.session.conversation.system_prompt == ""
        assert world.stored(asked.id).system_prompt == "Be brief."
        assert world.stored(asked.id).sampling == asked.sampling


def test_a_draft_is_kept_with_its_conversation(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY) as world:
        other = world.add(talk("x", "y"))
        draft_of = world.session.conversation.id
        world.session.set_draft("half a thou")
        world.session.set_draft("half a thought")
        world.open(other)
        assert world.session.conversation.draft == ""
        world.open(draft_of)
        assert world.session.conversation.draft == "half a thought"


def test_sending_takes_the_draft_away(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY, answers("a")) as world:
        world.session.set_draft("q")
        world.session.set_draft("q?")
        world.ask("q?")
        assert world.stored().draft == ""


def test_an_empty_conversation_is_not_kept(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY) as world:
        world.session.new()
        world.session.set_draft("")
        world.session.new()
        assert world.store.submit(lambda store: store.counts()).result() == (0, 0)


def test_a_deleted_conversation_comes_back(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY) as world:
        id = world.add(talk("x", "y", title="T"))
        world.open(id)
        world.session.delete(id)
        assert world.texts == []
        assert world.store.submit(lambda store: store.conversations()).result() == ()
        with qtbot.waitSignal(world.session.opened, timeout=WAIT_MS):
            world.session.restore(id)
        assert world.texts == ["x", "y"]


@pytest.mark.parametrize("name", ["talk.json", "talk.md"])
def test_an_exported_conversation_can_be_imported(qtbot: QtBot, tmp_path: Path, name: str) -> None:
    with chat_world(qtbot, None, READY) as world:
        world.open(world.add(talk("x", "y", title="T")))
        world.session.export(tmp_path / name)
        with qtbot.waitSignal(world.session.opened, timeout=WAIT_MS):
            world.session.import_(tmp_path / name)
        assert world.texts == ["x", "y"]
        assert world.session.conversation.title == "T"


def test_what_cannot_be_opened_is_said(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY) as world:
        with qtbot.waitSignal(world.session.told, timeout=WAIT_MS):
            world.session.open("gone")
        assert world.all("told") == ["The conversation gone is not among those kept. Make a new one."]


def test_the_last_used_conversation_is_opened(qtbot: QtBot) -> None:
    with chat_world(qtbot, None, READY) as world:
        world.add(talk("old", "a", now=1))
        world.add(replace(talk("new", "b", now=2)))
        with qtbot.waitSignal(world.session.opened, timeout=WAIT_MS):
            world.session.open_last()
        assert world.texts == ["new", "b"]
