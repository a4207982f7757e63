"""What forecasts routing: one protocol for all."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Forecaster(Protocol):
    """Forecasts a token's routing path: which experts it will be routed to, layer by layer. One sequence at a time.

    begin(token) -> [layer 0 computed] routed(0, ...) -> routed(1, ...) -> ... -> end of token. Layers are indices
    0..n_layer-1 of paged layers. A layer of which nothing was recorded is left out.
    """

    @property
    def name(self) -> str:
        """What reports and state files call it."""
        ...

    @property
    def gives_probabilities(self) -> bool:
        """Whether scores are chances of being routed to; otherwise it is their differences that tell."""
        ...

    def begin(self, token: int) -> None:
        """Learn which token is computed next (id, -1: unknown): `scores` are of its path from now on."""
        ...

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        """Learn how `layer` of the token was routed; online learning happens here.

        Args:
            layer: its index.
            experts: [n_expert_used], most important first.
            weights: their gate weights; None: not recorded.
            inputs: router inputs [n_embd]; None: not recorded.
        """
        ...

    def scores(self, layer: int) -> NDArray[np.float32] | None:
        """Return how likely each expert of a layer not yet routed is, [n_expert]: the higher the likelier.

        None: nothing is known of it. The array must not be changed, and lasts until the next call.
        """
        ...

    def forget(self) -> None:
        """Forget the context: a new conversation begins. What was learnt stays."""
        ...
