"""How soon experts are used again, and what caches make of it: LRU of any number of slots, and Belady's optimum.

Each layer has a cache of its own, as in the pager. A token demands all its experts of a layer at once: none of them
may leave for another of them, so that a cache needs at least `n_expert_used` slots. Hits of some tokens can be
counted alone, as of the decoded ones, in caches that saw the others too, prompts token by token.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offload.routing.route_trace import UNKNOWN

NO_ACCESS = -1
"""In stack distances: no expert was demanded here."""
_ABSENT = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class ReuseCurve:
    """Hits of LRU caches by number of slots, per layer, from the distances of counted accesses."""

    counts: NDArray[np.int64]
    """Accesses [n_layer, n_expert + 1] by stack distance; the last column: experts never used before."""

    @property
    def accesses(self) -> NDArray[np.int64]:
        """Counted accesses, per layer."""
        return np.asarray(self.counts.sum(axis=1))

    def hits(self) -> NDArray[np.int64]:
        """Return hits [n_layer, n_expert + 1] of a cache with as many slots as the column's number.

        Columns below `n_expert_used` are of no cache that could compute.
        """
        counts = self.counts[:, :-1].cumsum(axis=1)
        return np.concatenate([np.zeros((len(counts), 1), np.int64), counts], axis=1)

    def hit_rates(self) -> NDArray[np.float64]:
        """Return hit rates [n_layer, n_expert + 1], as `hits`; nan where nothing was counted."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.hits() / self.accesses[:, None])


def stack_distances(routes: NDArray[np.int16], n_expert: int) -> NDArray[np.int16]:
    """Return the LRU stack distance of every access.

    Args:
        routes: experts [n_layer, n_tokens, n_expert_used], the most important first, or `UNKNOWN`.
        n_expert: experts of a layer.

    Returns:
        How many other experts of the layer were used more recently [as `routes`]: an LRU cache of more slots than
        that has the expert. `n_expert` where it was never used before, `NO_ACCESS` where routes are unknown. Of one
        token's experts, the most important counts as the most recent.

    Source: Mattson et al., "Evaluation techniques for storage hierarchies", 1970. With a token's experts demanded at
    once the top of the recency stack still is what a cache of that many slots holds, if it has room for all of them.
    """
    n_layer, n_tokens, k = routes.shape
    distances = np.empty((n_tokens, n_layer, k), np.int16)
    # The last column belongs to no expert: unknown routes (-1) index it.
    last_use = np.full((n_layer, n_expert + 1), -1, np.int32 if n_tokens * k < 2**31 else np.int64)
    rows = np.arange(n_layer)[:, None]
    order = np.arange(k - 1, -1, -1, dtype=last_use.dtype)
    by_token = np.ascontiguousarray(routes.transpose(1, 0, 2))
    for token, experts in enumerate(by_token):
        used = last_use[rows, experts]
        more_recent = last_use[:, None, :] > used[:, :, None]
        np.add.reduce(more_recent.view(np.uint8), axis=2, dtype=np.int16, out=distances[token])
        distances[token][used < 0] = n_expert
        last_use[rows, experts] = token * k + order
        last_use[:, n_expert] = -1
    distances[by_token == UNKNOWN] = NO_ACCESS
    return distances.transpose(1, 0, 2)


def reuse_curve(distances: NDArray[np.int16], counted: NDArray[np.bool_], n_expert: int) -> ReuseCurve:
    """Count the distances [n_layer, n_tokens, n_expert_used] of the tokens that are `counted` [n_tokens]."""
    counts = [
        np.bincount(layer[layer != NO_ACCESS], minlength=n_expert + 1)
        for layer in (distances[index, counted] for index in range(len(distances)))
    ]
    return ReuseCurve(np.array(counts, np.int64).reshape(len(distances), n_expert + 1))


def belady_hits(
    routes: NDArray[np.int16], counted: NDArray[np.bool_], n_expert: int, slots: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return the most hits that any cache can have which knows the future.

    Args:
        routes: experts [n_layer, n_tokens, n_expert_used], or `UNKNOWN`.
        counted: [n_tokens]; the others are loaded too, but neither hits nor misses of theirs matter.
        n_expert: experts of a layer.
        slots: of each cache to judge; at least `n_expert_used`.

    Returns:
        Hits of counted tokens [len(slots), n_layer].

    Source: Belady, "A study of replacement algorithms for a virtual-storage computer", 1966: what is used again last
    leaves. An expert whose next use does not count is as good as one without a next use. To keep an expert from one
    use to the next is an interval; the most intervals that fit are found by giving up those that end last.
    """
    n_layer, _, k = routes.shape
    if min(slots, default=k) < k:
        raise ValueError(f"{min(slots)} slots do not hold the {k} experts of a token")
    by_token = np.ascontiguousarray(routes.transpose(1, 0, 2))
    next_uses = _next_counted_uses(by_token, counted, n_expert)
    hits = np.zeros((len(slots), n_layer), np.int64)
    # What a resident expert is worth, less being better: distinct numbers that grow with the next use.
    keys = np.full((len(slots), n_layer, n_expert + 1), _ABSENT, np.int64)
    rows = np.arange(n_layer)[:, None]
    for token, experts in enumerate(by_token):
        if counted[token]:
            hits += (keys[:, rows, experts] != _ABSENT).sum(axis=2)
        keys[:, rows, experts] = -1
        keys[:, :, n_expert] = _ABSENT
        for cache, n_slots in enumerate(slots):
            if n_slots < n_expert:
                worst = np.partition(keys[cache, :, :n_expert], n_slots - 1, axis=1)[:, n_slots - 1, None]
                keys[cache][keys[cache] > worst] = _ABSENT
        keys[:, rows, experts] = next_uses[token].astype(np.int64) * (n_expert + 1) + experts
        keys[:, :, n_expert] = _ABSENT
    return hits


def _next_counted_uses(by_token: NDArray[np.int16], counted: NDArray[np.bool_], n_expert: int) -> NDArray[np.int32]:
    """Return for every access the token that uses the expert next, or n_tokens where that does not count."""
    n_tokens, n_layer, _ = by_token.shape
    next_uses = np.empty(by_token.shape, np.int32)
    next_use = np.full((n_layer, n_expert + 1), n_tokens, np.int32)
    rows = np.arange(n_layer)[:, None]
    for token in range(n_tokens - 1, -1, -1):
        experts = by_token[token]
        next_uses[token] = next_use[rows, experts]
        next_use[rows, experts] = token if counted[token] else n_tokens
    return next_uses
