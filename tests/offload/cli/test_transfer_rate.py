"""Bytes a second, and when it will be over."""

import pytest

from offload.cli.transfer_rate import TransferRate, shown_time


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    rate = TransferRate()
    for second in range(60):
        rate.note(float(second), second * (10 if second < 30 else 100))
    assert rate.bytes_per_second == pytest.approx(100)
    assert rate.seconds_left(59 * 100 + 500) == pytest.approx(5)


def test_before_half_a_second_nobody_can_tell() -> None:
    rate = TransferRate()
    assert rate.bytes_per_second is None
    rate.note(0.0, 0)
    rate.note(0.4, 10**9)
    assert (rate.bytes_per_second, rate.seconds_left(10**10)) == (None, None)


def test_a_download_that_begins_anew_is_measured_anew() -> None:
    rate = TransferRate()
    rate.note(0.0, 1000)
    rate.note(1.0, 2000)
    rate.note(2.0, 0)
    rate.note(3.0, 10)
    assert rate.bytes_per_second == 10


def test_a_stall_has_no_end_to_tell() -> None:
    rate = TransferRate()
    rate.note(0.0, 5)
    rate.note(1.0, 5)
    assert (rate.bytes_per_second, rate.seconds_left(10)) == (0, None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59, "59 s"), (59.9, "1 min"), (750, "12 min"), (3599, "1:00 h"), (12000, "3:20 h")],
)
def test_times_are_for_people(seconds: float, text: str) -> None:
    assert shown_time(seconds) == text
