"""Replays a trace through caches of experts: hits and bytes by slots of a layer and by what decides who leaves.

Each layer has a cache of its own, as in the pager, and a token demands all its experts of a layer at once. Prompts are
replayed token by token and warm the caches; decoded tokens count, or all where none was decoded.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offload.routing.keep_scores import DecayedFrequency, KeepScores
from offload.routing.lru_guard import LruGuard, keeps
from offload.routing.reuse import belady_hits, reuse_curve, stack_distances
from offload.routing.route_trace import UNKNOWN, RouteTrace, TraceHeader
from offload.routing.similar_paths import SimilarPaths
from offload.routing.token_routes import TokenRoutes

LRU, BELADY = "lru", "belady"
Scorer = Callable[[TraceHeader], KeepScores]
SCORERS: Mapping[str, Scorer] = {
    "decayed-frequency": lambda header: DecayedFrequency(len(header.layers), header.n_expert),
    "similar-paths": lambda header: SimilarPaths(len(header.layers), header.n_expert, header.n_expert_used),
}
"""By name of the policy; each is guarded by least recently used."""
POLICIES = (LRU, *SCORERS)
"""Belady's is no policy that could be chosen: it knows the future."""


@dataclass(frozen=True, slots=True)
class PolicyFigures:
    """What one policy made of one size of the caches."""

    policy: str
    slots: int
    """Of each layer."""
    hits: int
    accesses: int
    bytes_per_token: float
    """Of misses, over the tokens counted."""
    gap_closed: float | None
    """Hits above LRU's, over Belady's above LRU's; None where Belady has no more than LRU."""
    tokens_per_second: float
    """Tokens of the whole trace replayed in a second of this machine; sizes that are judged at once share it."""

    @property
    def hit_rate(self) -> float:
        """Hits over accesses; 0 where there were none."""
        return self.hits / self.accesses if self.accesses else 0.0


def replay(
    tokens: TokenRoutes, slots: tuple[int, ...], policies: tuple[str, ...], weights: NDArray[np.float16] | None = None
) -> list[PolicyFigures]:
    """Return figures of each size, and in it of LRU, the other `policies` in their order, and Belady.

    Args:
        tokens: the trace.
        slots: of a layer, each from `n_expert_used` to `n_expert`.
        policies: names of `POLICIES`.
        weights: gate weights [as `tokens.routes`], if recorded.

    Raises:
        ValueError: fewer slots than a token uses.
    """
    counted = tokens.is_decode if tokens.is_decode.any() else np.ones(tokens.n_tokens, np.bool_)
    hits: dict[tuple[str, int], NDArray[np.int64]] = {}
    speeds: dict[tuple[str, int], float] = {}
    n_expert = tokens.header.n_expert
    start = time.perf_counter()
    best = belady_hits(tokens.routes, counted, n_expert, slots)
    speed = _speed(tokens, start)
    for size, of_layers in zip(slots, best, strict=True):
        hits[BELADY, size], speeds[BELADY, size] = of_layers, speed
    start = time.perf_counter()
    curve = reuse_curve(stack_distances(tokens.routes, n_expert), counted, n_expert)
    speed = _speed(tokens, start)
    for size in slots:
        hits[LRU, size], speeds[LRU, size] = curve.hits()[:, size], speed
        for policy in policies:
            if policy in SCORERS:
                start = time.perf_counter()
                hits[policy, size] = guarded_hits(tokens, counted, size, SCORERS[policy], weights)
                speeds[policy, size] = _speed(tokens, start)
    shown = (LRU, *(policy for policy in dict.fromkeys(policies) if policy in SCORERS), BELADY)
    expert_bytes = np.array(tokens.header.expert_bytes, np.float64)
    figures = []
    for size in slots:
        lru, most = int(hits[LRU, size].sum()), int(hits[BELADY, size].sum())
        for policy in shown:
            of_layers = hits[policy, size]
            n_bytes = float((curve.accesses - of_layers) @ expert_bytes)
            total = int(of_layers.sum())
            figures.append(
                PolicyFigures(
                    policy=policy,
                    slots=size,
                    hits=total,
                    accesses=int(curve.accesses.sum()),
                    bytes_per_token=n_bytes / max(1, int(counted.sum())),
                    gap_closed=(total - lru) / (most - lru) if most > lru else None,
                    tokens_per_second=speeds[policy, size],
                )
            )
    return figures


def gather_weights(trace: RouteTrace) -> NDArray[np.float16] | None:
    """Return the gate weights of all tokens [n_layer, n_tokens, n_expert_used]; None where they are not recorded.

    Raises:
        TraceFileError: of reading them.
    """
    # Copied: a step's arrays are part of larger ones, which would stay.
    weights = [step.weights.copy() for step in trace.steps() if step.weights is not None]
    return np.concatenate(weights, axis=1) if weights and trace.header.has_weights else None


def guarded_hits(
    tokens: TokenRoutes,
    counted: NDArray[np.bool_],
    slots: int,
    scorer: Scorer,
    weights: NDArray[np.float16] | None = None,
) -> NDArray[np.int64]:
    """Return hits of the `counted` tokens [n_layer], in caches that evict what scores lowest, guarded by LRU."""
    header = tokens.header
    n_layer = len(header.layers)
    guard = LruGuard(scorer(header), header.n_expert, [slots] * n_layer)
    limit = np.full((n_layer, 1), slots)
    # The last column takes unknown routes.
    resident = np.zeros((n_layer, header.n_expert + 1), np.bool_)
    hits = np.zeros(n_layer, np.int64)
    rows = np.arange(n_layer)[:, None]
    layers = slice(0, n_layer)
    for token in range(tokens.n_tokens):
        experts = tokens.routes[:, token]
        guard.routed(layers, experts, None if weights is None else weights[:, token], judged=bool(counted[token]))
        if counted[token]:
            hits += (resident[rows, experts] & (experts != UNKNOWN)).sum(axis=1)
        used = np.zeros_like(resident)
        used[rows, experts] = True
        resident |= used
        resident[:, -1] = False
        if (resident.sum(axis=1) > slots).any():
            resident[:, :-1] &= keeps(resident[:, :-1], used[:, :-1], guard.scores(layers), limit)
    return hits


def _speed(tokens: TokenRoutes, start: float) -> float:
    return tokens.n_tokens / max(time.perf_counter() - start, 1e-9)
