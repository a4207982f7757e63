"""Sizes typed and shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.bytesize import format_bytes, parse_bytes, parse_memory
from offload.errors import UsageError

GIB = 1024**3


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [
        ("0", 0),
        ("1048576", 1048576),
        ("512B", 512),
        ("2k", 2048),
        ("512M", 512 * 1024**2),
        ("6G", 6 * GIB),
        ("6gb", 6 * GIB),
        ("1.5GiB", 3 * GIB // 2),
        (" 4.5 GiB ", 9 * GIB // 2),
        ("2T", 2048 * GIB),
        ("0.3K", 307),
    ],
)
def test_a_size_is_read_with_binary_units(text: str, n_bytes: int) -> None:
    assert parse_bytes(text) == n_bytes


@pytest.mark.parametrize(
    "text", ["", " ", "G", "6X", "-1G", "+1G", "1e3", "6 G B", "6iB", "1.G", ".5G", "60%", "٦G", "6G\n7", "inf"]
)
def test_text_that_is_no_size_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size") as caught:
        parse_bytes(text)
    assert "512M" in caught.value.hint


def test_a_size_beyond_64_bits_is_refused() -> None:
    assert parse_bytes(str(2**63 - 1)) == 2**63 - 1
    with pytest.raises(UsageError, match="more than any machine has"):
        parse_bytes(str(2**63))


def test_an_endless_number_is_refused_and_not_repeated_in_full() -> None:
    with pytest.raises(UsageError) as caught:
        parse_bytes("9" * 100_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "n_bytes"), [("60%", 600), ("12.5 %", 125), ("100%", 1000), ("0.04%", 0), ("2K", 2048)]
)
def test_memory_is_a_share_of_the_total_or_a_size(text: str, n_bytes: int) -> None:
    assert parse_memory(text, total_bytes=1000) == n_bytes


@pytest.mark.parametrize("text", ["0%", "100.1%", "-5%", "%", "60%%", "60%G"])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="share"):
        parse_memory(text, total_bytes=1000)


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (9 * GIB // 2, "4.5 GiB"),
        (5000 * 1024 * GIB, "5000.0 TiB"),
        (-3 * GIB, "-3.0 GiB"),
    ],
)
def test_bytes_are_shown_in_the_largest_fitting_unit(n_bytes: int, text: str) -> None:
    assert format_bytes(n_bytes) == text


@given(n_bytes=st.integers(0, 2**60))
def test_what_is_shown_reads_back_within_the_rounding(n_bytes: int) -> None:
    # One decimal of a number from 1.0 up: at most 1/20 of the unit, so at most 5 % (and the byte rounded down).
    assert abs(parse_bytes(format_bytes(n_bytes)) - n_bytes) <= n_bytes * 0.05 + 1


@given(number=st.integers(1, 1023), unit=st.sampled_from("KMGT"))
def test_whole_units_read_back_exactly(number: int, unit: str) -> None:
    n_bytes = parse_bytes(f"{number}{unit}")
    assert parse_bytes(format_bytes(n_bytes)) == n_bytes


@given(text=st.text(alphabet="0123456789.KMGTiB% -e", max_size=12))
def test_any_text_is_a_size_or_a_usage_error(text: str) -> None:
    try:
        n_bytes = parse_memory(text, total_bytes=10**9)
    except UsageError:
        return
    assert 0 <= n_bytes < 2**63


@given(smaller=st.integers(0, 2**60), larger=st.integers(0, 2**60))
def test_the_larger_size_never_reads_back_smaller(smaller: int, larger: int) -> None:
    smaller, larger = sorted((smaller, larger))
    assert parse_bytes(format_bytes(smaller)) <= parse_bytes(format_bytes(larger))
