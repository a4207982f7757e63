"""Which turns of a long conversation are shown."""

from hypothesis import given
from hypothesis import strategies as st

from offload_app.chat.turn_window import MOST_SHOWN, at_end, at_start


@given(count=st.integers(0, 500), steps=st.lists(st.booleans(), max_size=60))
def test_a_window_is_never_too_large_and_never_outside(count: int, steps: list[bool]) -> None:
    window = at_end(count)
    for goes_earlier in steps:
        window = window.earlier() if goes_earlier else window.later()
        assert 0 <= window.first <= window.last <= count
        assert window.last - window.first <= MOST_SHOWN
        assert bool(window.last - window.first) == bool(count)


@given(count=st.integers(0, 500))
def test_steps_reach_both_ends(count: int) -> None:
    window = at_end(count)
    while not window.is_at_start:
        window = window.earlier()
    assert window.first == 0
    while not window.is_at_end:
        window = window.later()
    assert window.last == count


def test_a_window_at_the_start_begins_with_the_first() -> None:
    assert at_start(100).is_at_start
    assert not at_start(100).is_at_end
