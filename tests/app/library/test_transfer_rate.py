"""The rate of a transfer."""

import pytest

from offload_app.library.transfer_rate import LEAST_SECONDS, WINDOW_SECONDS, TransferRate


def test_the_first_burst_tells_nothing() -> None:
    rate = TransferRate()
    for seconds in (0.0, 0.1, LEAST_SECONDS - 0.1):
        rate.note(seconds, 1000)
        assert rate.bytes_per_second is None


def test_it_is_that_of_the_last_seconds() -> None:
    rate = TransferRate()
    for second in range(100):
        rate.note(float(second), second * 10 if second < 50 else 500 + (second - 50) * 1000)
    assert rate.bytes_per_second == pytest.approx(1000)


def test_a_stall_shows_within_the_window() -> None:
    rate = TransferRate()
    rate.note(0.0, 0)
    for tenth in range(1, round(10 * WINDOW_SECONDS) + 20):
        rate.note(tenth / 10, 5000)
    assert rate.bytes_per_second == 0.0


def test_what_begins_anew_is_measured_anew() -> None:
    rate = TransferRate()
    rate.note(0.0, 10_000)
    rate.note(5.0, 20_000)
    rate.note(6.0, 0)
    assert rate.bytes_per_second is None
    rate.note(8.0, 200)
    assert rate.bytes_per_second == pytest.approx(100)
