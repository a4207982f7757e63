"""Made-up text whose routing is known to depend on token ids, on the token before, or on a layer before."""

import numpy as np

from fakes.routing_traces import ListTrace, make_header
from offload.routing.route_trace import Phase, RouteStep

N_WORDS = 12


def routed_text(*, n_sequences: int = 12, n_tokens: int = 40, seed: int = 0, with_ids: bool = True) -> ListTrace:
    """Return a trace of 4 layers, 2 of 8 experts, without gate weights.

    Layer 0 is routed by the token id; layer 1 by the token before; layer 2 by a coin that no forecast can know;
    layer 3 by the same coin.
    """
    header = make_header(4, 8, 2, has_weights=False)
    random = np.random.default_rng(seed)
    steps = []
    for sequence in range(n_sequences):
        before = 0
        for place in range(n_tokens):
            token, coin = int(random.integers(N_WORDS)), int(random.integers(2))
            first = [token % 8, before % 8, 4 * coin, 4 * coin + 1]
            # The second expert stands next to the first.
            routes = np.array([[[expert, expert ^ 1]] for expert in first], np.int16)
            phase = Phase.PREFILL if place < 3 else Phase.DECODE
            ids = np.array([token if with_ids else -1], np.int32)
            steps.append(RouteStep(sequence, phase, ids, routes))
            before = token
    return ListTrace(header, tuple(steps))
