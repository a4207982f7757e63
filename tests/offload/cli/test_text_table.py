"""Foreign text in what a person reads."""

import pytest

from offload.cli.text_table import one_line, table_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name", "plain name"),
        ("schön 模型 שלום", "schön 模型 שלום"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("evil\u202egguf.exe", "evil\\u202egguf.exe"),
        ("\u2066\u200b", "\\u2066\\u200b"),
        ("half \udcff", "half \\udcff"),
        ("\x9b2J", "\\x9b2J"),
    ],
)
def test_nothing_moves_the_cursor_or_turns_the_order(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_a_long_text_is_cut() -> None:
    assert one_line("a" * 10**6) == "a" * 300 + "…"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table_lines([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]


def test_a_table_of_nothing_has_no_lines() -> None:
    assert table_lines([]) == []
