"""`GateAhead`: a layer's experts, forecast by its own router from what the router of an earlier layer was given.

The residual stream changes little from one layer to the next. So layer L's router input, its norm's gain and shift
undone, stands for that of layer M = L + 1 .. L + distance: logits of M are about

    W_M (gain_M * n_L + shift_M) + b_M     with     n_L = (x_L - shift_L) / gain_L

What is missing, what attention and experts in between add, is learnt online for each layer and distance as a
correction of the logits: its running mean, its mean over what is seen of the token's id, and a share of what it was
beyond these for the token before. Or networks that were trained on recorded routes know it: see `gate_network`.

1. Forecasts are computed when they are asked for: one product with W_M each.  `test_scores_are_computed_once`
2. A layer whose own router does not choose the experts that were routed is known wrongly: then nothing is forecast.
   `test_nothing_is_forecast_with_routers_of_another_model`
3. The memory of token ids is bounded; the one used longest ago is forgotten.  `test_the_oldest_token_is_forgotten`

Thread rule: none of its own.
"""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from offload.routing.gate_network import Networks
from offload.routing.router import FloatArray
from offload.routing.router_weights import LayerGate

_MEAN_TOKENS = 500
"""Tokens whose errors a layer's running mean is of."""
_ID_TOKENS = 32
"""Tokens of one id whose errors its mean is of."""
_ID_PRIOR = 1.0
"""Tokens without an error that count as seen of each id."""
_PREVIOUS_SHARE = 0.3
"""Of the error before, what is expected again."""
_CONTROLS = 256
"""Layers of decoded tokens whose routing is compared with what their routers would have chosen."""
_LEAST_AGREEMENT = 0.9
"""Share of experts that must be the same: types of less than 32 bits make llama.cpp round otherwise."""


class GateAhead:
    """Forecasts up to `distance` layers ahead of the last one that is known."""

    name = "gate ahead"
    gives_probabilities = False

    def __init__(
        self,
        gates: Sequence[LayerGate],
        *,
        distance: int = 3,
        n_ids: int = 512,
        networks: Networks = MappingProxyType({}),
    ) -> None:
        """Forecast with the gates of all layers; remember errors of `n_ids` token ids.

        Where there is a network for a layer and distance it takes the place of the learnt errors.

        Raises:
            ValueError: no layers, layers of different shapes, or a distance or number of ids below 1.
        """
        shapes = {gate.router.weight.shape for gate in gates}
        if len(shapes) != 1 or distance < 1 or n_ids < 1:
            raise ValueError(f"{len(gates)} layers of shapes {shapes}, distance {distance}, {n_ids} ids: no forecaster")
        self._gates = tuple(gates)
        self._distance = distance
        self._networks = networks
        (n_expert, n_embd), n_layer = shapes.pop(), len(gates)
        self._before = np.zeros((n_layer, n_embd), np.float32)
        """By layer: the normed input of the last token that was routed there."""
        self._has_before = np.zeros(n_layer, np.bool_)
        self._raw = np.zeros((n_layer, distance, n_expert), np.float32)
        """By layer and distance: logits as the router gives them, uncorrected."""
        self._has_raw = np.zeros((n_layer, distance), np.bool_)
        self._errors = _Errors(n_layer, distance, n_expert, n_ids)
        self._n_checked = self._n_agreed = 0
        self._last = -1
        self._normed: FloatArray | None = None
        self._asked: dict[int, FloatArray] = {}

    @property
    def n_bytes(self) -> int:
        """Memory that it holds, the gates' included."""
        of_gates = sum(gate.n_bytes for gate in self._gates)
        of_networks = sum(network.n_bytes for network in self._networks.values())
        return of_gates + of_networks + self._errors.n_bytes + self._raw.nbytes + self._before.nbytes

    @property
    def is_refuted(self) -> bool:
        """Whether the routers choose other experts than the model does: then there are no forecasts."""
        n_used = self._gates[0].router.n_expert_used
        return self._n_checked >= _CONTROLS // 8 * n_used and self._n_agreed < _LEAST_AGREEMENT * self._n_checked

    def begin(self, token: int) -> None:
        """Learn which token is computed next; -1: not known."""
        self._errors.begin(token)
        self._last, self._normed = -1, None
        self._has_raw[:] = False
        self._asked.clear()

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        """Learn how `layer` was routed: `experts` [n_expert_used], router `inputs` [n_embd] or None."""
        self._last, self._normed = layer, None
        self._asked.clear()
        if inputs is None or self.is_refuted:
            return
        gate = self._gates[layer]
        logits: FloatArray | None = None
        if self._has_raw[layer].any():
            logits = gate.router.logits(inputs)
            for number in np.flatnonzero(self._has_raw[layer]).tolist():
                self._errors.learn(layer, number, logits - self._raw[layer, number])
        if self._n_checked < _CONTROLS * len(experts):
            self._check(gate, experts, gate.router.logits(inputs) if logits is None else logits)
        self._normed = self._before[layer] = gate.normed_of(inputs)
        self._has_before[layer] = True

    def scores(self, layer: int) -> NDArray[np.float32] | None:
        """Return by what `layer` is expected to choose its experts [n_expert], by the last layer that is known."""
        ahead = layer - self._last
        if self._normed is None or not 1 <= ahead <= self._distance or self.is_refuted:
            return None
        if layer not in self._asked:
            self._asked[layer] = self._forecast(layer, ahead, self._normed)
        return self._asked[layer]

    def forget(self) -> None:
        """Begin another conversation: what was learnt stays, the token before goes."""
        self.begin(-1)
        self._errors.forget()
        self._has_before[:] = False

    def _forecast(self, layer: int, ahead: int, normed: FloatArray) -> FloatArray:
        gate = self._gates[layer]
        raw = gate.router.logits(gate.input_of(normed))
        network = self._networks.get((layer, ahead))
        if network is not None and self._has_before[layer]:
            return network.log_odds(raw, np.concatenate([normed, self._before[layer]]))
        self._raw[layer, ahead - 1] = raw
        self._has_raw[layer, ahead - 1] = True
        return gate.router.choice_scores(raw + self._errors.expected(layer, ahead - 1))

    def _check(self, gate: LayerGate, experts: NDArray[np.int32], logits: FloatArray) -> None:
        scores = gate.router.choice_scores(logits)
        least = np.partition(scores, -len(experts))[-len(experts)]
        self._n_agreed += int((scores[experts] >= least).sum())
        self._n_checked += len(experts)


