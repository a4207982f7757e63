"""Recall of forecasters, driven as they are while a model answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offload.routing.forecaster import Forecaster
from offload.routing.forecaster_training import in_sequences
from offload.routing.route_trace import UNKNOWN
from offload.routing.token_routes import TokenRoutes


@dataclass(frozen=True, slots=True)
class PathRecall:
    """Shares of the routed experts that one forecaster named; [n_layer], nan where it never could."""

    name: str
    before: NDArray[np.float64]
    """Before anything of the token is computed."""
    after: NDArray[np.float64]
    """Once the layer before is routed; of the first layer as before."""


def path_recalls(
    forecasters: Sequence[Forecaster],
    tokens: TokenRoutes,
    members: NDArray[np.int64],
    *,
    distance: int = 1,
) -> list[PathRecall]:
    """Drive all forecasters through `members` and judge each; they learn as they do while a model answers.

    A forecaster that says nothing of a layer has named none of its experts.

    Args:
        forecasters: in the order in which they learn.
        tokens: whose routes they are shown.
        members: places of tokens [n], whole sequences or ends of some.
        distance: how many layers ahead of the last routed one `PathRecall.after` is.
    """
    n_layer, _, k = tokens.routes.shape
    hits = np.zeros((2, len(forecasters), n_layer), np.int64)
    total = np.zeros(n_layer, np.int64)
    by_token = tokens.routes.transpose(1, 0, 2).astype(np.int32)
    sequence = None
    for place in in_sequences(tokens, members):
        if tokens.sequences[place] != sequence:
            sequence = tokens.sequences[place]
            for forecaster in forecasters:
                forecaster.forget()
        routes = [experts[experts != UNKNOWN] for experts in by_token[place]]
        total += [len(experts) for experts in routes]
        for number, forecaster in enumerate(forecasters):
            forecaster.begin(int(tokens.token_ids[place]))
            hits[0, number] += [_named(forecaster, layer, experts, k) for layer, experts in enumerate(routes)]
            hits[1, number, :distance] = hits[0, number, :distance]
            for layer, experts in enumerate(routes):
                if len(experts):
                    forecaster.routed(layer, experts, None, None)
                if layer + distance < n_layer:
                    ahead = layer + distance
                    hits[1, number, ahead] += _named(forecaster, ahead, routes[ahead], k)
    with np.errstate(invalid="ignore"):
        before, after = hits / total
    return [PathRecall(f.name, before[number], after[number]) for number, f in enumerate(forecasters)]


def _named(forecaster: Forecaster, layer: int, experts: NDArray[np.int32], k: int) -> int:
    """Count the `experts` that are among the `k` of the highest scores."""
    scores = forecaster.scores(layer) if len(experts) else None
    if scores is None:
        return 0
    return int(np.isin(experts, np.argpartition(scores, -k)[-k:]).sum())
