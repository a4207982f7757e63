"""The man pages, made from the parser: offload(1), offload-COMMAND(1) for every command, and offload-app(1).

Usage: man_pages.py FOLDER      SOURCE_DATE_EPOCH is their date
"""

import gzip
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from parser_outline import Command, Option, outline


def pages(commands: Sequence[Command], version: str, date: str) -> dict[str, str]:
    """Return name to text of every page, the first of `commands` being the program."""
    whole, *others = commands
    made = {"offload.1": _page("offload", whole, others, version, date)}
    for command in others:
        made[f"offload-{command.name}.1"] = _page(f"offload {command.name}", command, (), version, date)
    (app,) = [command for command in others if command.name == "app"]
    # A menu starts it by a name without spaces; a page of its own keeps `offload-app --help` findable.
    made["offload-app.1"] = _page("offload-app", app, (), version, date)
    return made


def _page(name: str, command: Command, others: Sequence[Command], version: str, date: str) -> str:
    title = name.replace(" ", "-")
    lines = [
        f'.TH "{escaped(title.upper())}" "1" "{date}" "offload {escaped(version)}" "User Commands"',
        ".SH NAME",
        f"{escaped(title)} \\- {escaped(command.summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        _synopsis(name, command, has_commands=bool(others)),
        ".SH DESCRIPTION",
        escaped(command.description),
    ]
    if others:
        lines.append(".SH COMMANDS")
        for other in others:
            lines += [
                ".TP",
                f"\\fB{escaped(other.name)}\\fR",
                f"{escaped(other.summary)}; see \\fBoffload\\-{escaped(other.name)}\\fR(1)",
            ]
    for heading, options in (("ARGUMENTS", command.arguments), ("OPTIONS", command.options)):
        if options:
            lines += [f".SH {heading}", *(line for option in options for line in _entry(option))]
    if command.epilog:
        lines += [".SH NOTES", escaped(command.epilog)]
    if not others:
        lines += [".SH SEE ALSO", "\\fBoffload\\fR(1)"]
    return "\n".join(lines) + "\n"


def _synopsis(name: str, command: Command, *, has_commands: bool) -> str:
    words = [f"\\fB{escaped(name)}\\fR", "[\\fIOPTION\\fR]..."]
    words += (
        ["\\fICOMMAND\\fR"] if has_commands else [f"[\\fI{escaped(each.metavar)}\\fR]" for each in command.arguments]
    )
    return " ".join(words)


def _entry(option: Option) -> list[str]:
    flags = ", ".join(f"\\fB{escaped(flag)}\\fR" for flag in option.flags)
    value = f"\\fI{escaped(option.metavar)}\\fR" if option.metavar else ""
    return [".TP", " ".join(filter(None, [flags, value])), escaped(option.help) or "\\&"]


def escaped(text: str) -> str:
    """Return `text` as troff shows it: hyphens that can be copied, no line that is taken for a request."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe


def main(folder: Path) -> None:
    """Write all pages, compressed, into `folder`."""
    from offload.cli.main import build_parser

    when = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    folder.mkdir(parents=True, exist_ok=True)
    made = pages(outline(build_parser()), metadata.version("offload"), when.strftime("%Y-%m-%d"))
    for name, text in made.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    sys.stdout.write(f"{len(made)} man pages\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
