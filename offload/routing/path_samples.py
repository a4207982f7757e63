"""`PathSamples`: tokens of a trace as the network of the learned path is given them, many at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offload.routing.path_network import DECAY, N_WINDOW, prior_logits, word_index
from offload.routing.route_trace import UNKNOWN
from offload.routing.token_prior import TokenPrior
from offload.routing.token_routes import TokenRoutes

_N_EARLIER = 8
"""Tokens whose paths are added up; those before them would count for less than a twentieth."""


@dataclass(frozen=True, slots=True)
class PathBatch:
    """Some tokens: what is known before they are computed, and how they were routed."""

    words: NDArray[np.int64]
    """[n, N_WINDOW]: rows of the embedding."""
    last: NDArray[np.float32]
    """[n, n_layer * n_expert]: 1 for the experts of the previous token."""
    earlier: NDArray[np.float32]
    """[n, n_layer * n_expert]: the paths of earlier tokens, weighted by age."""
    prior: NDArray[np.float32]
    """[n, n_layer, n_expert]: the token prior as logits."""
    routed: NDArray[np.float32]
    """[n, n_layer, n_expert]: 1 for the experts routed to."""


class PathSamples:
    """Makes batches of the tokens of a trace. For one thread."""

    def __init__(self, tokens: TokenRoutes, prior: TokenPrior, vocabulary: NDArray[np.int32]) -> None:
        self.vocabulary = vocabulary
        self._tokens = tokens
        self._prior = prior
        self._words = word_index(vocabulary, tokens.token_ids)
        self._by_token = np.ascontiguousarray(tokens.routes.transpose(1, 0, 2))
        self._n_layer, self._n_expert = len(tokens.routes), tokens.header.n_expert
        self._n_routed = self._n_layer * tokens.header.n_expert_used

    def batch(self, members: NDArray[np.int64], *, learnt: bool) -> PathBatch:
        """Return the tokens at `members`; `learnt`: the prior has counted them, and is asked as if it had not."""
        before = [members]
        for _ in range(_N_EARLIER):
            # Places before the first token of a sequence stay -1.
            before.append(np.where(before[-1] >= 0, self._tokens.previous[before[-1]], -1))
        window = np.stack(before[:N_WINDOW], axis=1)
        last = self._multi_hot([(before[1], 1.0)])
        earlier = self._multi_hot([(place, (1 - DECAY) * DECAY**age) for age, place in enumerate(before[1:])])
        ids = self._tokens.token_ids
        routes = self._by_token[members]
        prior = self._prior.paths(
            np.where(before[1] >= 0, ids[before[1]], np.int32(UNKNOWN)),
            ids[members],
            without=routes if learnt else None,
        )
        return PathBatch(
            words=np.where(window >= 0, self._words[window], 0),
            last=last,
            earlier=earlier,
            prior=prior_logits(prior),
            routed=self._multi_hot([(members, 1.0)]).reshape(prior.shape),
        )

    def _multi_hot(self, parts: list[tuple[NDArray[np.int64], float]]) -> NDArray[np.float32]:
        """Return the weighted sum of the paths at places [n], each given with its weight; at -1 there is none."""
        n_cell = self._n_layer * self._n_expert
        total = np.zeros((len(parts[0][0]), n_cell + 1), np.float32)
        first = (np.arange(self._n_layer) * self._n_expert)[:, None]
        for places, weight in parts:
            rows = np.flatnonzero(places >= 0)
            routes = self._by_token[places[rows]]
            # The last cell takes what is unknown.
            cells = np.where(routes != UNKNOWN, first + routes, n_cell).reshape(len(rows), self._n_routed)
            total[rows[:, None], cells] += np.float32(weight)
        return total[:, :n_cell]
