"""Which experts a device computes, and which the CPU."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from offload.experts.row_policy import HALF_LIFE, MembersStay, RowPolicy

LAYER = 3
ROUTES = st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=3, unique=True), max_size=60)


def policy(capacity: int = 3, threshold: float = 0.0) -> RowPolicy:
    return RowPolicy({LAYER: 8}, {LAYER: capacity}, threshold)


def test_a_device_fills_before_anything_is_left_to_the_cpu() -> None:
    rows = policy(threshold=0.5)
    assert rows.routed(LAYER, [0, 1]) == []
    assert rows.routed(LAYER, [2, 3]) == [3]
    assert rows.members(LAYER) == {0, 1, 2}


def test_an_expert_that_is_routed_to_more_often_takes_the_place_of_the_least() -> None:
    rows = policy(capacity=1)
    rows.routed(LAYER, [0])
    assert [rows.routed(LAYER, [5]) for _ in range(2)] == [[], []]  # as often, but later
    assert rows.members(LAYER) == {5}


def test_the_dearer_copying_is_the_more_uses_it_takes() -> None:
    rows = policy(capacity=1, threshold=2.0)
    rows.routed(LAYER, [0])
    answers = [rows.routed(LAYER, [5]) for _ in range(6)]
    assert answers.index([]) == 3
    assert rows.members(LAYER) == {5}


def test_with_no_limit_nothing_is_copied_once_the_device_is_full() -> None:
    rows = policy(capacity=1, threshold=np.inf)
    rows.routed(LAYER, [0])
    assert all(rows.routed(LAYER, [5]) == [5] for _ in range(50))


def test_experts_of_the_same_token_do_not_take_each_others_place() -> None:
    rows = policy(capacity=2)
    rows.routed(LAYER, [0, 1])
    assert rows.routed(LAYER, [0, 1, 2]) == [2]


def test_what_was_used_long_ago_counts_less() -> None:
    rows = policy(capacity=2, threshold=1.0)
    for _ in range(4):
        rows.routed(LAYER, [0])
    for _ in range(3 * HALF_LIFE):
        rows.routed(LAYER, [1])
    rows.routed(LAYER, [2])
    assert rows.routed(LAYER, [2]) == []
    assert rows.members(LAYER) == {1, 2}


def test_after_a_batch_the_device_has_what_it_used_most() -> None:
    rows = policy()
    rows.routed(LAYER, [0, 1, 2])
    rows.routed_batch(LAYER, np.array([[4, 5], [4, 6], [4, 5], [6, 7]], np.int32))
    assert rows.members(LAYER) == {4, 5, 6}


@given(ROUTES, st.integers(3, 8), st.floats(0, 5))
def test_the_same_routes_give_the_same_rows(routes: list[list[int]], capacity: int, threshold: float) -> None:
    one, other = policy(capacity, threshold), policy(capacity, threshold)
    for experts in routes:
        on_cpu = one.routed(LAYER, experts)
        assert other.routed(LAYER, experts) == on_cpu
        assert set(experts) - set(on_cpu) <= one.members(LAYER)
        assert len(one.members(LAYER)) <= capacity


def test_experts_that_are_no_members_are_evicted_first() -> None:
    eviction = MembersStay(lambda layer: frozenset({0, 2}))
    for expert in (0, 1, 2):
        eviction.admitted(LAYER, expert)
    assert eviction.victim(LAYER, lambda expert: True) == 1
    assert eviction.victim(LAYER, lambda expert: expert != 1) == 0
