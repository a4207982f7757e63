"""Some steps of several traces, as one trace."""

from dataclasses import replace

import numpy as np

from fakes.routing_traces import ListTrace, make_header, random_step
from offload.routing.chosen_steps import ChosenSteps
from offload.routing.forecaster_training import join_traces
from offload.routing.route_trace import RouteStep


def made_up(*sizes: int, n_embd: int = 0, n_sequences: int = 2) -> ListTrace:
    """Return a trace whose steps have so many tokens, in turn of one sequence and the next."""
    header = make_header(n_embd=n_embd)
    random = np.random.default_rng(sum(sizes))
    steps = [random_step(header, random, size, sequence=at % n_sequences) for at, size in enumerate(sizes)]
    return ListTrace(header, tuple(steps))


def chosen(traces: list[ListTrace], *members: int, only_inputs: bool = False) -> list[RouteStep]:
    return list(ChosenSteps(traces, np.array(members, np.int64), only_inputs=only_inputs).steps())


def test_steps_come_whole_where_their_first_token_is_chosen() -> None:
    traces = [made_up(3, 1, 2), made_up(2, 2)]
    assert [len(step.tokens) for step in chosen(traces, 0, 5, 6)] == [3, 2]
    assert (chosen(traces, 6)[0].routes == traces[1].listed[0].routes).all()


def test_all_of_them_are_the_tokens_of_the_joined_traces() -> None:
    traces = [made_up(3, 1, 2), made_up(2, 2, 1, n_sequences=3)]
    joined = join_traces(traces)
    again = join_traces([ListTrace(traces[0].header, tuple(chosen(traces, *range(joined.n_tokens))))])
    assert np.array_equal(again.routes, joined.routes)
    assert np.array_equal(again.sequences, joined.sequences)
    assert np.array_equal(again.previous, joined.previous)


def test_steps_without_router_inputs_can_be_left_out() -> None:
    traces = [made_up(3, 1), made_up(2, 2, n_embd=4)]
    assert [len(step.tokens) for step in chosen(traces, *range(8), only_inputs=True)] == [2, 2]
    assert ChosenSteps(traces, np.arange(8)).header == replace(make_header(), n_embd=4)


def test_they_can_be_read_again() -> None:
    part = ChosenSteps([made_up(3, 1, 2)], np.array([3]))
    assert len(list(part.steps())) == len(list(part.steps())) == 1
