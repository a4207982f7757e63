"""`ChosenSteps`: those steps of several traces that begin with a token of a choice, as one trace."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from offload.routing.route_trace import RouteStep, RouteTrace, TraceHeader


class ChosenSteps:
    """A trace that is read from others as it is iterated; sequences are numbered as by `join_traces`."""

    def __init__(self, traces: Sequence[RouteTrace], members: NDArray[np.int64], *, only_inputs: bool = False) -> None:
        """Choose the tokens at the places `members` of all traces, one trace after the other; ends of steps come along.

        With `only_inputs` steps without router inputs are left out.
        """
        self._traces = tuple(traces)
        self._members = frozenset(members.tolist())
        self._only_inputs = only_inputs
        self._header = max((trace.header for trace in traces), key=lambda header: header.n_embd)

    @property
    def header(self) -> TraceHeader:
        """That of the first trace with router inputs, or of the first."""
        return self._header

    def steps(self) -> Iterator[RouteStep]:
        """Yield the steps in the order of the traces."""
        place = first_sequence = 0
        for trace in self._traces:
            next_sequence = first_sequence
            for step in trace.steps():
                next_sequence = max(next_sequence, first_sequence + step.sequence + 1)
                if place in self._members and (step.inputs is not None or not self._only_inputs):
                    yield replace(step, sequence=first_sequence + step.sequence)
                place += len(step.tokens)
            first_sequence = next_sequence
