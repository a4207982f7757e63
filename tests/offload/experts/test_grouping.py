"""Grouping: every sequence once, no group beyond the slots, and those that share experts together."""

from hypothesis import given
from hypothesis import strategies as st

from offload.experts.grouping import grouped

EXPERTS = st.sets(st.integers(0, 15), min_size=1, max_size=4)


@given(st.lists(EXPERTS, max_size=8), st.integers(4, 16), st.sets(st.integers(0, 15)))
def test_every_sequence_is_in_one_group_that_fits(wanted: list[set[int]], n_slots: int, resident: set[int]) -> None:
    groups = grouped(wanted, n_slots, resident)
    assert sorted(index for group in groups for index in group) == list(range(len(wanted)))
    assert all(len(set[int]().union(*(wanted[index] for index in group))) <= n_slots for group in groups)


def test_what_fits_is_one_group() -> None:
    (group,) = grouped([{1, 2}, {3}, {1, 4}], 4, set())
    assert sorted(group) == [0, 1, 2]


def test_sequences_that_share_experts_are_together() -> None:
    groups = grouped([{0, 1}, {4, 5}, {0, 2}, {4, 6}], 3, set())
    assert sorted(map(sorted, groups)) == [[0, 2], [1, 3]]


def test_it_begins_with_what_lacks_least() -> None:
    assert grouped([{0, 1}, {2, 3}, {4, 5}], 2, {4, 5, 2})[0] == [2]


def test_of_equals_the_one_that_can_share_least_comes_first() -> None:
    assert grouped([{0, 1}, {0, 2}, {5, 6}], 2, set())[0] == [2]


def test_the_next_group_begins_with_what_the_last_one_left() -> None:
    assert grouped([{0, 1}, {7, 8}, {1, 9}], 2, {0, 1}) == [[0], [2], [1]]


def test_a_sequence_that_needs_more_than_there_is_stands_alone() -> None:
    groups = grouped([{0, 1}, {2, 3, 4}], 2, set())
    assert sorted(groups) == [[0], [1]]
