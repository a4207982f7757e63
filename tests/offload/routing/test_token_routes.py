"""The tokens of a trace in arrays, each with the one before it in its sequence."""

import numpy as np

from fakes.routing_traces import ListTrace, decode_step, make_header, random_step, tokens_of
from offload.routing.route_trace import Phase
from offload.routing.token_routes import gather_routes


def test_tokens_stand_in_the_order_they_were_computed() -> None:
    header = make_header()
    random = np.random.default_rng(1)
    steps = (random_step(header, random, 3, phase=Phase.PREFILL), random_step(header, random))
    tokens = gather_routes(ListTrace(header, steps))
    assert tokens.n_tokens == 4
    assert np.array_equal(tokens.routes, np.concatenate([step.routes for step in steps], axis=1))
    assert np.array_equal(tokens.token_ids, np.concatenate([step.tokens for step in steps]))
    assert tokens.is_decode.tolist() == [False, False, False, True]


def test_the_previous_token_is_of_the_same_sequence() -> None:
    tokens = tokens_of([decode_step([0, 1], sequence=sequence) for sequence in (5, 2, 5, 2, 2)])
    assert tokens.previous.tolist() == [-1, -1, 0, 1, 3]


def test_positions_run_from_0_to_1_in_each_sequence() -> None:
    tokens = tokens_of([decode_step([0, 1], sequence=sequence) for sequence in (0, 1, 0, 1, 0, 0)])
    assert tokens.positions.tolist() == [0, 0, 0.25, 0.5, 0.5, 0.75]


def test_a_trace_without_steps_has_no_tokens() -> None:
    tokens = gather_routes(ListTrace(make_header(), ()))
    assert tokens.n_tokens == 0
    assert tokens.routes.shape == (2, 0, 2)
