"""Numbers in words: sizes, rates, shares, durations, in the person's language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.stats_events import GB, MB
from offload_app.gauges.readings.language import Language

ENGLISH = Language()


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 kB"),
        (48 * MB, "48 MB"),
        (5.25 * MB, "5.2 MB"),
        (1023.7 * 1024, "1.0 MB"),
        (9.97 * MB, "10 MB"),
        (5.2 * GB, "5.2 GB"),
        (12.34 * GB, "12.3 GB"),
        (412 * GB, "412 GB"),
        (2048 * 1024 * GB, "2,048 TB"),
    ],
)
def test_a_size_has_two_or_three_figures(n_bytes: float, text: str) -> None:
    assert ENGLISH.size(n_bytes) == text


def test_a_part_is_told_in_the_unit_of_the_whole() -> None:
    assert ENGLISH.size_of(5.2 * GB, 6 * GB) == "5.2 of 6.0 GB"
    assert ENGLISH.size_of(512 * MB, 6 * GB) == "0.5 of 6.0 GB"


def test_data_rates_are_sizes_a_second() -> None:
    assert ENGLISH.data_rate(412 * MB) == "412 MB/s"


@pytest.mark.parametrize(
    ("rate", "text"), [(0.042, "0.04"), (0.999, "1.0"), (12.34, "12.3"), (99.96, "100"), (1234, "1,234")]
)
def test_token_rates_have_about_three_figures(rate: float, text: str) -> None:
    assert ENGLISH.token_rate(rate) == f"{text} tokens/s"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (0.0001, "0.1 %"),
        (0.004, "0.4 %"),
        (0.873, "87 %"),
        (0.9971, "99.7 %"),
        (0.99999, "99.9 %"),
        (1, "100 %"),
    ],
)
def test_only_nothing_is_zero_and_only_all_is_hundred_percent(share: float, text: str) -> None:
    assert ENGLISH.percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.24, "240 ms"), (0.9996, "1.0 s"), (1.84, "1.8 s"), (59.97, "1 min 0 s"), (125, "2 min 5 s")],
)
def test_durations_are_told_in_the_unit_that_suits(seconds: float, text: str) -> None:
    assert ENGLISH.seconds(seconds) == text


def test_another_language_has_its_own_words_and_signs() -> None:
    words = {"{part} of {whole} {unit}": "{part} von {whole} {unit}"}
    german = Language(lambda context, text: words.get(text, text), decimal_point=",", group_separator=".")
    assert german.size_of(5.2 * GB, 6 * GB) == "5,2 von 6,0 GB"
    assert german.number(1234.5, 1) == "1.234,5"


@given(st.floats(min_value=0, max_value=2**62))
def test_sizes_never_show_a_thousand_of_a_unit_that_has_a_larger_one(n_bytes: float) -> None:
    number, unit = ENGLISH.size(n_bytes).split()
    assert float(number.replace(",", "")) < 1024 or unit == "TB"
