"""Man pages and completions say of every command and option what the parser knows."""

import shutil
import subprocess

import pytest
from completions import bash, fish, zsh
from man_pages import escaped, pages
from parser_outline import Command, flags_of, outline

from offload.cli.main import build_parser


@pytest.fixture(scope="module")
def commands() -> tuple[Command, ...]:
    return outline(build_parser())


def test_every_command_has_a_page_that_names_all_of_its_options(commands: tuple[Command, ...]) -> None:
    made = pages(commands, "1.2.3", "2026-01-02")
    for command in commands[1:]:
        page = made[f"offload-{command.name}.1"]
        assert '"2026-01-02" "offload 1.2.3"' in page
        assert not [flag for flag in flags_of(command.options) if f"\\fB{escaped(flag)}\\fR" not in page]
    assert {f"offload-{command.name}.1" for command in commands[1:]} | {"offload.1", "offload-app.1"} == made.keys()


def test_no_line_of_a_page_is_taken_for_a_request_it_is_not(commands: tuple[Command, ...]) -> None:
    known = (".TH ", ".SH ", ".TP", ".PP")
    lines = [line for page in pages(commands, "1", "2026-01-02").values() for line in page.splitlines()]
    assert [line for line in lines if line.startswith((".", "'")) and not line.startswith(known)] == []


def test_text_that_begins_like_a_request_is_escaped() -> None:
    assert escaped(".so a-b\\") == "\\&.so a\\-b\\e"


def test_the_values_that_an_option_allows_are_completed(commands: tuple[Command, ...]) -> None:
    (generate,) = [command for command in commands if command.name == "generate"]
    (miss,) = [option for option in generate.options if "--on-miss" in option.flags]
    assert f"--on-miss) words='{' '.join(miss.choices)}'" in bash(commands)
    assert f"({' '.join(miss.choices)})" in zsh(commands)
    assert f"-l on-miss -x -a '{' '.join(miss.choices)}'" in fish(commands)


@pytest.mark.parametrize("script", [bash, zsh, fish])
def test_every_command_and_long_option_is_completed(script: object, commands: tuple[Command, ...]) -> None:
    assert callable(script)
    text = script(commands)
    assert not [command.name for command in commands[1:] if command.name not in text]
    long = {flag for command in commands for flag in flags_of(command.options) if flag.startswith("--")}
    assert not [flag for flag in long if flag.removeprefix("--") not in text]


@pytest.mark.parametrize(
    ("words", "expected"), [("offload gene", ["generate"]), ("offload chat --json-schema-", ["--json-schema-file"])]
)
def test_bash_completes_commands_and_options(words: str, expected: list[str], commands: tuple[Command, ...]) -> None:
    shell = shutil.which("bash")
    assert shell is not None
    typed = words.split()
    ask = f"COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; _offload; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        [shell, "-c", f"{bash(commands)}\n{ask}"], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.split() == expected
