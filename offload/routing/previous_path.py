"""Forecasts that a token takes the path of the tokens before it."""

import numpy as np
from numpy.typing import NDArray

_DECAY = np.float32(0.5)
"""At a half, no number of older tokens outweighs the previous one."""


class PreviousPath:
    """The experts of the previous token score 1 to 2, the higher their gate weight; every older token half as much.

    For one thread.
    """

    name = "previous path"
    gives_probabilities = False

    def __init__(self, n_layer: int, n_expert: int) -> None:
        self._scores = np.zeros((n_layer, n_expert), np.float32)
        self._known = np.zeros(n_layer, np.bool_)

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        return self._scores.nbytes + self._known.nbytes

    def begin(self, token: int) -> None:
        """Learn which token is next: it makes no difference."""

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None = None,
        inputs: NDArray[np.float32] | None = None,
    ) -> None:
        """Remember the experts for the next token."""
        scores = self._scores[layer]
        scores *= _DECAY
        largest = 0.0 if weights is None else float(weights.max())
        scores[experts] += 1.0 if weights is None or largest <= 0.0 else 1.0 + weights / largest
        self._known[layer] = True

    def scores(self, layer: int) -> NDArray[np.float32] | None:
        """Return the scores [n_expert]; None until the layer was routed once."""
        return self._scores[layer] if self._known[layer] else None

    def forget(self) -> None:
        """Forget the tokens so far."""
        self._scores[:] = 0.0
        self._known[:] = False
