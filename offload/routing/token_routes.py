"""`TokenRoutes`: all tokens of a trace in the order they were computed, in arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offload.routing.route_trace import Phase, RouteTrace, TraceHeader


@dataclass(frozen=True, slots=True)
class TokenRoutes:
    """The tokens of a trace; those of a batch one after the other, as if each had been computed alone."""

    header: TraceHeader
    routes: NDArray[np.int16]
    """Experts [n_layer, n_tokens, n_expert_used], or `UNKNOWN`."""
    token_ids: NDArray[np.int32]
    """[n_tokens]; -1 where they are not known."""
    is_decode: NDArray[np.bool_]
    """[n_tokens]: decoded, not read in a prompt."""
    sequences: NDArray[np.int64]
    """[n_tokens]: which conversation."""
    previous: NDArray[np.int64]
    """[n_tokens]: where the previous token of the same sequence is; -1 for the first."""
    positions: NDArray[np.float64]
    """[n_tokens]: how far into its sequence, 0 to below 1."""

    @property
    def n_tokens(self) -> int:
        """Tokens of all sequences."""
        return len(self.token_ids)


def gather_routes(trace: RouteTrace) -> TokenRoutes:
    """Read all steps of `trace`; takes twice the memory of `TokenRoutes.routes` while it does.

    Raises:
        TraceFileError: of reading it.
    """
    header = trace.header
    routes = [np.empty((len(header.layers), 0, header.n_expert_used), np.int16)]
    token_ids = [np.empty(0, np.int32)]
    sequences: list[int] = []
    sizes: list[int] = []
    decoded: list[bool] = []
    for step in trace.steps():
        # Copied: a step's arrays are part of larger ones, with gate weights, which would stay.
        routes.append(step.routes.copy())
        token_ids.append(step.tokens.copy())
        sequences.append(step.sequence)
        sizes.append(len(step.tokens))
        decoded.append(step.phase is Phase.DECODE)
    of_token = np.repeat(np.array(sequences, np.int64), sizes)
    previous, positions = _places(of_token)
    return TokenRoutes(
        header=header,
        routes=np.concatenate(routes, axis=1),
        token_ids=np.concatenate(token_ids),
        is_decode=np.repeat(np.array(decoded, np.bool_), sizes),
        sequences=of_token,
        previous=previous,
        positions=positions,
    )


def _places(sequences: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each token the token before it in its sequence, and how far into its sequence it stands."""
    n_tokens = len(sequences)
    previous = np.full(n_tokens, -1, np.int64)
    positions = np.zeros(n_tokens)
    order = np.argsort(sequences, kind="stable")
    starts = np.flatnonzero(np.diff(sequences[order], prepend=-1))
    for start, end in zip(starts, [*starts[1:], n_tokens], strict=False):
        members = order[start:end]
        previous[members[1:]] = members[:-1]
        positions[members] = np.arange(end - start) / (end - start)
    return previous, positions
