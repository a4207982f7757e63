"""`offload chat`: what each line does to the conversation."""

import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import fakes.engine
from fakes.engine import FakeEngine
from offload.cli.main import main
from offload.config import Message, Role

Run = Callable[..., Any]


def contents(engine: FakeEngine) -> list[list[str]]:
    return [[message.content for message in conversation] for conversation in engine.conversations]


def test_every_line_is_a_turn_and_the_conversation_is_kept(offload: Run, opened: list[FakeEngine]) -> None:
    outcome = offload("chat", stdin=b"hello\nagain\n")
    assert (outcome.code, outcome.out) == (0, "You said: hello\nYou said: again\n")
    assert contents(opened[0]) == [["hello"], ["hello", "You said: hello", "again"]]


def test_lines_between_triple_quotes_are_one_message(offload: Run, opened: list[FakeEngine]) -> None:
    offload("chat", stdin=b'"""one\ntwo\n"""\n')
    assert contents(opened[0]) == [["one\ntwo"]]


def test_quotes_that_never_end_send_what_there_is(offload: Run, opened: list[FakeEngine]) -> None:
    offload("chat", stdin=b'"""one\ntwo')
    assert contents(opened[0]) == [["one\ntwo"]]


def test_regen_answers_the_same_message_again(offload: Run, opened: list[FakeEngine]) -> None:
    offload("chat", stdin=b"hello\n/regen\n")
    assert contents(opened[0]) == [["hello"], ["hello"]]


def test_regen_of_nothing_is_refused(offload: Run, opened: list[FakeEngine]) -> None:
    assert "nothing to answer" in offload("chat", stdin=b"/regen\n").err
    assert opened[0].conversations == []


def test_clear_forgets_the_messages_and_keeps_the_system_prompt(offload: Run, opened: list[FakeEngine]) -> None:
    offload("chat", "-sys", "be brief", stdin=b"hello\n/clear\nnew\n")
    assert contents(opened[0]) == [["be brief", "hello"], ["be brief", "new"]]


def test_system_sets_and_removes_the_system_prompt(offload: Run, opened: list[FakeEngine]) -> None:
    offload("chat", stdin=b"/system be kind\none\n/clear\n/system\ntwo\n")
    assert opened[0].conversations[0][0] == Message(Role.SYSTEM, "be kind")
    assert contents(opened[0])[1] == ["two"]


def test_stats_are_shown_on_standard_error(offload: Run) -> None:
    assert "tokens/s" in offload("chat", stdin=b"hello\n/stats\n").err


def test_help_lists_the_commands(offload: Run) -> None:
    assert "/regen" in offload("chat", stdin=b"/help\n").err


def test_exit_leaves_before_the_input_ends(offload: Run, opened: list[FakeEngine]) -> None:
    outcome = offload("chat", stdin=b"/exit\nhello\n")
    assert (outcome.code, opened[0].conversations, opened[0].closed) == (0, [], True)


def test_an_unknown_command_is_not_sent_to_the_model(offload: Run, opened: list[FakeEngine]) -> None:
    assert "no command /clera" in offload("chat", stdin=b"/clera\n").err
    assert opened[0].conversations == []


def test_a_path_is_a_message_and_no_command(offload: Run, opened: list[FakeEngine]) -> None:
    offload("chat", stdin=b"/usr/bin is what?\n")
    assert contents(opened[0]) == [["/usr/bin is what?"]]


def test_an_error_is_told_and_the_conversation_goes_on(offload: Run, opened: list[FakeEngine]) -> None:
    outcome = offload("chat", stdin=b"fail\nhello\n")
    assert outcome.code == 0
    assert "could not compute" in outcome.err
    assert outcome.out.endswith("You said: hello\n")


def test_empty_lines_are_no_turns(offload: Run, opened: list[FakeEngine]) -> None:
    offload("chat", stdin=b"\n  \nhello\n")
    assert contents(opened[0]) == [["hello"]]


class Keyboard(io.TextIOWrapper):
    """Standard input that a person types on."""

    def isatty(self) -> bool:
        return True


def test_an_interrupt_at_the_prompt_forgets_the_line_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, opened: list[FakeEngine], capsys: pytest.CaptureFixture[str]
) -> None:
    typed: Iterator[str | type[BaseException]] = iter(["hello", KeyboardInterrupt, "again", EOFError])

    def type_line(prompt: str) -> str:
        line = next(typed)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setitem(sys.modules, "offload.engine", fakes.engine)
    monkeypatch.setattr(sys, "stdin", Keyboard(io.BytesIO()))
    monkeypatch.setattr("builtins.input", type_line)
    assert main(["chat"]) == 0
    assert [conversation[-1] for conversation in contents(opened[0])] == ["hello", "again"]
    assert "Ctrl-D or /exit leaves" in capsys.readouterr().err
