"""The outline of the command line: commands and options as `offload --help` knows them, as plain values."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One option, or, where it has no `flags`, one argument."""

    flags: tuple[str, ...]
    metavar: str
    """What its value is called; empty: it takes none."""
    help: str
    choices: tuple[str, ...] = ()

    @property
    def takes_file(self) -> bool:
        """Whether its value names a file or a folder."""
        return not self.choices and any(word in self.metavar.lower() for word in ("file", "folder", "path", "model"))


@dataclass(frozen=True, slots=True)
class Command:
    """One command; the program itself has an empty name."""

    name: str
    summary: str
    description: str
    options: tuple[Option, ...]
    arguments: tuple[Option, ...]
    epilog: str = ""


def outline(parser: argparse.ArgumentParser) -> tuple[Command, ...]:
    """Return the program and its commands, as `parser` has them."""
    (commands,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    summaries = {action.dest: action.help or "" for action in commands._choices_actions}
    whole = _command("", parser.description or "", parser)
    return (whole, *(_command(name, summaries.get(name, ""), child) for name, child in commands.choices.items()))


def _command(name: str, summary: str, parser: argparse.ArgumentParser) -> Command:
    shown = [action for action in parser._actions if action.help is not argparse.SUPPRESS]
    plain = [action for action in shown if not isinstance(action, argparse._SubParsersAction)]
    return Command(
        name,
        summary,
        _text(parser.description or summary, parser),
        tuple(_option(action, parser) for action in plain if action.option_strings),
        tuple(_option(action, parser) for action in plain if not action.option_strings),
        _text(parser.epilog or "", parser),
    )


def _option(action: argparse.Action, parser: argparse.ArgumentParser) -> Option:
    takes_value = action.nargs != 0
    choices = tuple(str(choice) for choice in action.choices or ())
    metavar = _metavar(action, choices) if takes_value else ""
    values = {**vars(action), "prog": parser.prog}
    return Option(tuple(action.option_strings), metavar, _one_line((action.help or "") % values), choices)


def _metavar(action: argparse.Action, choices: Sequence[str]) -> str:
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    return action.metavar or "|".join(choices) or action.dest.upper()


def _text(text: str, parser: argparse.ArgumentParser) -> str:
    return _one_line(text % {"prog": parser.prog}) if "%(" in text else _one_line(text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def flags_of(options: Iterable[Option]) -> list[str]:
    """Return all flags, in the order of the help."""
    return [flag for option in options for flag in option.flags]
