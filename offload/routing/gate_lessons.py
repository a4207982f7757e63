"""What gate networks are trained on, gathered of a trace that has router inputs, and their training for all layers."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from offload.errors import UsageError
from offload.routing.gate_network import Networks
from offload.routing.gate_training import LEAST_TOKENS, train_network
from offload.routing.route_trace import UNKNOWN, RouteTrace
from offload.routing.router import FloatArray
from offload.routing.router_weights import LayerGate
from offload.routing.token_routes import gather_routes


def train_networks(
    trace: RouteTrace,
    gates: Sequence[LayerGate],
    *,
    distance: int = 3,
    n_hidden: int = 512,
    n_epochs: int = 12,
    on_progress: Callable[[float], bool] | None = None,
) -> Networks:
    """Train on all tokens of `trace`, of prompts too: networks of short distances first.

    There is none for a layer that is known of too few tokens, as the last one of prompts may be.

    Ends with the networks that are done when `on_progress`, told the share done, returns False. Holds all router inputs
    of the trace in memory, in half precision.

    Raises:
        UsageError: the trace has no router inputs, too few tokens, or is not of a model with these gates.
        TraceFileError: of reading it.
    """
    lessons = _Lessons(trace, gates)
    pairs = _pairs(len(gates), distance)
    networks = {}
    for number, (layer, ahead) in enumerate(pairs):
        logits, features, routed = lessons.of(layer, ahead)
        if len(routed) >= LEAST_TOKENS:
            network = train_network(logits, features, routed, n_hidden=n_hidden, n_epochs=n_epochs, seed=number)
            networks[layer, ahead] = network
        if on_progress is not None and not on_progress((number + 1) / len(pairs)):
            break
    return networks


def networks_bytes(gates: Sequence[LayerGate], *, distance: int = 3, n_hidden: int = 512) -> int:
    """Return the memory of the networks that `train_networks` makes: they suit models of small width only."""
    n_expert, n_embd = gates[0].router.weight.shape
    n_weights = (2 * n_embd + 1) * (n_hidden + n_expert) + n_expert * n_hidden
    return 4 * int(n_weights) * len(_pairs(len(gates), distance))


def _pairs(n_layer: int, distance: int) -> list[tuple[int, int]]:
    """Return which layers are forecast from how far."""
    return [(layer, ahead) for ahead in range(1, distance + 1) for layer in range(ahead, n_layer)]


class _Lessons:
    """The tokens of a trace that follow another."""

    def __init__(self, trace: RouteTrace, gates: Sequence[LayerGate]) -> None:
        header = trace.header
        shape = (len(header.layers), header.n_expert, header.n_embd)
        if not header.n_embd:
            raise UsageError("The trace has no router inputs.", hint="Record it with --inputs.")
        if shape != (len(gates), *gates[0].router.weight.shape):
            raise UsageError(
                f"The trace is of {shape[0]} layers of {shape[1]} experts and width {shape[2]}: of another model.",
                hint="Record one with this model.",
            )
        tokens = gather_routes(trace)
        inputs = [step.inputs for step in trace.steps() if step.inputs is not None]
        self._inputs: NDArray[np.float16] = np.concatenate(inputs, axis=1) if inputs else np.empty(0, np.float16)
        self._gates, self._routes, self._previous = gates, tokens.routes, tokens.previous
        self._known = tokens.routes[..., 0] != UNKNOWN
        n_usable = max((len(self._rows(layer, 1)) for layer in range(1, len(gates))), default=0)
        if n_usable < LEAST_TOKENS:
            raise UsageError(
                f"The trace has {n_usable} tokens to learn from; {LEAST_TOKENS} are the least.",
                hint="Record more answers, or a longer text.",
            )

    def of(self, layer: int, ahead: int) -> tuple[FloatArray, FloatArray, NDArray[np.int32]]:
        """Return logits, features and routed experts of a layer, forecast so many layers ahead."""
        rows = self._rows(layer, ahead)
        gate, normed = self._gates[layer], self._normed(layer - ahead, rows)
        logits = np.array([gate.router.logits(gate.input_of(token)) for token in normed], np.float32)
        features = np.concatenate([normed, self._normed(layer, self._previous[rows])], axis=1)
        return logits, features, self._routes[layer, rows].astype(np.int32)

    def _rows(self, layer: int, ahead: int) -> NDArray[np.int64]:
        """Return the tokens of which both layers are known, and the layer of the token before."""
        known = self._known[layer] & self._known[layer - ahead]
        return np.flatnonzero(known & (self._previous >= 0) & self._known[layer, self._previous])

    def _normed(self, layer: int, rows: NDArray[np.int64]) -> FloatArray:
        return self._gates[layer].normed_of(self._inputs[layer, rows].astype(np.float32))
