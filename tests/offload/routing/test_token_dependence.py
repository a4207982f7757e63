"""How much the token id explains: all, nothing, and no more than chance where observations are few."""

import numpy as np
import pytest

from fakes.routing_traces import decode_step, tokens_of
from offload.routing.route_trace import UNKNOWN
from offload.routing.token_dependence import explained_by_token_id

RANDOM = np.random.default_rng(11)
IDS = RANDOM.integers(0, 16, 600).tolist()


def test_experts_that_follow_from_the_token_are_explained() -> None:
    tokens = tokens_of([decode_step([token % 8], token=token) for token in IDS])
    assert explained_by_token_id(tokens) == [pytest.approx(1.0)]


def test_experts_that_ignore_the_token_are_not() -> None:
    experts = RANDOM.integers(0, 8, len(IDS)).tolist()
    steps = [decode_step([expert], token=token) for expert, token in zip(experts, IDS, strict=True)]
    assert explained_by_token_id(tokens_of(steps)) == [pytest.approx(0.0, abs=0.02)]


def test_half_explained_lies_between() -> None:
    coins = RANDOM.integers(0, 2, len(IDS)).tolist()
    steps = [decode_step([token % 4 + 4 * coin], token=token) for token, coin in zip(IDS, coins, strict=True)]
    assert explained_by_token_id(tokens_of(steps)) == [pytest.approx(2 / 3, abs=0.02)]


def test_few_repeats_are_not_taken_for_an_explanation() -> None:
    tokens = tokens_of([decode_step([token % 8], token=token) for token in range(200)])
    assert explained_by_token_id(tokens) == [None]


def test_it_comes_out_the_same_again() -> None:
    tokens = tokens_of([decode_step([token % 5], token=token) for token in IDS])
    assert explained_by_token_id(tokens) == explained_by_token_id(tokens)


def test_without_token_ids_or_routes_nothing_is_told() -> None:
    assert explained_by_token_id(tokens_of([decode_step([1]), decode_step([2])])) == [None]
    assert explained_by_token_id(tokens_of([decode_step([UNKNOWN], token=3)] * 2)) == [None]


def test_tokens_of_unknown_id_are_left_out() -> None:
    known = [decode_step([token % 8], token=token) for token in IDS]
    unknown = [decode_step([expert]) for expert in range(8)] * 20
    assert explained_by_token_id(tokens_of([*known, *unknown])) == explained_by_token_id(tokens_of(known))
