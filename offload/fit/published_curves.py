"""Hit-rate curves of models whose routes are known, for those whose routes are not.

Worked out by `hit_curve.curve_of_routes`; `tests/bench/fit_check.py --curve TRACE` prints a curve as it stands here.
"""

import math
from dataclasses import dataclass

from offload.fit.estimate import Estimate
from offload.fit.hit_curve import HitCurve

_OTHER_MODEL = 1.5
"""By how many times another model's misses may be more or fewer than those of the curve that stands in for it."""


@dataclass(frozen=True, slots=True)
class PublishedCurve:
    """One model's curve, and what it was worked out from."""

    n_expert: int
    model: str
    source: str
    curve: tuple[tuple[float, Estimate], ...]
    """Shares of the experts in slots, and hit rates."""


CURVES = (
    PublishedCurve(
        n_expert=32,
        model="the demo model",
        source="4 of 32 experts, 8 layers, 60 answers, 3781 tokens, greedy",
        curve=(
            (0.125, Estimate(0.204, 0.205, 0.205)),
            (0.1875, Estimate(0.274, 0.275, 0.319)),
            (0.25, Estimate(0.341, 0.341, 0.400)),
            (0.375, Estimate(0.466, 0.467, 0.534)),
            (0.5, Estimate(0.579, 0.580, 0.644)),
            (0.625, Estimate(0.687, 0.690, 0.744)),
            (0.75, Estimate(0.799, 0.801, 0.839)),
            (0.875, Estimate(0.903, 0.905, 0.925)),
        ),
    ),
    PublishedCurve(
        n_expert=128,
        model="Qwen3-30B-A3B",
        source="6 of 128 experts, 48 layers, one chat of 156 tokens, recorded by BigMoeOnEdge",
        curve=(
            (0.0625, Estimate(0.433, 0.433, 0.461)),
            (0.125, Estimate(0.621, 0.621, 0.665)),
            (0.1875, Estimate(0.737, 0.737, 0.776)),
            (0.25, Estimate(0.821, 0.824, 0.854)),
            (0.375, Estimate(0.914, 0.919, 0.934)),
            (0.5, Estimate(0.949, 0.958, 0.964)),
            (0.625, Estimate(0.956, 0.967, 0.972)),
            (0.75, Estimate(0.957, 0.970, 0.974)),
            (0.875, Estimate(0.957, 0.970, 0.974)),
        ),
    ),
)
"""By rising number of experts."""


def published_curve(n_expert: int) -> HitCurve:
    """Return the curve for a model of so many experts in a layer.

    Between the known numbers of experts rates go straight over the logarithm of the number, beyond them the nearest
    curve holds. The range is wider than the curve's own: it is of another model.
    """
    few, many = CURVES[0], CURVES[-1]
    span = math.log(many.n_expert / few.n_expert)
    part = min(1.0, max(0.0, math.log(max(n_expert, 1) / few.n_expert) / span))
    shares = [share for share, _ in few.curve]
    first, last = _curve(few), _curve(many)
    rates = [first.at(share).toward(last.at(share), part) for share in shares]
    names = [known.model for known, weight in ((few, 1 - part), (many, part)) if weight > 0]
    return HitCurve(tuple(shares), tuple(_widened(rate) for rate in rates), f"routes of {' and '.join(names)}")


def _curve(known: PublishedCurve) -> HitCurve:
    return HitCurve(tuple(share for share, _ in known.curve), tuple(rate for _, rate in known.curve), known.model)


def _widened(rate: Estimate) -> Estimate:
    low = max(0.0, 1 - _OTHER_MODEL * (1 - rate.low))
    return Estimate(low, rate.middle, 1 - (1 - rate.high) / _OTHER_MODEL)
