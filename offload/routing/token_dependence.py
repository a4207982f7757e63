"""How much of a layer's choice of experts the token id alone explains."""

import numpy as np
from numpy.typing import NDArray

from offload.routing.load import entropy
from offload.routing.route_trace import UNKNOWN
from offload.routing.token_routes import TokenRoutes

_SEED = 20
_N_SHUFFLES = 3
_MOST_BY_CHANCE = 0.95
_MOST_BINS = 1 << 24


def explained_by_token_id(tokens: TokenRoutes) -> list[float | None]:
    """Return for each layer the share of the experts' entropy that the token id explains, beyond chance.

    This is the mutual information I of token id and expert, every expert of a token being one observation, with H the
    entropy of the experts and I' the mean of I over shuffles of the token ids (the bias of few observations; seeded):
    (I - I') / (H - I'). 0: the id says nothing, which may come out a little below 0; 1: it says all. None where no
    token ids are known, or so few come back that shuffled ones explain nearly everything.

    Source: adjusted for chance as in Vinh, Epps and Bailey, "Information theoretic measures for clusterings
    comparison", 2010, normalised by the entropy of the experts.
    """
    known = tokens.token_ids >= 0
    _, ids = np.unique(tokens.token_ids[known], return_inverse=True)
    random = np.random.default_rng(_SEED)
    shuffles = [random.permutation(ids) for _ in range(_N_SHUFFLES)]
    n_expert = tokens.header.n_expert
    return [_explained(routes[known], ids, shuffles, n_expert) for routes in tokens.routes]


def _explained(
    routes: NDArray[np.int16], ids: NDArray[np.int64], shuffles: list[NDArray[np.int64]], n_expert: int
) -> float | None:
    observed = routes != UNKNOWN
    experts = routes[observed].astype(np.int64)
    entropy_of_experts = entropy(np.bincount(experts))
    if entropy_of_experts == 0.0:
        return None

    def information(of_ids: NDArray[np.int64]) -> float:
        ids_observed = np.broadcast_to(of_ids[:, None], routes.shape)[observed]
        joint = _counts(ids_observed * n_expert + experts)
        return entropy_of_experts + entropy(_counts(ids_observed)) - entropy(joint)

    by_chance = float(np.mean([information(shuffle) for shuffle in shuffles]))
    if by_chance > _MOST_BY_CHANCE * entropy_of_experts:
        return None
    return (information(ids) - by_chance) / (entropy_of_experts - by_chance)


def _counts(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count equal values; in any order, zeros among the counts."""
    if int(values.max()) < _MOST_BINS:
        return np.bincount(values)
    return np.unique(values, return_counts=True)[1]
