"""Forecasts a token's path from its id and that of the token before it, by what was counted of them.

Source: most of routing depends on the token id alone: Xue et al., "OpenMoE", 2024, section 4.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from offload.routing.route_counts import RouteCounts
from offload.routing.route_trace import UNKNOWN

_STRENGTH = 1.0
"""Observations that the less specific forecast counts for."""
_LONGEST_MEMORY = 4096.0
"""Tokens after which the overall frequencies are halved."""


class TokenPrior:
    """Knows a path before anything is computed; learns with every token.

    Three forecasts, each the base of the next: how often an expert of the layer is used at all; for this token id; for
    this token id after that one. The scores of a layer add up to `n_expert_used`. For one thread.
    """

    name = "token prior"
    gives_probabilities = True

    def __init__(self, n_layer: int, n_expert: int, n_expert_used: int, *, max_bytes: int = 32 << 20) -> None:
        """Know nothing yet; take at most `max_bytes`, but for small constant things."""
        self.n_layer, self.n_expert, self.n_expert_used = n_layer, n_expert, n_expert_used
        self._of_token = RouteCounts(n_layer, n_expert, max_bytes=max_bytes // 2)
        self._of_pair = RouteCounts(n_layer, n_expert, max_bytes=max_bytes // 2)
        self._counts = np.zeros((n_layer, n_expert), np.float32)
        self._seen = np.zeros(n_layer, np.float32)
        self._previous = self._token = UNKNOWN
        self._routes = np.full((n_layer, n_expert_used), UNKNOWN, np.int32)
        self._path: NDArray[np.float32] | None = None

    @property
    def n_bytes(self) -> int:
        """Memory it takes at most."""
        return self._of_token.n_bytes + self._of_pair.n_bytes + 3 * self._counts.nbytes

    def begin(self, token: int) -> None:
        """Learn the path of the last token, which is complete, and forecast that of `token`."""
        self._learn()
        self._previous, self._token = self._token, token
        self._path = None

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None = None,
        inputs: NDArray[np.float32] | None = None,
    ) -> None:
        """Note how the token was routed."""
        self._routes[layer, : len(experts)] = experts

    def scores(self, layer: int) -> NDArray[np.float32] | None:
        """Return the scores [n_expert]; None until the layer was routed once."""
        if not self._seen[layer]:
            return None
        if self._path is None:
            self._path = self.paths(np.array([self._previous], np.int32), np.array([self._token], np.int32))[0]
        path: NDArray[np.float32] = self._path[layer]
        return path

    def forget(self) -> None:
        """Forget which token was the last one, having learnt its path."""
        self._learn()
        self._token = UNKNOWN
        self._path = None

    def paths(
        self, previous: NDArray[np.int32], tokens: NDArray[np.int32], *, without: NDArray[np.int16] | None = None
    ) -> NDArray[np.float32]:
        """Return the scores [n, n_layer, n_expert] of `tokens` [n], each coming after its `previous` one.

        Changes nothing. `without` are routes [n, n_layer, n_expert_used] that were learnt of just these tokens and are
        to be left out: what the forecast would be had the token not been seen.
        """
        base = (self._counts + self.n_expert_used / self.n_expert) / (self._seen[:, None] + 1.0)
        of_token = np.array([self._of_token.row(token) for token in tokens.tolist()])
        pairs = zip(previous.tolist(), tokens.tolist(), strict=True)
        of_pair = np.array([self._of_pair.row(_pair(before, token)) for before, token in pairs])
        likely = self._of_token.smooth(of_token, base[None].astype(np.float32), _STRENGTH, without)
        if not of_pair.any():
            return likely
        return self._of_pair.smooth(of_pair, likely, _STRENGTH, without)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return what was learnt, for `restore`."""
        self._learn()
        parts = (("token", self._of_token), ("pair", self._of_pair))
        arrays = {f"{part}_{name}": array for part, counts in parts for name, array in counts.arrays().items()}
        return {**arrays, "layer_counts": self._counts.copy(), "layer_seen": self._seen.copy()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Know what `state` says and nothing else, as in a new conversation.

        Raises:
            ValueError: it is no state of a token prior for a model of this shape.
        """
        frequencies = (("layer_counts", self._counts), ("layer_seen", self._seen))
        wanted = {f"{part}_{name}" for part in ("token", "pair") for name in self._of_token.arrays()}
        if state.keys() != wanted | {name for name, _ in frequencies}:
            raise ValueError("the token prior does not have just its own arrays")
        for name, like in frequencies:
            array = state[name]
            if array.shape != like.shape or array.dtype != like.dtype or not (array >= 0).all():  # type: ignore[operator]
                raise ValueError("the token prior's frequencies of experts are none of this model's")
        for part, counts in (("token", self._of_token), ("pair", self._of_pair)):
            counts.restore({name: state[f"{part}_{name}"] for name in counts.arrays()})
        self._counts[:], self._seen[:] = state["layer_counts"], state["layer_seen"]
        self._routes[:] = UNKNOWN
        self.forget()

    def _learn(self) -> None:
        recorded = self._routes != UNKNOWN
        known = recorded.any(axis=1)
        if not known.any():
            return
        layers, columns = np.nonzero(recorded)
        self._counts[layers, self._routes[layers, columns]] += 1.0
        self._seen[known] += 1.0
        full = self._seen >= _LONGEST_MEMORY
        self._counts[full] *= 0.5
        self._seen[full] *= 0.5
        if self._token != UNKNOWN:
            self._of_token.add(self._token, self._routes)
            if self._previous != UNKNOWN:
                self._of_pair.add(_pair(self._previous, self._token), self._routes)
        self._routes[:] = UNKNOWN


def _pair(previous: int, token: int) -> int:
    return previous << 32 | token
