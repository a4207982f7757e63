"""The last seconds: differences between two moments of one model."""

from hypothesis import given
from hypothesis import strategies as st

from fakes.stats_events import dense, paged
from offload_app.gauges.readings.history import WINDOW_SECONDS, Change, DecodeChange, History


def history(*moments: tuple[float, dict[str, float]]) -> History:
    """Return the history of paged statistics with these values at these seconds."""
    seen = History()
    for at_seconds, values in moments:
        seen = seen.extended(at_seconds, paged(**values).stats)  # type: ignore[arg-type]
    return seen


def test_one_moment_has_no_change() -> None:
    assert history((1.0, {"hits": 5})).change() is None


def test_a_change_is_the_difference_of_two_moments() -> None:
    seen = history(
        (1.0, {"hits": 5, "misses": 1, "bytes_read": 100, "stall_seconds": 0.5}),
        (3.0, {"hits": 25, "misses": 6, "bytes_read": 700, "stall_seconds": 1.5}),
    )
    assert seen.change() == Change(seconds=2.0, n_hits=20, n_misses=5, n_bytes_read=600, stall_seconds=1.0)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    seen = history((0.0, {"hits": 0}), (4.0, {"hits": 10}), (WINDOW_SECONDS + 1, {"hits": 30}))
    change = seen.change()
    assert change is not None
    assert change.n_hits == 20


def test_counters_that_fall_begin_anew() -> None:
    seen = history((1.0, {"hits": 500}), (2.0, {"hits": 3}))
    assert seen.change() is None
    assert len(seen.samples) == 1


def test_a_model_of_another_shape_begins_anew() -> None:
    assert history((1.0, {"n_generated": 5})).extended(2.0, dense().stats).change() is None


def test_a_clock_that_stands_still_leaves_no_span_of_no_time() -> None:
    assert history((1.0, {"hits": 1}), (1.0, {"hits": 2})).change() is None


def test_decoding_is_told_of_the_present_answer_only() -> None:
    seen = history(
        (1.0, {"n_generated": 900, "decode_seconds": 90.0}),
        (2.0, {}),
        (3.0, {"n_generated": 2, "decode_seconds": 0.1}),
        (4.0, {"n_generated": 12, "decode_seconds": 1.1}),
    )
    assert seen.decode_change() == DecodeChange(n_tokens=10, seconds=1.0)


def test_nothing_is_decoded_while_no_token_comes() -> None:
    assert history((1.0, {"n_generated": 5, "decode_seconds": 1.0})).decode_change() is None


def test_an_idle_model_is_not_active() -> None:
    seen = history((1.0, {"hits": 1}), (2.0, {"hits": 2}))
    assert seen.is_active
    assert not seen.extended(3.0, paged(hits=2).stats).is_active


COUNTS = st.integers(0, 1000)


@given(st.lists(st.tuples(st.floats(0.01, 3.0), COUNTS, COUNTS, COUNTS), max_size=20))
def test_no_change_is_ever_negative(steps: list[tuple[float, int, int, int]]) -> None:
    seen, at_seconds = History(), 0.0
    for pause, hits, misses, bytes_read in steps:
        at_seconds += pause
        seen = seen.extended(at_seconds, paged(hits=hits, misses=misses, bytes_read=bytes_read).stats)
        change = seen.change()
        if change is not None:
            assert 0 < change.seconds <= WINDOW_SECONDS + 1e-6
            assert min(change.n_hits, change.n_misses, change.n_bytes_read, change.stall_seconds) >= 0
