"""`GateNetwork`: what attention and experts do between two layers, as far as a small network can know it.

Its features are the router input of an earlier layer, and that of the forecast layer for the token before: attention
brings much of the same again. Its output is added to the log-odds that the forecast layer's own router gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from offload.routing.router import FloatArray


@dataclass(frozen=True, slots=True)
class GateNetwork:
    """The network of one layer and distance: one hidden layer, and a linear part beside it. Any thread."""

    first: FloatArray
    """[n_hidden + n_expert, 2 * n_embd]: what makes the hidden units, then the linear part."""
    first_bias: FloatArray
    """[n_hidden + n_expert]."""
    second: FloatArray
    """[n_expert, n_hidden]."""
    scale: float
    """Of the router's logits."""

    @property
    def n_bytes(self) -> int:
        """Memory of its arrays."""
        return self.first.nbytes + self.first_bias.nbytes + self.second.nbytes

    def log_odds(self, logits: FloatArray, features: FloatArray) -> FloatArray:
        """Return how likely each expert is routed to [n_expert].

        Args:
            logits: of the forecast layer's router on the earlier layer's input [n_expert].
            features: normed router inputs [2 * n_embd], of the earlier layer and then of the token before.
        """
        n_hidden = self.second.shape[1]
        both = self.first @ features
        both += self.first_bias
        odds: FloatArray = self.second @ np.maximum(both[:n_hidden], 0.0)
        odds += both[n_hidden:]
        odds += self.scale * logits
        return odds


Networks = Mapping[tuple[int, int], GateNetwork]
"""By the layer that is forecast, and how many layers ahead of what is known."""
