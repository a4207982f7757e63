"""The line buffer: the same lines however the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from offload_app.line_buffer import LineBuffer


def lines_of(buffer: LineBuffer, chunks: list[bytes]) -> list[bytes]:
    found = []
    for chunk in chunks:
        buffer.feed(chunk)
        while (line := buffer.next_line()) is not None:
            found.append(line)
    return found


@given(st.lists(st.binary(max_size=9).map(lambda b: b.replace(b"x", b"\n")), max_size=8))
def test_lines_do_not_depend_on_how_the_stream_was_cut(chunks: list[bytes]) -> None:
    buffer = LineBuffer(1000)
    *complete, rest = b"".join(chunks).split(b"\n")
    assert lines_of(buffer, chunks) == complete
    assert buffer.unfinished == rest


@given(st.lists(st.sampled_from([b"a", b"aaa", b"\n", b"b\nccccc"]), max_size=12))
def test_of_a_line_beyond_the_limit_only_its_beginning_is_held(chunks: list[bytes]) -> None:
    *complete, rest = b"".join(chunks).split(b"\n")
    buffer = LineBuffer(3)
    assert lines_of(buffer, chunks) == [line[:4] for line in complete]
    assert buffer.unfinished == rest[:4]


def test_the_line_after_one_that_is_too_long_is_whole() -> None:
    assert lines_of(LineBuffer(3), [b"toolong", b"er\nok\n"]) == [b"tool", b"ok"]


def test_without_bytes_there_is_no_line() -> None:
    assert LineBuffer(3).next_line() is None
