"""The highlighting of code."""

import pytest
from pygments.lexer import Lexer

from offload_app.chat.highlight import LONGEST_CHARACTERS, spans_of
from offload_app.chat.lexers import lexer_of
from offload_app.theme import DARK, LIGHT, Theme


def lexer(language: str) -> Lexer | None:
    return lexer_of(language).result(30)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_words_have_the_colours_of_the_theme(theme: Theme) -> None:
    spans = list(spans_of("def f():  # why\n    return 'x'", lexer("python"), theme))
    by_start = {span.start: span for span in spans}
    assert by_start[0][1:] == (3, theme.accent)
    assert by_start[10][1:] == (5, theme.muted)
    assert any(span.colour == theme.success for span in spans)


def test_places_are_counted_as_qt_counts() -> None:
    spans = spans_of("s = '\U0001f600'  # c\nt = 'é\U0001f600'  # d", lexer("python"), LIGHT)
    comments = [span[:2] for span in spans if span.colour == LIGHT.muted]
    assert comments == [(len("s = '\U0001f600'  ") + 1, 3), (len("s = '\U0001f600'  # c\nt = 'é\U0001f600'  ") + 2, 3)]


@pytest.mark.parametrize("language", ["", "no such language", "../../etc"])
def test_an_unknown_language_is_plain(language: str) -> None:
    assert lexer(language) is None
    assert list(spans_of("x = 1", None, LIGHT)) == []


def test_very_long_code_is_plain() -> None:
    assert list(spans_of("x = 1\n" * LONGEST_CHARACTERS, lexer("python"), LIGHT)) == []


def test_a_lexer_is_made_once() -> None:
    assert lexer_of("python") is lexer_of("python")
