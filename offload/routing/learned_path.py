"""Forecasts the whole path of a token before it is computed, by a trained network; corrects it as routes arrive."""

from collections import deque
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from offload.routing.path_network import DECAY, N_WINDOW, PathNetwork, prior_logits, word_index
from offload.routing.route_trace import UNKNOWN
from offload.routing.token_prior import TokenPrior

_EVERY_LAYER = -1


class LearnedPath:
    """Scores of a layer add up to `n_expert_used`. The weights do not change; the token prior beneath them may learn.

    Every product is an `einsum`, which stays on the calling thread: BLAS would wake threads for products that are done
    within microseconds, on the cores that compute the model. For one thread.
    """

    name = "learned path"
    gives_probabilities = True

    def __init__(self, network: PathNetwork, prior: TokenPrior) -> None:
        """Forecast by `network` on top of `prior`, which is only asked here: whoever drives it has it learn."""
        self._network = network
        self._prior = prior
        self._n_layer, self._n_expert = network.output_bias.shape
        self._n_embd = network.embedding.shape[1]
        self._tokens = deque(repeat(UNKNOWN, N_WINDOW), maxlen=N_WINDOW)
        self._rows: list[NDArray[np.int64]] = []
        self._earlier = np.zeros_like(network.bias)
        self._input = network.bias.copy()
        self._hidden = np.maximum(self._input, 0.0)
        self._prior_logits: NDArray[np.float32] | None = None
        self._scores = np.zeros((self._n_layer, self._n_expert), np.float32)
        self._done = np.zeros(self._n_layer, np.bool_)

    @property
    def n_bytes(self) -> int:
        """Memory it takes, without that of the token prior."""
        return self._network.n_bytes + 2 * self._scores.nbytes

    def begin(self, token: int) -> None:
        """Forecast the path of `token` from its id, the ids before it and their paths."""
        network = self._network
        self._tokens.appendleft(token)
        words = word_index(network.vocabulary, np.array(self._tokens, np.int32))
        embedded = network.embedding[words].reshape(-1)
        self._input = network.bias + np.einsum("i,ih->h", embedded, network.window)
        self._earlier *= np.float32(DECAY)
        if self._rows:
            rows = np.concatenate(self._rows)
            self._rows = []
            self._earlier += network.earlier[rows].sum(axis=0, dtype=np.float32) * np.float32(1.0 - DECAY)
            self._input += network.last[rows].sum(axis=0, dtype=np.float32)
        self._input += self._earlier
        self._prior_logits = None
        self._changed()

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None = None,
        inputs: NDArray[np.float32] | None = None,
    ) -> None:
        """Correct the forecasts of all other layers."""
        rows = experts[experts != UNKNOWN].astype(np.int64) + layer * self._n_expert
        self._rows.append(rows)
        self._input += self._network.current[rows].sum(axis=0, dtype=np.float32)
        self._changed()

    def scores(self, layer: int) -> NDArray[np.float32] | None:
        """Return the scores [n_expert]."""
        if not self._done[layer]:
            network = self._network
            logits = np.einsum("eh,h->e", network.output[layer], self._hidden)
            logits += network.output_bias[layer]
            logits += self._of_prior()[layer]
            np.exp(logits - logits.max(), out=logits)
            logits *= self._prior.n_expert_used / logits.sum()
            self._scores[layer] = logits
            self._done[layer] = True
        scores: NDArray[np.float32] = self._scores[layer]
        return scores

    def forget(self) -> None:
        """Forget the tokens so far."""
        self._tokens.extend(repeat(UNKNOWN, N_WINDOW))
        self._rows = []
        self._earlier[:] = 0.0

    def _changed(self) -> None:
        self._hidden = np.maximum(self._input, 0.0)
        self._done[:] = False

    def _of_prior(self) -> NDArray[np.float32]:
        if self._prior_logits is None:
            paths = self._prior.paths(np.array([self._tokens[1]], np.int32), np.array([self._tokens[0]], np.int32))
            self._prior_logits = prior_logits(paths[0]) * self._network.prior_weight[:, None]
        return self._prior_logits
