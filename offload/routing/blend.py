"""`Blend`: several forecasters as one, their scores made into probabilities that learn from every true route.

Each part's scores of a layer (probabilities as log-odds) become one number an expert: how far above or below the score
that would just be routed, in units of how far the part's scores usually lie apart. Beside it stands the same number
squashed: most parts are too sure of what is far from the cut, and with a straight line alone a weaker part would be
weighted up only to take that back. A logistic regression over these numbers, with how often the expert is routed to at
all, gives the probability. It is learnt online (a Newton step a token), for each *lead*: how many layers lie between
the last one known and the one that is forecast. Weights are shared by all layers of a lead; each layer has its own
deviation from them, held small while little was seen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offload.routing.forecaster import Forecaster

LEADS = 4
"""Weights are learnt for leads of 1, 2, 3, and more: the last is for a path that is forecast before it begins."""
BEFORE = LEADS - 1
_PER_PART = 2
"""Features of each part: how far from the cut, and that squashed."""
_LARGEST = 8.0
_STEEPNESS = np.float32(2.0)
"""Of the squashing: half a usual distance from the cut is three quarters of all it can say."""
_LEAST_CHANCE = np.float32(1e-3)
_BASE = "base"
"""What frequency and constant are called in a state."""
_KEPT = 0.995
"""Of what was learnt, a token later."""
_SPREAD_KEPT = 0.98
_FREQUENCY_KEPT = 0.99
_LEAST_FREQUENCY = 1e-4
"""An expert that is never used would otherwise have a logarithm without bound."""
_LEAST_CURVATURE = 0.5
_RIDGE = 20.0
_LAYER_RIDGE = 15.0
"""Prior precision of a layer's deviation: the first tokens of a layer hardly move it."""


