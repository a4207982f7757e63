"""Least recently used and lowest score: who leaves."""

import numpy as np

from offload.experts.eviction import LeastRecentlyUsed, LowestScore


def policy_of(*experts: int) -> LeastRecentlyUsed:
    policy = LeastRecentlyUsed()
    for expert in experts:
        policy.admitted(0, expert)
    return policy


def anyone(expert: int) -> bool:
    return True


def test_the_expert_admitted_first_leaves_first() -> None:
    assert policy_of(3, 1, 2).victim(0, anyone) == 3


def test_use_saves_an_expert() -> None:
    policy = policy_of(3, 1, 2)
    policy.used(0, [3])
    assert policy.victim(0, anyone) == 1


def test_of_experts_used_together_the_least_important_leaves_first() -> None:
    policy = policy_of(1, 2, 3)
    policy.used(0, [3, 2, 1])
    assert policy.victim(0, anyone) == 3


def test_an_expert_that_may_not_leave_is_passed_over() -> None:
    assert policy_of(3, 1, 2).victim(0, lambda expert: expert != 3) == 1


def test_nobody_leaves_where_nobody_may() -> None:
    assert policy_of(3, 1).victim(0, lambda expert: False) is None


def test_an_unknown_layer_has_no_victim() -> None:
    assert policy_of(3).victim(7, anyone) is None


def test_an_evicted_expert_is_forgotten() -> None:
    policy = policy_of(3, 1)
    policy.evicted(0, 3)
    assert policy.victim(0, anyone) == 1


def test_layers_do_not_disturb_each_other() -> None:
    policy = policy_of(3)
    policy.admitted(1, 5)
    policy.used(1, [5])
    assert (policy.victim(0, anyone), policy.victim(1, anyone)) == (3, 5)


SCORES = np.array([5.0, 1.0, 3.0, 1.0, 0.0])


def scored(*experts: int, scores: np.ndarray = SCORES) -> LowestScore:
    policy = LowestScore(lambda layer: scores)
    for expert in experts:
        policy.admitted(0, expert)
    return policy


def test_the_resident_of_the_lowest_score_leaves_first() -> None:
    assert scored(0, 1, 2).victim(0, anyone) == 1


def test_of_equal_scores_the_least_recently_used_leaves_first() -> None:
    policy = scored(1, 3, 0)
    policy.used(0, [1])
    assert policy.victim(0, anyone) == 3


def test_the_lowest_score_may_not_leave_where_it_is_not_evictable() -> None:
    assert scored(0, 1, 2).victim(0, lambda expert: expert != 1) == 2


def test_scores_are_asked_for_once_for_all_victims_of_a_token() -> None:
    asked: list[int] = []

    def scores(layer: int) -> np.ndarray:
        asked.append(layer)
        return SCORES

    policy = LowestScore(scores)
    for expert in (0, 1, 2):
        policy.admitted(7, expert)
    for victim in (1, 2):
        assert policy.victim(7, anyone) == victim
        policy.evicted(7, victim)
    assert asked == [7]
    policy.used(7, [0])
    policy.victim(7, anyone)
    assert asked == [7, 7]


def test_an_expert_admitted_after_the_scores_leaves_last() -> None:
    policy = scored(0)
    assert policy.victim(0, anyone) == 0
    policy.admitted(0, 4)
    assert policy.victim(0, anyone) == 0
    assert policy.victim(0, lambda expert: expert != 0) == 4


def test_scores_of_nobody_name_nobody() -> None:
    assert scored().victim(0, anyone) is None
