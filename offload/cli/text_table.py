"""Text of foreign origin in lines and tables that a person reads: nothing in it moves the cursor or turns the order."""

from collections.abc import Iterable, Sequence

_LONGEST = 300


def one_line(text: str) -> str:
    """Return `text` on one line: what is not printed (controls, direction marks, halves of letters) as its code."""
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return "".join(letter if letter.isprintable() else _code(letter) for letter in shown)


def table_lines(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows of equally many cells as lines with columns, the last one ragged."""
    safe = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths[:-1], strict=False)), row[-1]]).rstrip()
        for row in safe
    ]


def _code(letter: str) -> str:
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")
