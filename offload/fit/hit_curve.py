"""`HitCurve`: how often experts are found in slots, by the share of them that have one.

A curve is replayed from routes (`curve_of_routes`): caches of each layer, least recently used, which is what the pager
falls back to. Of each size three rates:

    long   all tokens in one go, after the first `_WARM_TOKENS`
    cold   the same in short pieces, each of which begins with empty slots
    best   Belady's optimum, which knows the future

    low = cold,   middle = long, a quarter of the way to cold,   high = long, `_GAIN` of the way to best
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offload.fit.estimate import Estimate
from offload.routing.forecaster_file import State
from offload.routing.reuse import belady_hits, reuse_curve, stack_distances
from offload.routing.route_trace import UNKNOWN, TraceHeader

SHARES = (0.0625, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
"""Of the experts in slots, where a curve is worked out; in between it goes straight, and at 1 everything hits."""
LEAST_TOKENS = 96
"""Of routes that make a curve of their own: fewer say less than another model's."""
_WARM_TOKENS = 32
_PIECE_TOKENS = 96
_COLD_SHARE = 0.25
_GAIN = 0.3
"""Of the way from least recently used to the optimum that similar paths went, on traces of Qwen3-30B-A3B (0.18 to 0.26)
and of the demo model (0.34), and with forecasts on a packed store (0.29 at a quarter of the experts)."""
_STATE = "similar paths"
"""The forecaster whose state holds the routes of the last tokens."""


@dataclass(frozen=True, slots=True)
class HitCurve:
    """Hit rates at rising shares, none falling; `source` says where they are from, for a person."""

    shares: tuple[float, ...]
    rates: tuple[Estimate, ...]
    source: str

    def __post_init__(self) -> None:
        if not self.shares or len(self.shares) != len(self.rates) or list(self.shares) != sorted(set(self.shares)):
            raise ValueError("a curve needs rising shares, and as many rates")
        if any(rate.low < 0 or rate.high > 1 for rate in self.rates):
            raise ValueError("a hit rate is not from 0 to 1")

    def at(self, share: float) -> Estimate:
        """Return the hit rate where `share` (0 to 1) of the experts have a slot."""
        if share >= 1:
            return Estimate.exact(1.0)
        shares = (0.0, *self.shares, 1.0)
        rates = (Estimate.exact(0.0), *self.rates, Estimate.exact(1.0))
        index = max(1, bisect_left(shares, share))
        before, after = rates[index - 1], rates[index]
        part = (max(share, 0.0) - shares[index - 1]) / (shares[index] - shares[index - 1])
        return before.toward(after, part)


def curve_of_routes(routes: NDArray[np.int16], n_expert: int, source: str) -> HitCurve:
    """Replay routes [n_layer, n_tokens, n_expert_used], or `UNKNOWN`, of more than `_WARM_TOKENS` tokens."""
    n_used = routes.shape[2]
    sizes = [size for size in dict.fromkeys(round(share * n_expert) for share in SHARES) if n_used <= size < n_expert]
    if not sizes:
        return HitCurve((0.5,), (Estimate(0.0, 0.5, 1.0),), source)
    counted = np.arange(routes.shape[1]) >= _WARM_TOKENS
    long_hits, n_accesses = _lru(routes, counted, n_expert)
    pieces = [routes[:, start : start + _PIECE_TOKENS] for start in range(0, routes.shape[1], _PIECE_TOKENS)]
    pieces = [piece for piece in pieces if piece.shape[1] > _WARM_TOKENS]
    of_pieces = [_lru(piece, np.arange(piece.shape[1]) >= _WARM_TOKENS, n_expert) for piece in pieces]
    cold_hits = sum((hits for hits, _ in of_pieces), np.zeros_like(long_hits))
    n_cold = max(1, sum(count for _, count in of_pieces))
    best = belady_hits(routes, counted, n_expert, tuple(sizes)).sum(axis=1) / max(1, n_accesses)
    rates = []
    for size, best_rate in zip(sizes, best.tolist(), strict=True):
        long_rate, cold = long_hits[size] / max(1, n_accesses), cold_hits[size] / n_cold
        middle = float(long_rate + _COLD_SHARE * min(0.0, cold - long_rate))
        high = float(long_rate + _GAIN * max(0.0, best_rate - long_rate))
        rates.append(Estimate(min(float(cold), middle), middle, max(middle, high)))
    return HitCurve(tuple(size / n_expert for size in sizes), tuple(rates), source)


def curve_of_states(states: Mapping[str, State], header: TraceHeader) -> HitCurve | None:
    """Return the curve of the routes that were kept of a model; None where they are too few, or of another shape."""
    kept = states.get(_STATE, {}).get("experts")
    shape = len(header.layers), header.n_expert_used
    if kept is None or kept.ndim != 3 or (kept.shape[0], kept.shape[2]) != shape or kept.shape[1] < LEAST_TOKENS:
        return None
    experts = np.asarray(kept, np.int64)
    routes = np.where((experts < 0) | (experts >= header.n_expert), UNKNOWN, experts).astype(np.int16)
    return curve_of_routes(routes, header.n_expert, f"this model's last {routes.shape[1]} tokens")


def _lru(routes: NDArray[np.int16], counted: NDArray[np.bool_], n_expert: int) -> tuple[NDArray[np.int64], int]:
    """Return hits of all layers by number of slots, and the accesses that were counted."""
    curve = reuse_curve(stack_distances(routes, n_expert), counted, n_expert)
    return np.asarray(curve.hits().sum(axis=0)), int(curve.accesses.sum())