class _Errors:
    """True logits less forecast ones, by layer and distance: means, and the last."""

    def __init__(self, n_layer: int, distance: int, n_expert: int, n_ids: int) -> None:
        shape = (n_layer, distance, n_expert)
        self._mean = np.zeros(shape, np.float32)
        self._n_mean = np.zeros(shape[:2], np.int32)
        self._beyond = np.zeros(shape, np.float32)
        """The last error less what was expected of mean and id."""
        self._of_id = np.zeros((n_ids, *shape), np.float16)
        """Mean over the tokens of an id and the prior, less the layer's mean."""
        self._n_of_id = np.zeros((n_ids, *shape[:2]), np.uint8)
        self._places: dict[int, int] = {}
        """Token id to its row, the one used last at the end."""
        self._row = -1

    @property
    def n_bytes(self) -> int:
        arrays = (self._mean, self._n_mean, self._beyond, self._of_id, self._n_of_id)
        return sum(array.nbytes for array in arrays)

    def begin(self, token: int) -> None:
        """Turn to a token; its id takes the row of the one used longest ago where it has none."""
        self._row = -1
        if token < 0:
            return
        row = self._places.pop(token, -1)
        if row < 0:
            if len(self._places) < len(self._of_id):
                row = len(self._places)
            else:
                row = self._places.pop(next(iter(self._places)))
            self._of_id[row] = 0.0
            self._n_of_id[row] = 0
        self._places[token] = self._row = row

    def expected(self, layer: int, number: int) -> FloatArray:
        """Return what is to be added [n_expert] to logits of `layer` forecast at distance `number` + 1."""
        lasting = self._lasting(layer, number)
        lasting += _PREVIOUS_SHARE * self._beyond[layer, number]
        return lasting

    def learn(self, layer: int, number: int, error: FloatArray) -> None:
        """Take the error [n_expert] of a forecast."""
        at = layer, number
        self._beyond[at] = error - self._lasting(layer, number)
        self._n_mean[at] = min(self._n_mean[at] + 1, _MEAN_TOKENS)
        self._mean[at] += (error - self._mean[at]) / self._n_mean[at]
        if self._row >= 0:
            row = (self._row, *at)
            self._n_of_id[row] = min(self._n_of_id[row] + 1, _ID_TOKENS)
            self._of_id[row] += (error - self._mean[at] - self._of_id[row]) / (self._n_of_id[row] + _ID_PRIOR)

    def forget(self) -> None:
        """Forget the last token, not what was learnt."""
        self._beyond[:] = 0.0

    def _lasting(self, layer: int, number: int) -> FloatArray:
        mean = self._mean[layer, number]
        lasting: FloatArray = mean.copy() if self._row < 0 else mean + self._of_id[self._row, layer, number]
        return lasting
