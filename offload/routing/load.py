"""How evenly the experts of a layer are used, over all tokens and over the length of the sequences."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offload.routing.route_trace import UNKNOWN
from offload.routing.token_routes import TokenRoutes

N_PARTS = 3
"""First, middle and last third of each sequence."""


@dataclass(frozen=True, slots=True)
class LayerLoad:
    """The load of one layer's experts. Values are None where nothing is known of the layer."""

    shares: tuple[float, ...]
    """Of each expert, of all uses; they add up to 1, or are all 0."""
    entropy: float | None
    """Of the shares, over that of an even load: 1 is even."""
    busiest: float | None
    """Largest share, over an even one."""
    least_used: float | None
    """Smallest share, over an even one."""
    never_used: int
    imbalance: tuple[float | None, ...]
    """Standard deviation of the load over its mean, in the first, middle and last third of the sequences."""
    reuse_by_chance: float | None
    """Share of a token's experts that another token uses too, were each expert drawn by its load alone."""


def layer_loads(tokens: TokenRoutes) -> list[LayerLoad]:
    """Return the load of each layer, in the order of the header."""
    part = np.minimum((tokens.positions * N_PARTS).astype(np.int64), N_PARTS - 1)
    return [_layer_load(routes, part, tokens.header.n_expert) for routes in tokens.routes]


def _layer_load(routes: NDArray[np.int16], part: NDArray[np.int64], n_expert: int) -> LayerLoad:
    """Return the load of one layer from its routes [n_tokens, n_expert_used]."""
    known = routes != UNKNOWN
    by_part = np.bincount(
        (part[:, None] * n_expert + routes)[known], minlength=N_PARTS * n_expert
    ).reshape(N_PARTS, n_expert)  # fmt: skip
    counts = by_part.sum(axis=0)
    n_uses, n_tokens = int(counts.sum()), int(known.any(axis=1).sum())
    if not n_uses:
        return LayerLoad((0.0,) * n_expert, None, None, None, n_expert, (None,) * N_PARTS, None)
    shares = counts / n_uses
    return LayerLoad(
        shares=tuple(shares.tolist()),
        entropy=entropy(counts) / float(np.log2(n_expert)) if n_expert > 1 else 1.0,
        busiest=float(shares.max()) * n_expert,
        least_used=float(shares.min()) * n_expert,
        never_used=int((counts == 0).sum()),
        imbalance=tuple(_imbalance(counts_of_part) for counts_of_part in by_part),
        # A token uses expert e with probability counts[e] / n_tokens; independent tokens meet in the sum of squares.
        reuse_by_chance=float(((counts / n_tokens) ** 2).sum()) * n_tokens / n_uses,
    )


def entropy(counts: NDArray[np.int64]) -> float:
    """Return the entropy of a distribution that was counted, in bits; 0 of nothing."""
    present = counts[counts > 0]
    total = int(present.sum())
    return float(np.log2(total) - (present * np.log2(present)).sum() / total) if total else 0.0


def _imbalance(counts: NDArray[np.int64]) -> float | None:
    return float(counts.std() / counts.mean()) if counts.any() else None
