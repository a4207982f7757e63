"""The highlighting of code."""

import pytest

from offload_app.chat.highlight import LONGEST_CHARACTERS, spans_of
from offload_app.theme import DARK, LIGHT, Theme


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_words_have_the_colours_of_the_theme(theme: Theme) -> None:
    spans = spans_of("def f():  # why\n    return 'x'", "python", theme)
    by_start = {span.start: span for span in spans}
    assert by_start[0][1:] == (3, theme.accent)
    assert by_start[10][1:] == (5, theme.muted)
    assert any(span.colour == theme.success for span in spans)


def test_places_are_counted_as_qt_counts() -> None:
    spans = spans_of("s = '\U0001f600'  # c", "python", LIGHT)
    comment = next(span for span in spans if span.colour == LIGHT.muted)
    assert comment[:2] == (len("s = '\U0001f600'  ") + 1, 3)


@pytest.mark.parametrize("language", ["", "no such language", "../../etc"])
def test_an_unknown_language_is_plain(language: str) -> None:
    assert spans_of("x = 1", language, LIGHT) == ()


def test_very_long_code_is_plain() -> None:
    assert spans_of("x = 1\n" * LONGEST_CHARACTERS, "python", LIGHT) == ()
