"""LRU by stack distance is what a plain simulation counts; Belady is the best of all ways to keep experts."""

from functools import cache
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from offload.experts.eviction import LeastRecentlyUsed
from offload.routing.reuse import belady_hits, reuse_curve, stack_distances
from offload.routing.route_trace import UNKNOWN

Routes = NDArray[np.int16]
Counted = NDArray[np.bool_]


@st.composite
def traces(draw: st.DrawFn, most_tokens: int, most_experts: int) -> tuple[Routes, Counted, int]:
    """Routes of one layer, which tokens count, and the number of experts."""
    n_expert = draw(st.integers(1, most_experts))
    k = draw(st.integers(1, min(3, n_expert)))
    experts = st.permutations(range(n_expert)).map(lambda order: order[:k])
    token = st.tuples(experts, st.integers(0, k)).map(lambda t: [*t[0][: k - t[1] // k], *[UNKNOWN] * (t[1] // k)])
    rows = draw(st.lists(token, min_size=1, max_size=most_tokens))
    counted = draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    return np.array([rows], np.int16), np.array(counted), n_expert


def simulated_lru_hits(routes: Routes, counted: Counted, n_slots: int) -> int:
    """Count hits of a cache that is told of its accesses one token at a time, with the pager's own policy."""
    policy = LeastRecentlyUsed()
    resident: set[int] = set()
    hits = 0
    for row, counts in zip(routes[0].tolist(), counted, strict=True):
        experts = [expert for expert in row if expert != UNKNOWN]
        hits += len(resident.intersection(experts)) if counts else 0
        for expert in experts:
            if expert not in resident and len(resident) == n_slots:
                victim = policy.victim(0, frozenset(range(UNKNOWN, 99)).difference(experts).__contains__)
                assert victim is not None
                policy.evicted(0, victim)
                resident.remove(victim)
            if expert not in resident:
                resident.add(expert)
                policy.admitted(0, expert)
        policy.used(0, reversed(experts))
    return hits


def most_hits(routes: Routes, counted: Counted, n_slots: int) -> int:
    """Try every way to choose what stays."""
    rows = [frozenset(row) - {UNKNOWN} for row in routes[0].tolist()]

    @cache
    def from_token(token: int, resident: frozenset[int]) -> int:
        if token == len(rows):
            return 0
        experts = rows[token]
        hits = len(experts & resident) if counted[token] else 0
        others = resident - experts
        n_kept = min(len(others), n_slots - len(experts))
        return hits + max(from_token(token + 1, experts | frozenset(kept)) for kept in combinations(others, n_kept))

    return from_token(0, frozenset())


@settings(max_examples=200)
@given(trace=traces(most_tokens=30, most_experts=9))
def test_lru_hits_of_every_number_of_slots_are_those_of_a_simulation(trace: tuple[Routes, Counted, int]) -> None:
    routes, counted, n_expert = trace
    hits = reuse_curve(stack_distances(routes, n_expert), counted, n_expert).hits()[0]
    for n_slots in range(routes.shape[2], n_expert + 1):
        assert hits[n_slots] == simulated_lru_hits(routes, counted, n_slots)


@settings(max_examples=200)
@given(trace=traces(most_tokens=9, most_experts=5))
def test_no_way_to_keep_experts_has_more_hits_than_belady(trace: tuple[Routes, Counted, int]) -> None:
    routes, counted, n_expert = trace
    slots = tuple(range(routes.shape[2], n_expert + 1))
    best = [most_hits(routes, counted, n_slots) for n_slots in slots]
    assert belady_hits(routes, counted, n_expert, slots)[:, 0].tolist() == best
