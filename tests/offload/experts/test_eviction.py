"""Least recently used: who leaves."""

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
