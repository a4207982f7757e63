"""`GateNetwork`: what attention and experts do between two layers, as far as a small network can know it.

Its features are the router input of an earlier layer, and that of the forecast layer for the token before: attention
brings much of the same again. Its output is added to the log-odds that the forecast layer's own router gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def network_arrays(networks: Networks) -> dict[str, NDArray[np.generic]]:
    """Return networks of one shape, at least one, as arrays for `networks_of_arrays`: the large ones halved."""
    return {
        "places": np.array(list(networks), np.int32),
        "first": np.stack([network.first for network in networks.values()]).astype(np.float16),
        "first_bias": np.stack([network.first_bias for network in networks.values()]).astype(np.float32),
        "second": np.stack([network.second for network in networks.values()]).astype(np.float16),
        "scale": np.array([network.scale for network in networks.values()], np.float32),
    }


def networks_of_arrays(arrays: Mapping[str, NDArray[np.generic]], n_layer: int, n_expert: int, n_embd: int) -> Networks:
    """Return the networks whose `arrays` these are; `n_embd` 0: the model's width is not known.

    Raises:
        ValueError: they are not those of networks for this model; the message is the end of a sentence.
    """
    half, single = np.dtype(np.float16), np.dtype(np.float32)
    types = {"places": np.dtype(np.int32), "first": half, "first_bias": single, "second": half, "scale": single}
    if {name: array.dtype for name, array in arrays.items()} != types:
        raise ValueError("gate ahead does not have just its own arrays")
    n, n_hidden = arrays["scale"].size, arrays["second"].shape[-1] if arrays["second"].ndim else 0
    n_features = 2 * n_embd or (arrays["first"].shape[-1] if arrays["first"].ndim else 0)
    shapes = {
        "places": (n, 2),
        "first": (n, n_hidden + n_expert, n_features),
        "first_bias": (n, n_hidden + n_expert),
        "second": (n, n_expert, n_hidden),
        "scale": (n,),
    }
    if {name: array.shape for name, array in arrays.items()} != shapes:
        width = f" and width {n_embd}" if n_embd else ""
        raise ValueError(f"gate ahead is not of {n_expert} experts{width}")
    places: list[tuple[int, int]] = [tuple(place) for place in arrays["places"].tolist()]
    if len(set(places)) != n or not all(1 <= ahead <= layer < n_layer for layer, ahead in places):
        raise ValueError(f"gate ahead has networks of other layers than the {n_layer} there are")
    if not all(np.isfinite(array.astype(np.float64)).all() for array in arrays.values()):
        raise ValueError("gate ahead has weights that are no numbers")
    first, second = arrays["first"].astype(np.float32), arrays["second"].astype(np.float32)
    first_bias, scale = arrays["first_bias"].astype(np.float32), arrays["scale"].tolist()
    return {
        place: GateNetwork(first[number], first_bias[number], second[number], scale[number])
        for number, place in enumerate(places)
    }
