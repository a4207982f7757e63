"""The blocks of an answer: prose and fenced code, and how much of the prose is complete; pure."""

import re
from dataclasses import dataclass
from typing import TypeAlias

LONG_PROSE = 6000
"""Characters after which prose is cut at the next paragraph, so that rendering a block again stays cheap."""

_OPENING = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$")
_CONTINUES = re.compile(r"^(?:[ \t]|[-*+][ \t]|\d{1,9}[.)][ \t]|>|\|)")
"""The beginning of a line that may belong to the list, quotation or table before it."""


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown without fenced code."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """What stands between two fences; `language` as it was written."""

    text: str
    language: str = ""


Block: TypeAlias = Prose | Code


def blocks_of(text: str) -> tuple[Block, ...]:
    """Return the blocks of an answer, as far as it has come: a fence that is not closed yet is code to the end."""
    found: list[Block] = []
    prose: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        opening = _OPENING.match(line)
        if opening is None:
            if _may_cut(prose, line):
                _end_prose(prose, found)
            prose.append(line)
            continue
        _end_prose(prose, found)
        indent = len(line) - len(line.lstrip())
        code = []
        for inner in lines:
            if _closes(inner, opening["fence"]):
                break
            code.append(inner[indent:] if not inner[:indent].strip() else inner)
        found.append(Code("\n".join(code), (opening["info"].split() or [""])[0]))
    _end_prose(prose, found)
    return tuple(found)


def complete_length(prose: str) -> int:
    """Return how much of `prose` will not change its meaning any more: all before its last paragraph."""
    end = prose.rfind("\n\n")
    return end + 2 if end >= 0 else 0


def _may_cut(prose: list[str], line: str) -> bool:
    is_new = bool(prose) and not prose[-1].strip() and bool(line.strip()) and not _CONTINUES.match(line)
    return is_new and sum(map(len, prose)) > LONG_PROSE


def _end_prose(prose: list[str], found: list[Block]) -> None:
    text = "\n".join(prose).strip("\n")
    if text.strip():
        found.append(Prose(text))
    prose.clear()


def _closes(line: str, fence: str) -> bool:
    stripped = line.strip()
    return len(stripped) >= len(fence) and not stripped.strip(fence[0])
