"""Reuse distances and hit rates of small traces, worked out by hand."""

import numpy as np
import pytest

from offload.routing.reuse import NO_ACCESS, belady_hits, reuse_curve, stack_distances
from offload.routing.route_trace import UNKNOWN

ROUTES = np.array([[[0, 1], [2, 3], [1, 0], [3, 4]]], np.int16)
ALL = np.ones(4, np.bool_)


def test_distance_is_the_number_of_experts_used_more_recently() -> None:
    assert stack_distances(ROUTES, 5).tolist() == [[[5, 5], [5, 5], [3, 2], [3, 5]]]


def test_of_one_token_the_most_important_expert_is_the_most_recent() -> None:
    routes = np.array([[[4, 2], [2, 4]]], np.int16)
    assert stack_distances(routes, 5)[0, 1].tolist() == [1, 0]


def test_unknown_routes_are_no_access() -> None:
    routes = np.array([[[0, 1], [UNKNOWN, UNKNOWN], [0, UNKNOWN], [1, 2]]], np.int16)
    distances = stack_distances(routes, 3)
    assert distances.tolist() == [[[3, 3], [NO_ACCESS] * 2, [0, NO_ACCESS], [1, 3]]]
    assert reuse_curve(distances, ALL, 3).accesses.tolist() == [5]


def test_layers_have_caches_of_their_own() -> None:
    both = np.concatenate([ROUTES, ROUTES[:, ::-1]])
    assert np.array_equal(stack_distances(both, 5)[0], stack_distances(ROUTES, 5)[0])
    assert np.array_equal(stack_distances(both, 5)[1], stack_distances(ROUTES[:, ::-1], 5)[0])


def test_a_cache_hits_what_lies_within_its_slots() -> None:
    curve = reuse_curve(stack_distances(ROUTES, 5), ALL, 5)
    assert curve.hits().tolist() == [[0, 0, 0, 1, 3, 3]]
    assert curve.hit_rates().tolist() == [[0, 0, 0, 1 / 8, 3 / 8, 3 / 8]]


def test_only_counted_tokens_count() -> None:
    counted = np.array([True, False, False, True])
    curve = reuse_curve(stack_distances(ROUTES, 5), counted, 5)
    assert curve.counts.tolist() == [[0, 0, 0, 1, 0, 3]]


def test_nothing_counted_has_no_hit_rate() -> None:
    curve = reuse_curve(stack_distances(ROUTES, 5), ~ALL, 5)
    assert np.isnan(curve.hit_rates()).all()


def test_belady_keeps_what_is_used_next() -> None:
    # With 3 slots least recently used loses 0 before it comes back; who knows the future gives up 2.
    routes = np.array([[[0], [1], [2], [3], [0], [1]]], np.int16)
    counted = np.ones(6, np.bool_)
    assert reuse_curve(stack_distances(routes, 4), counted, 4).hits()[0, 3] == 0
    assert belady_hits(routes, counted, 4, (3,)).tolist() == [[2]]


def test_belady_gives_no_slot_to_a_use_that_does_not_count() -> None:
    # One slot beside the current expert's: 0 comes back first, but only 1 counts then.
    routes = np.array([[[0], [1], [2], [0], [1]]], np.int16)
    counted = np.array([True, True, True, False, True])
    assert belady_hits(routes, counted, 3, (2,)).tolist() == [[1]]


def test_belady_does_not_count_unknown_routes() -> None:
    routes = np.array([[[0, 1], [UNKNOWN, UNKNOWN], [0, UNKNOWN]]], np.int16)
    assert belady_hits(routes, np.ones(3, np.bool_), 3, (2, 3)).tolist() == [[1], [1]]


def test_fewer_slots_than_a_token_needs_are_refused() -> None:
    with pytest.raises(ValueError, match="1 slots do not hold the 2 experts"):
        belady_hits(ROUTES, ALL, 5, (1,))