class Blend:
    """A forecaster whose scores are probabilities, of the forecasts of `parts`.

    It learns of the layers that `scores` was asked for and that are known since, whenever `learn` is called; what is
    asked or routed again before that is not learnt. Thread rule: none of its own.
    """

    name = "blend"
    gives_probabilities = True

    def __init__(self, parts: Sequence[Forecaster], n_layer: int, n_expert: int, n_expert_used: int) -> None:
        """Blend forecasts of as many layers and experts."""
        self.parts = tuple(parts)
        self._n_layer, self._n_expert, self._k = n_layer, n_expert, n_expert_used
        n = _PER_PART * len(self.parts) + 2  # with frequency, and the constant
        self._features = np.zeros((LEADS, n_layer, n_expert, n), np.float32)
        self._asked = np.zeros((LEADS, n_layer), np.bool_)
        self._known = np.zeros(n_layer, np.bool_)
        self._routed = np.zeros((n_layer, n_expert), np.bool_)
        self._frequency = np.full((n_layer, n_expert), n_expert_used / n_expert)
        self._spread = np.ones((len(self.parts), n_layer))
        self._shared = np.zeros((LEADS, n))
        self._shared[:, :-2:_PER_PART] = 1.0 / max(len(self.parts), 1)
        self._shared[:, -2] = 0.5
        self._shared[:, -1] = np.log(n_expert_used / max(n_expert - n_expert_used, 1))
        self._own = np.zeros((LEADS, n_layer, n))
        self._shared_hessian = np.tile(np.eye(n) * _RIDGE, (LEADS, 1, 1))
        self._own_hessian = np.tile(np.eye(n) * _LAYER_RIDGE, (LEADS, n_layer, 1, 1))
        self._last = -1

    @property
    def n_bytes(self) -> int:
        """Memory it takes without its parts, but for small things."""
        return self._features.nbytes + self._frequency.nbytes + self._own_hessian.nbytes

    def begin(self, token: int) -> None:
        """Learn which token comes next."""
        self._clear()
        for part in self.parts:
            part.begin(token)

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        """Learn how a layer was routed."""
        self._routed[layer] = False
        self._routed[layer, experts] = True
        self._known[layer] = True
        self._last = layer
        for part in self.parts:
            part.routed(layer, experts, weights, inputs)

    def scores(self, layer: int) -> NDArray[np.float32]:
        """Return the probability that the token is routed to each expert of a layer [n_expert]."""
        lead = self._lead(layer)
        features = self._features[lead, layer]
        evidence = self._evidence(layer).T
        features[:, :-2:_PER_PART] = evidence
        features[:, 1:-2:_PER_PART] = np.tanh(_STEEPNESS * evidence)
        features[:, -2] = np.log(self._frequency[layer] / (self._k / self._n_expert))
        features[:, -1] = 1.0
        self._asked[lead, layer] = True
        return _sigmoid(features @ (self._shared[lead] + self._own[lead, layer]).astype(np.float32))

    def forget(self) -> None:
        """Begin another conversation."""
        self._clear()
        for part in self.parts:
            part.forget()

    def _clear(self) -> None:
        """Drop what was asked and routed: it is of another token."""
        self._known[:] = False
        self._asked[:] = False
        self._last = -1

    def learn(self) -> None:
        """Take one Newton step for every layer and lead that was forecast and is known now; about a millisecond."""
        known = np.flatnonzero(self._known)
        asked = self._asked & self._known
        self._asked &= ~self._known
        self._known[:] = False
        truth = self._routed
        for lead in np.flatnonzero(asked.any(axis=1)).tolist():
            layers = np.flatnonzero(asked[lead])
            x = self._features[lead, layers].astype(np.float64)
            p = _sigmoid(np.einsum("lef,lf->le", x, self._shared[lead] + self._own[lead, layers]))
            error = p - truth[layers]
            gradient = np.einsum("lef,le->lf", x, error)
            # Where the forecast was sure and wrong, the curvature p (1 - p) vanishes, and the step would be endless.
            curvature = np.maximum(p * (1 - p), _LEAST_CURVATURE * np.abs(error))
            hessian = (x * curvature[:, :, None]).transpose(0, 2, 1) @ x
            self._step_shared(lead, gradient.sum(axis=0), hessian.sum(axis=0))
            self._step_own(lead, layers, gradient, hessian)
        frequency = _FREQUENCY_KEPT * self._frequency[known] + (1 - _FREQUENCY_KEPT) * truth[known]
        self._frequency[known] = np.maximum(frequency, _LEAST_FREQUENCY)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the weights, those of each part by its name, for `restore`."""
        arrays: dict[str, NDArray[np.generic]] = {"frequency": self._frequency.astype(np.float32)}
        for name, columns in self._columns():
            arrays[f"{name}, shared"] = self._shared[:, columns].astype(np.float32)
            arrays[f"{name}, own"] = self._own[:, :, columns].astype(np.float32)
        for part, spread in zip(self.parts, self._spread, strict=True):
            arrays[f"{part.name}, spread"] = spread.astype(np.float32)
        return arrays

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Begin with the weights of `state`, as if little was seen; a part that it does not know keeps its own.

        Raises:
            ValueError: it is no state of a blend for a model of this shape; nothing is changed.
        """
        known = {name.removesuffix(", shared") for name in state if name.endswith(", shared")}
        wanted: dict[str, tuple[int, ...]] = {"frequency": (self._n_layer, self._n_expert)}
        for name in known | {_BASE}:
            # The base has as many features as a part: frequency and constant.
            wanted |= {f"{name}, shared": (LEADS, _PER_PART), f"{name}, own": (LEADS, self._n_layer, _PER_PART)}
            if name != _BASE:
                wanted[f"{name}, spread"] = (self._n_layer,)
        if {name: (array.shape, array.dtype) for name, array in state.items()} != {
            name: (shape, np.dtype(np.float32)) for name, shape in wanted.items()
        }:
            raise ValueError(f"the blend is not of {self._n_layer} layers of {self._n_expert} experts")
        for name, array in state.items():
            is_positive = name == "frequency" or name.endswith(", spread")
            numbers = array.astype(np.float64)
            if not np.isfinite(numbers).all() or (is_positive and (numbers < 0).any()):
                raise ValueError(f"the blend has weights that are no numbers, or below 0: {name}")
        self._frequency[:] = np.maximum(state["frequency"].astype(np.float64), _LEAST_FREQUENCY)
        for name, columns in self._columns():
            if name in known:
                self._shared[:, columns] = state[f"{name}, shared"]
                self._own[:, :, columns] = state[f"{name}, own"]
        for part, spread in zip(self.parts, self._spread, strict=True):
            if part.name in known:
                spread[:] = state[f"{part.name}, spread"]

    def _columns(self) -> list[tuple[str, slice]]:
        """Return by name which features are a part's, and those of no part."""
        names = [*(part.name for part in self.parts), _BASE]
        return [(name, slice(_PER_PART * number, _PER_PART * (number + 1))) for number, name in enumerate(names)]

    def _lead(self, layer: int) -> int:
        return BEFORE if self._last < 0 else min(layer - self._last, LEADS) - 1

    def _evidence(self, layer: int) -> NDArray[np.float32]:
        """Return how far each expert is above the cut, by each part [n_part, n_expert]; 0 where a part says nothing."""
        told = np.zeros((len(self.parts), self._n_expert), np.float32)
        telling = []
        for number, part in enumerate(self.parts):
            scores = part.scores(layer)
            if scores is not None:
                told[number] = _log_odds(scores) if part.gives_probabilities else scores
                telling.append(number)
        split = self._n_expert - self._k
        if not telling or not 0 < split < self._n_expert:
            return np.zeros_like(told)
        ordered = np.partition(told, (split - 1, split), axis=1)
        above = told - (ordered[:, split - 1 : split] + ordered[:, split : split + 1]) / 2
        distance = np.abs(above).mean(axis=1)
        spread = self._spread[:, layer]
        spread[telling] = _SPREAD_KEPT * spread[telling] + (1 - _SPREAD_KEPT) * distance[telling]
        evidence = np.asarray(above / (spread + 1e-9)[:, None], np.float32)
        return np.clip(evidence, -_LARGEST, _LARGEST)

    def _step_shared(self, lead: int, gradient: NDArray[np.float64], hessian: NDArray[np.float64]) -> None:
        kept = self._shared_hessian[lead]
        kept *= _KEPT
        kept += hessian
        self._shared[lead] -= np.linalg.solve(kept, gradient)

    def _step_own(
        self, lead: int, layers: NDArray[np.int64], gradient: NDArray[np.float64], hessian: NDArray[np.float64]
    ) -> None:
        ridge = _LAYER_RIDGE * np.eye(gradient.shape[1])
        kept = ridge + _KEPT * (self._own_hessian[lead, layers] - ridge) + hessian
        self._own_hessian[lead, layers] = kept
        gradient = gradient + (1 - _KEPT) * _LAYER_RIDGE * self._own[lead, layers]
        self._own[lead, layers] -= np.linalg.solve(kept, gradient[..., None])[..., 0]


def _log_odds(p: NDArray[np.float32]) -> NDArray[np.float32]:
    p = np.clip(p, _LEAST_CHANCE, 1 - _LEAST_CHANCE)
    return np.asarray(np.log(p / (1 - p)))


def _sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0))))
