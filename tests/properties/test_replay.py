"""Replay of all layers at once counts what a cache counts that is asked for one victim at a time, as the pager does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.routing_traces import make_header
from offload.experts.eviction import LeastRecentlyUsed
from offload.routing.lru_guard import LruGuard
from offload.routing.replay import LRU, SCORERS, guarded_hits, replay
from offload.routing.reuse import reuse_curve, stack_distances
from offload.routing.route_trace import UNKNOWN
from offload.routing.token_routes import TokenRoutes

N_LAYER = 3


@st.composite
def traces(draw: st.DrawFn) -> TokenRoutes:
    """Traces whose tokens are drawn from a few paths, so that they repeat."""
    n_expert = draw(st.integers(2, 9))
    k = draw(st.integers(1, min(3, n_expert)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    paths = random.random((draw(st.integers(1, 12)), N_LAYER, n_expert)).argsort(axis=2)[..., :k].astype(np.int16)
    n_tokens = draw(st.integers(1, 40))
    routes = paths[random.integers(0, len(paths), n_tokens)].transpose(1, 0, 2).copy()
    n_prompt = draw(st.integers(0, n_tokens))
    if draw(st.booleans()):
        routes[-1, :n_prompt] = UNKNOWN
    return TokenRoutes(
        header=make_header(N_LAYER, n_expert, k),
        routes=routes,
        token_ids=np.full(n_tokens, -1, np.int32),
        is_decode=np.arange(n_tokens) >= n_prompt,
        sequences=np.zeros(n_tokens, np.int64),
        previous=np.arange(n_tokens, dtype=np.int64) - 1,
        positions=np.arange(n_tokens) / n_tokens,
    )


def hits_one_by_one(tokens: TokenRoutes, slots: int, policy: str) -> list[int]:
    """Count hits of each layer in caches that ask a policy for victims as `ExpertPager.acquire` does.

    The layer is ranked before every victim: the pager ranks it after a miss, which is all it has time for.
    """
    header = tokens.header
    guard = LruGuard(SCORERS[policy](header), header.n_expert, [slots] * N_LAYER)
    eviction = LeastRecentlyUsed()
    residents: list[set[int]] = [set() for _ in range(N_LAYER)]
    hits = [0] * N_LAYER
    for token in range(tokens.n_tokens):
        counted = bool(tokens.is_decode[token]) or not tokens.is_decode.any()
        for layer, resident in enumerate(residents):
            routes = tokens.routes[layer, token]
            experts = [int(expert) for expert in routes if expert != UNKNOWN]
            guard.routed(slice(layer, layer + 1), routes[None], None, judged=counted)
            present = [expert for expert in experts if expert in resident]
            hits[layer] += len(present) if counted else 0
            eviction.used(layer, reversed(present))
            eviction.ranked(layer, guard.scores(slice(layer, layer + 1))[0].tolist())
            for expert in experts:
                if expert in resident:
                    continue
                if len(resident) == slots:
                    victim = eviction.victim(layer, frozenset(range(header.n_expert)).difference(experts).__contains__)
                    assert victim is not None
                    eviction.evicted(layer, victim)
                    resident.remove(victim)
                resident.add(expert)
                eviction.admitted(layer, expert)
    return hits


@settings(max_examples=60)
@given(tokens=traces(), data=st.data())
@pytest.mark.parametrize("policy", SCORERS)
def test_victims_one_by_one_make_the_same_hits(policy: str, tokens: TokenRoutes, data: st.DataObject) -> None:
    slots = data.draw(st.integers(tokens.header.n_expert_used, tokens.header.n_expert))
    counted = tokens.is_decode if tokens.is_decode.any() else np.ones(tokens.n_tokens, np.bool_)
    at_once = guarded_hits(tokens, counted, slots, SCORERS[policy])
    assert at_once.tolist() == hits_one_by_one(tokens, slots, policy)


@settings(max_examples=60)
@given(tokens=traces())
def test_no_policy_beats_belady_and_lru_is_that_of_the_stack_distances(tokens: TokenRoutes) -> None:
    header = tokens.header
    sizes = tuple(range(header.n_expert_used, header.n_expert + 1))
    counted = tokens.is_decode if tokens.is_decode.any() else np.ones(tokens.n_tokens, np.bool_)
    lru = reuse_curve(stack_distances(tokens.routes, header.n_expert), counted, header.n_expert).hits().sum(axis=0)
    figures = replay(tokens, sizes, tuple(SCORERS))
    best = {item.slots: item.hits for item in figures if item.policy == "belady"}
    assert all(item.hits <= best[item.slots] for item in figures)
    assert all(item.hits == lru[item.slots] for item in figures if item.policy == LRU)
