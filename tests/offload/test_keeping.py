"""Experts keep their slots by what followed tokens that were routed alike."""

from collections.abc import Sequence

import numpy as np
import pytest

from offload.experts.eviction import EvictionPolicy
from offload.keeping import PROMPT_TOKENS, Keeping

LAYERS = (3, 4)
N_EXPERT, K = 8, 2


def routes(*experts: Sequence[int]) -> np.ndarray:
    return np.array(experts, np.int32)


def fill(policy: EvictionPolicy, layer: int, *experts: int) -> None:
    for expert in experts:
        policy.admitted(layer, expert)


def order_of_leaving(policy: EvictionPolicy, layer: int, n_experts: int) -> list[int]:
    """Have so many experts evicted; return them in that order."""
    left = []
    for _ in range(n_experts):
        victim = policy.victim(layer, lambda expert: True)
        assert victim is not None
        policy.evicted(layer, victim)
        left.append(victim)
    return left


@pytest.fixture
def keeping() -> Keeping:
    return Keeping(dict.fromkeys(LAYERS, 4), N_EXPERT, K)


def decode(keeping: Keeping, *experts: int) -> None:
    for layer in LAYERS:
        keeping.routed(layer, routes(experts), None, None)


def test_what_is_used_often_stays(keeping: Keeping) -> None:
    fill(keeping.policy, 3, 0, 1, 2, 3)
    for _ in range(5):
        decode(keeping, 0, 1)
    decode(keeping, 2, 3)
    assert set(order_of_leaving(keeping.policy, 3, 2)) != {0, 1}


def test_a_prompt_is_learnt_when_the_next_token_is_decoded(keeping: Keeping) -> None:
    fill(keeping.policy, 3, 0, 1, 2, 3)
    for layer in LAYERS:
        keeping.routed(layer, routes(*[(0, 1)] * 10), None, None)
    decode(keeping, 2, 3)
    scores = keeping._scores_of(3)
    assert min(scores[0], scores[1]) > max(scores[4:])


def test_of_a_long_prompt_only_the_end_is_learnt(keeping: Keeping) -> None:
    for layer in LAYERS:
        keeping.routed(layer, routes(*[(6, 7)] * 5, *[(0, 1)] * PROMPT_TOKENS), None, None)
    decode(keeping, 2, 3)
    assert keeping._scores_of(3)[6] == keeping._scores_of(3)[5]


def test_the_last_layer_of_a_prompt_may_have_computed_its_last_token_alone(keeping: Keeping) -> None:
    keeping.routed(3, routes(*[(0, 1)] * 10), None, None)
    keeping.routed(4, routes((6, 7)), None, None)
    decode(keeping, 2, 3)
    assert np.isfinite(keeping._scores_of(4)).all()


def test_while_paused_the_last_use_decides(keeping: Keeping) -> None:
    for _ in range(5):
        decode(keeping, 0, 1)
    keeping.is_paused = True
    fill(keeping.policy, 3, 0, 1, 2, 3)
    assert order_of_leaving(keeping.policy, 3, 4) == [0, 1, 2, 3]
