"""What the demo model is taught to say about offload, against the command line as it is."""

import argparse
import re
import shlex

import pytest

from models.demo.corpus import commands, product
from offload.cli.chat import _HELP
from offload.cli.main import build_parser

CODE = re.compile(r"`([^`]+)`")
EVERYTHING_SAID = [*product.claims(), *(ask for topic in product.TOPICS for ask in topic.asks)]


def subparsers() -> dict[str, argparse.ArgumentParser]:
    action = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


@pytest.mark.parametrize("line", commands.COMMAND_LINES.values())
def test_a_command_line_of_the_table_is_understood_by_the_program(line: str) -> None:
    program, *argv = shlex.split(line)
    assert program == "offload"
    if argv[-1] in ("--help", "--version"):
        with pytest.raises(SystemExit) as ended:
            build_parser().parse_args(argv)
        assert ended.value.code == 0
    else:
        assert build_parser().parse_args(argv).run is not None


@pytest.mark.parametrize("option", commands.OPTIONS)
def test_an_option_of_the_table_is_one_of_a_command(option: str) -> None:
    assert any(option in parser._option_string_actions for parser in subparsers().values())


@pytest.mark.parametrize("command", commands.CHAT_COMMANDS)
def test_a_chat_command_of_the_table_is_one_of_the_chat(command: str) -> None:
    assert command in _HELP.split()


def test_claims_name_no_code_that_is_not_in_the_tables() -> None:
    known = {*commands.COMMAND_LINES.values(), *commands.OPTIONS, *commands.CHAT_COMMANDS, "auto"}
    assert {code for claim in product.claims() for code in CODE.findall(claim)} <= known


def test_claims_write_options_and_commands_as_code_only() -> None:
    plain = [CODE.sub("", claim) for claim in product.claims()]
    command = re.compile(rf"(?:^|\s)-{{1,2}}\w|\boffload (?:{'|'.join(subparsers())})\b")
    assert [text for text in plain if command.search(text)] == []


def test_questions_name_only_options_and_commands_that_exist() -> None:
    asks = [ask for topic in product.TOPICS for ask in topic.asks]
    options = {option for ask in asks for option in re.findall(r"(?<!\S)-{1,2}[a-z]+", ask)}
    assert options <= set(commands.OPTIONS)
    named = {command for ask in asks for command in re.findall(r"does offload (\w+) do", ask)}
    assert named <= set(subparsers())
    assert len(named) >= 5


def test_every_command_that_is_called_a_main_one_exists() -> None:
    start = "The main commands are "
    claim = next(claim for claim in product.claims() if claim.startswith(start))
    assert set(re.findall(r"\w+", claim.removeprefix(start))) - {"and"} <= set(subparsers())


def test_the_list_of_chat_commands_is_complete() -> None:
    claim = next(claim for claim in product.claims() if claim.startswith("The chat knows "))
    assert set(CODE.findall(claim)) == set(re.findall(r"^/\w+", _HELP, re.MULTILINE))


def test_without_a_memory_option_the_budget_is_auto() -> None:
    assert build_parser().parse_args(["chat"]).memory == "auto"


def test_no_slot_is_left_open() -> None:
    assert not [text for text in EVERYTHING_SAID if "{" in text or "}" in text]
