"""The small network of the learned path: its weights, and what they are given.

    hidden = relu(bias + window . embeddings of the last 6 token ids
                  + sum of the rows of `last`, over the experts of the previous token
                  + the same of `earlier`, over the experts of all earlier ones, weighted 0.3 * 0.7 ** age
                  + the same of `current`, over the experts of this token's layers that are routed already)
    logits = output . hidden + output_bias + prior_weight * log(token prior)

and of each layer's logits the softmax. It corrects the token prior rather than replacing it: that takes a quarter of
the training, and forecasts token ids it never saw.

Source: forecasting a token's path through all layers before it is computed is ExpertFlow's (He et al., 2024), whose
forecaster is a T5 encoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

N_WINDOW = 6
"""Token ids that are looked at, the token's own first."""
DECAY = 0.7
"""What the path of a token counts for, compared with that of the token after it."""
_LEAST_LIKELY = 0.01
_MOST_HIDDEN = 4096

_Half = NDArray[np.float16]
_Single = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PathNetwork:
    """Weights of a trained network. Tables of which single rows are added are half precision in memory too."""

    vocabulary: NDArray[np.int32]
    """Token ids it knows, ascending [n_known]."""
    embedding: _Single
    """[1 + n_known, n_embd]: the first is of every id it does not know."""
    window: _Single
    """[N_WINDOW * n_embd, n_hidden]"""
    last: _Half
    """[n_layer * n_expert, n_hidden]"""
    earlier: _Half
    """[n_layer * n_expert, n_hidden]"""
    current: _Half
    """[n_layer * n_expert, n_hidden]"""
    bias: _Single
    """[n_hidden]"""
    output: _Single
    """[n_layer, n_expert, n_hidden]"""
    output_bias: _Single
    """[n_layer, n_expert]"""
    prior_weight: _Single
    """[n_layer]"""

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return all weights in half precision, by name."""
        return {
            field.name: self.vocabulary if field.name == "vocabulary" else getattr(self, field.name).astype(np.float16)
            for field in fields(self)
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], n_layer: int, n_expert: int) -> Self:
        """Return the network whose `arrays` these are.

        Raises:
            ValueError: they are not those of a network for this model; the message is the end of a sentence.
        """
        types = {field.name: np.dtype(np.float16) for field in fields(cls)} | {"vocabulary": np.dtype(np.int32)}
        if {name: array.dtype for name, array in arrays.items()} != types:
            raise ValueError("the learned path does not have just its own arrays")
        n_known, n_hidden = arrays["vocabulary"].size, arrays["bias"].size
        n_embd = arrays["embedding"].size // (1 + n_known)
        n_cell = n_layer * n_expert
        shapes = {
            "vocabulary": (n_known,),
            "embedding": (1 + n_known, n_embd),
            "window": (N_WINDOW * n_embd, n_hidden),
            **dict.fromkeys(("last", "earlier", "current"), (n_cell, n_hidden)),
            "bias": (n_hidden,),
            "output": (n_layer, n_expert, n_hidden),
            "output_bias": (n_layer, n_expert),
            "prior_weight": (n_layer,),
        }
        if {name: array.shape for name, array in arrays.items()} != shapes or not 0 < n_hidden <= _MOST_HIDDEN:
            raise ValueError(f"the learned path is not of {n_layer} layers of {n_expert} experts")
        if not all(np.isfinite(array.astype(np.float64)).all() for array in arrays.values()):
            raise ValueError("the learned path has weights that are no numbers")
        if (np.diff(arrays["vocabulary"].astype(np.int64)) <= 0).any():
            raise ValueError("the token ids of the learned path do not ascend")
        halves = {"vocabulary", "last", "earlier", "current"}
        return cls(**{name: a if name in halves else a.astype(np.float32) for name, a in arrays.items()})  # type: ignore[arg-type]


def word_index(vocabulary: NDArray[np.int32], tokens: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the rows of `PathNetwork.embedding` for `tokens`, of any shape."""
    if not len(vocabulary):
        return np.zeros(tokens.shape, np.int64)
    place = np.searchsorted(vocabulary, tokens)
    place[place == len(vocabulary)] = 0
    return np.where(vocabulary[place] == tokens, place + 1, 0)


def prior_logits(prior: _Single) -> _Single:
    """Return what the scores of the token prior, of any shape, are as logits."""
    return np.asarray(np.log(prior + np.float32(_LEAST_LIKELY)))
