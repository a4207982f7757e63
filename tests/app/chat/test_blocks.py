"""The blocks of an answer."""

import pytest

from offload_app.chat.blocks import LONG_PROSE, Code, Prose, blocks_of, complete_length


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", ()),
        ("\n \n", ()),
        ("one\n\ntwo", (Prose("one\n\ntwo"),)),
        ("a\n```py\nx = 1\n```\nb", (Prose("a"), Code("x = 1", "py"), Prose("b"))),
        ("```\nstill open", (Code("still open"),)),
        ("~~~~ c\n~~~\n~~~~", (Code("~~~", "c"),)),
        ("```a`b``` is inline", (Prose("```a`b``` is inline"),)),
        ("- x\n  ```sh\n  ls\n    -l\n  ```", (Prose("- x"), Code("ls\n  -l", "sh"))),
        ("```python title=x\n```", (Code("", "python"),)),
    ],
)
def test_prose_and_code_are_told_apart(text: str, blocks: tuple[Prose | Code, ...]) -> None:
    assert blocks_of(text) == blocks


def test_long_prose_is_cut_between_paragraphs() -> None:
    paragraph = "word " * 300
    found = blocks_of("\n\n".join([paragraph] * 20))
    assert len(found) > 1
    assert all(len(block.text) < LONG_PROSE + 2 * len(paragraph) for block in found)
    assert "\n\n".join(block.text for block in found).split() == (paragraph * 20).split()


def test_a_long_list_stays_in_one_piece() -> None:
    assert len(blocks_of("\n\n".join(f"{n}. {'word ' * 40}" for n in range(1, 100)))) == 1


@pytest.mark.parametrize(("prose", "length"), [("", 0), ("one", 0), ("one\n\n", 5), ("one\n\ntwo\n\nth", 10)])
def test_only_the_last_paragraph_is_not_complete(prose: str, length: int) -> None:
    assert complete_length(prose) == length
