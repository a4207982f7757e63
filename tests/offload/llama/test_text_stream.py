"""Text shown as early as it is certain: whole characters, nothing of a stop string."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.llama.text_stream import TextStream


def test_text_without_stop_strings_is_shown_at_once() -> None:
    stream = TextStream()
    assert [stream.feed(b"one "), stream.feed(b"two")] == ["one ", "two"]
    assert stream.finish() == ""


def test_a_character_is_shown_when_its_last_byte_is_there() -> None:
    stream = TextStream()
    assert [stream.feed(bytes([byte])) for byte in "a€".encode()] == ["a", "", "", "€"]


def test_bytes_of_two_characters_in_one_token_are_cut_rightly() -> None:
    stream = TextStream()
    first, second = "éü".encode()[:3], "éü".encode()[3:]
    assert [stream.feed(first), stream.feed(second)] == ["é", "ü"]


def test_an_unfinished_character_shows_as_replaced_at_the_end() -> None:
    stream = TextStream()
    assert stream.feed(b"a\xe2\x82") == "a"
    assert stream.finish() == "�"


def test_invalid_bytes_are_replaced_and_the_text_goes_on() -> None:
    stream = TextStream()
    assert stream.feed(b"\xffok") == "�ok"


def test_a_stop_string_ends_the_text_before_it() -> None:
    stream = TextStream(["END"])
    assert stream.feed(b"text END more") == "text "
    assert stream.stopped
    assert stream.feed(b"ignored") == ""
    assert stream.finish() == ""


def test_a_stop_string_across_tokens_is_never_shown_in_part() -> None:
    stream = TextStream(["</s>"])
    assert [stream.feed(piece) for piece in (b"a<", b"/", b"s", b">b")] == ["a", "", "", ""]
    assert stream.stopped


def test_what_only_began_like_a_stop_string_is_shown_after_all() -> None:
    stream = TextStream(["</s>"])
    assert [stream.feed(piece) for piece in (b"a</", b"b")] == ["a", "</b"]


def test_what_is_still_held_back_is_shown_at_the_end() -> None:
    stream = TextStream(["</s>"])
    assert stream.feed(b"a</") == "a"
    assert stream.finish() == "</"
    assert not stream.stopped


def test_a_beginning_inside_a_beginning_is_found() -> None:
    stream = TextStream(["aab"])
    assert [stream.feed(b"a"), stream.feed(b"a"), stream.feed(b"a"), stream.feed(b"b")] == ["", "", "a", ""]
    assert stream.stopped


def test_of_two_stop_strings_the_one_complete_first_counts() -> None:
    stream = TextStream(["abc", "b"])
    assert stream.feed(b"abc") == "a"


def test_a_stop_string_may_have_characters_of_several_bytes() -> None:
    stream = TextStream(["⏹"])
    assert [stream.feed(bytes([byte])) for byte in "x⏹".encode()] == ["x", "", "", ""]
    assert stream.stopped


@pytest.mark.parametrize("stop", [(), ("b",), ("ab", "ba"), ("aab", "é"), ("ébé", "bb", "aé")])
@given(text=st.text(alphabet="abé", max_size=24), cuts=st.lists(st.integers(0, 40), max_size=8))
def test_where_tokens_are_cut_does_not_change_the_text(stop: tuple[str, ...], text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    whole, cut_up = TextStream(stop), TextStream(stop)
    expected = whole.feed(data) + whole.finish()
    shown = "".join(cut_up.feed(data[a:b]) for a, b in pairwise(edges)) + cut_up.finish()
    assert shown == expected
    assert cut_up.stopped == whole.stopped
    assert not any(word in expected for word in stop)
