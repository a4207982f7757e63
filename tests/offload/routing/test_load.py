"""Load of experts: even, uneven, and over the length of a sequence."""

import numpy as np
import pytest

from fakes.routing_traces import decode_step, tokens_of
from offload.routing.load import entropy, layer_loads
from offload.routing.route_trace import UNKNOWN


def test_an_even_load() -> None:
    (load,) = layer_loads(tokens_of([decode_step([0, 1]), decode_step([2, 3])], n_expert=4))
    assert load.shares == (0.25, 0.25, 0.25, 0.25)
    assert load.entropy == pytest.approx(1.0)
    assert (load.busiest, load.least_used, load.never_used) == (1.0, 1.0, 0)


def test_an_uneven_load() -> None:
    (load,) = layer_loads(tokens_of([decode_step([0, 1]), decode_step([0, 2])], n_expert=4))
    assert load.shares == (0.5, 0.25, 0.25, 0.0)
    assert load.entropy == pytest.approx(0.75)
    assert (load.busiest, load.least_used, load.never_used) == (2.0, 0.0, 1)


def test_always_the_same_experts_have_no_entropy_and_meet_by_chance() -> None:
    (load,) = layer_loads(tokens_of([decode_step([0, 1])] * 5))
    assert load.entropy == pytest.approx(1 / 3)
    assert load.reuse_by_chance == pytest.approx(1.0)


def test_reuse_by_chance_of_an_even_load_is_the_share_that_is_used() -> None:
    (load,) = layer_loads(tokens_of([decode_step([0, 1]), decode_step([2, 3])] * 4, n_expert=4))
    assert load.reuse_by_chance == pytest.approx(0.5)


def test_imbalance_is_told_for_each_third_of_a_sequence() -> None:
    even = [decode_step([0, 1]), decode_step([2, 3])]
    (load,) = layer_loads(tokens_of([*even, decode_step([0, 1]), decode_step([0, 1]), *even], n_expert=4))
    assert load.imbalance == pytest.approx((0.0, 1.0, 0.0))


def test_unknown_routes_are_no_load() -> None:
    (known, unknown) = layer_loads(tokens_of([decode_step([0, 1], [UNKNOWN] * 2)], n_expert=2))
    assert known.shares == (0.5, 0.5)
    assert unknown.shares == (0.0, 0.0)
    assert (unknown.entropy, unknown.busiest, unknown.reuse_by_chance, unknown.never_used) == (None, None, None, 2)


def test_one_expert_is_even() -> None:
    (load,) = layer_loads(tokens_of([decode_step([0])], n_expert=1))
    assert load.entropy == 1.0


def test_entropy_counts_in_bits() -> None:
    assert entropy(np.array([1, 0, 1, 2])) == pytest.approx(1.5)
    assert entropy(np.array([0])) == 0.0
