"""The highlighting of code: which characters have which colour of the theme; pure."""

from collections.abc import Iterator
from typing import NamedTuple

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, String
from pygments.util import ClassNotFound

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


def spans_of(code: str, language: str, theme: Theme) -> tuple[Span, ...]:
    """Return the coloured characters of `code`; none where the language is not known or there is too much."""
    if not language or len(code) > LONGEST_CHARACTERS:
        return ()
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return ()
    return tuple(_spans(lexer.get_tokens_unprocessed(code), code, _colours(theme)))


def _spans(tokens: Iterator[tuple[int, object, str]], code: str, colours: dict[str, str]) -> Iterator[Span]:
    is_plain = code.isascii()
    for start, token, text in tokens:
        kind = next((name for family, name in _KINDS if token in family), None)
        if kind is not None:
            before = start if is_plain else _units(code[:start])
            yield Span(before, len(text) if is_plain else _units(text), colours[kind])


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def _colours(theme: Theme) -> dict[str, str]:
    return {
        "comment": theme.muted,
        "keyword": theme.accent,
        "string": theme.success,
        "number": theme.warning,
        "name": theme.curve if theme.is_dark else theme.memory.dense,
        "error": theme.error,
    }
