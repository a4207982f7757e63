"""The highlighting of code: which characters have which colour of the theme; pure."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from pygments.lexer import Lexer
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, String

from offload_app.theme import Theme

LONGEST_CHARACTERS = 60_000
"""More is shown in one colour: highlighting it would be felt."""

_KINDS = (
    (Comment, "comment"),
    (Keyword, "keyword"),
    (Operator.Word, "keyword"),
    (String, "string"),
    (Number, "number"),
    (Name.Function, "name"),
    (Name.Class, "name"),
    (Name.Decorator, "name"),
    (Name.Tag, "keyword"),
    (Name.Attribute, "name"),
    (Generic.Deleted, "error"),
    (Generic.Inserted, "string"),
    (Generic.Heading, "keyword"),
)


class Span(NamedTuple):
    """Characters of one colour, `#rrggbb`; positions in UTF-16 units, as Qt counts."""

    start: int
    length: int
    colour: str


def spans_of(code: str, lexer: Lexer | None, theme: Theme) -> Iterator[Span]:
    """Yield the coloured characters of `code`, found as they are asked for; none without a lexer, or of too much."""
    if lexer is None or len(code) > LONGEST_CHARACTERS:
        return
    colours = _colours(theme)
    counted, units = 0, 0
    for start, token, text in lexer.get_tokens_unprocessed(code):
        units += _units(code[counted:start]) if start >= counted else -_units(code[start:counted])
        counted = start
        kind = _kind_of(token)
        if kind:
            yield Span(units, _units(text), colours[kind])


@cache
def _kind_of(token: object) -> str:
    """Return the kind of a token; empty: it has the colour of text."""
    return next((name for family, name in _KINDS if token in family), "")


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def _colours(theme: Theme) -> dict[str, str]:
    return {
        "comment": theme.muted,
        "keyword": theme.accent,
        "string": theme.success,
        "number": theme.warning,
        "name": theme.curve if theme.is_dark else theme.memory.dense,
        "error": theme.error,
    }
