"""The completions of bash, zsh and fish, made from the parser.

Usage: completions.py FOLDER        e.g. a bundle's share/, laid out as /usr/share is
"""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from parser_outline import Command, Option, flags_of, outline

PLACES = {
    "bash": "bash-completion/completions/offload",
    "zsh": "zsh/vendor-completions/_offload",
    "fish": "fish/vendor_completions.d/offload.fish",
}


def bash(commands: Sequence[Command]) -> str:
    """Return the script for bash: commands, then the options of the one typed, values where they are known."""
    whole, *others = commands
    cases = "\n".join(f"        {name}) words={shlex.quote(' '.join(flags))} ;;" for name, flags in _flags(others))
    values = "\n".join(f"        {flags}) words={shlex.quote(choices)} ;;" for flags, choices in _choices(others))
    first = " ".join([*(command.name for command in others), *flags_of(whole.options)])
    return f"""# bash completion of offload
_offload() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=
    COMPREPLY=()
    case $before in
{values}
    esac
    if [ -n "$words" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W {shlex.quote(first)} -- "$word")
        return
    fi
    case ${{COMP_WORDS[1]}} in
{cases}
    esac
    case $word in
        -*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
    esac
}}
complete -o default -o bashdefault -F _offload offload
"""


def zsh(commands: Sequence[Command]) -> str:
    """Return the function for zsh."""
    whole, *others = commands
    names = "\n".join(f"        {shlex.quote(f'{each.name}:{each.summary}')}" for each in others)
    cases = "\n".join(
        f"        {command.name}) _arguments -s {' '.join(_zsh_options(command))} '*:file:_files' ;;"
        for command in others
    )
    return f"""#compdef offload
_offload() {{
    local -a commands
    commands=(
{names}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        _arguments -s {" ".join(_zsh_options(whole))}
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
{cases}
    esac
}}
_offload "$@"
"""


def _zsh_options(command: Command) -> list[str]:
    return [shlex.quote(_zsh_option(flag, option)) for option in command.options for flag in option.flags]


def _zsh_option(flag: str, option: Option) -> str:
    words = option.help
    for letter in "\\[]:":
        words = words.replace(letter, f"\\{letter}")
    value = ""
    if option.metavar:
        action = f"({' '.join(option.choices)})" if option.choices else "_files" if option.takes_file else " "
        value = f":{option.metavar.replace(':', ' ')}:{action}"
    return f"{flag}[{words}]{value}"


def fish(commands: Sequence[Command]) -> str:
    """Return the script for fish."""
    whole, *others = commands
    lines = ["# fish completion of offload"]
    lines += [_fish_option("__fish_use_subcommand", option) for option in whole.options]
    for command in others:
        lines.append(
            f"complete -c offload -n __fish_use_subcommand -f -a {_fish(command.name)} -d {_fish(command.summary)}"
        )
        seen = f"__fish_seen_subcommand_from {command.name}"
        lines += [_fish_option(seen, option) for option in command.options]
    return "\n".join(lines) + "\n"


def _fish_option(condition: str, option: Option) -> str:
    words = ["complete -c offload", f"-n {_fish(condition)}"]
    for flag in option.flags:
        kind = "-l" if flag.startswith("--") else "-s" if len(flag) == 2 else "-o"
        words.append(f"{kind} {flag.lstrip('-')}")
    if option.choices:
        words.append(f"-x -a {_fish(' '.join(option.choices))}")
    elif option.metavar:
        words.append("-r" if option.takes_file else "-x")
    return " ".join([*words, f"-d {_fish(option.help)}"])


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _flags(commands: Sequence[Command]) -> list[tuple[str, list[str]]]:
    return [(command.name, flags_of(command.options)) for command in commands]


def _choices(commands: Sequence[Command]) -> list[tuple[str, str]]:
    """Return flags and choices; where two commands mean different things by a flag, the first one's."""
    known: dict[str, str] = {}
    for option in (option for command in commands for option in command.options if option.choices):
        for flag in option.flags:
            known.setdefault(flag, " ".join(option.choices))
    return sorted(known.items()) or [("--", "")]


def main(folder: Path) -> None:
    """Write all three."""
    from offload.cli.main import build_parser

    commands = outline(build_parser())
    for shell, script in (("bash", bash(commands)), ("zsh", zsh(commands)), ("fish", fish(commands))):
        file = folder / PLACES[shell]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
