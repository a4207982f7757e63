"""Least recently used, or worth least: who leaves."""

from offload.experts.eviction import LeastRecentlyUsed


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


WORTH = [5.0, 1.0, 3.0, 1.0, 0.0]


def ranked(*experts: int) -> LeastRecentlyUsed:
    policy = policy_of(*experts)
    policy.ranked(0, WORTH)
    return policy


def test_once_ranked_the_resident_worth_least_leaves_first() -> None:
    assert ranked(0, 1, 2).victim(0, anyone) == 1


def test_of_equal_worth_the_least_recently_used_leaves_first() -> None:
    policy = policy_of(1, 3, 0)
    policy.used(0, [1])
    policy.ranked(0, WORTH)
    assert policy.victim(0, anyone) == 3


def test_the_resident_worth_least_is_passed_over_where_it_may_not_leave() -> None:
    assert ranked(0, 1, 2).victim(0, lambda expert: expert != 1) == 2


def test_what_is_used_or_admitted_after_the_ranking_leaves_last() -> None:
    policy = ranked(0, 1, 2)
    policy.used(0, [1])
    policy.admitted(0, 4)
    leaving = []
    while (victim := policy.victim(0, anyone)) is not None:
        policy.evicted(0, victim)
        leaving.append(victim)
    assert leaving == [2, 0, 1, 4]


def test_a_layer_without_residents_may_be_ranked() -> None:
    assert ranked().victim(0, anyone) is None
