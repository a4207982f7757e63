"""`RoutingReport`: what a trace says of a model's routing, and what a pager can make of it."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from offload.routing.load import LayerLoad, layer_loads
from offload.routing.reuse import ReuseCurve, belady_hits, reuse_curve, stack_distances
from offload.routing.route_trace import RouteTrace
from offload.routing.simple_recall import previous_layer_recall, previous_path_recall, token_table_recall
from offload.routing.token_dependence import explained_by_token_id
from offload.routing.token_routes import TokenRoutes, gather_routes

SLOT_SHARES = (0.125, 0.25, 0.375, 0.5, 0.75)
"""Slots of a layer's cache, over its experts, for which hit rates are told."""
QUANTILES = (0.25, 0.5, 0.75, 0.9, 0.99)

Figure = float | None
"""None where the trace does not say."""


@dataclass(frozen=True, slots=True)
class LayerFigures:
    """Figures of one layer, or their means over layers. All tokens count but where decoded ones are named."""

    load_entropy: Figure
    """Of the load, over that of an even one."""
    busiest: Figure
    """Load of the busiest expert, over an even one."""
    least_used: Figure
    """Load of the least used expert, over an even one."""
    never_used: Figure
    """Experts without a use."""
    imbalance: tuple[Figure, ...]
    """Standard deviation of the load over its mean, in the first, middle and last third of the sequences."""
    token_reuse: Figure
    """Share of a token's experts that the previous token of its sequence used."""
    token_reuse_by_chance: Figure
    """The same, were each token's experts drawn by load alone."""
    previous_path_recall: Figure
    """Share of a decoded token's experts that the previous token used."""
    explained_by_token_id: Figure
    """Share of the experts' entropy that the token id explains, beyond chance."""
    token_table_recall: Figure
    """Of a table of the experts seen for each token id so far."""
    previous_layer_recall: Figure
    """Of a table of the experts seen together with those of the layer before."""
    first_uses: Figure
    """Share of accesses whose expert was never used before."""
    reuse_distances: tuple[Figure, ...]
    """Of the other accesses: how many other experts were used since, at `QUANTILES`."""
    lru_hit_rates: tuple[Figure, ...]
    """Of least recently used, with `RoutingReport.slots`."""
    belady_hit_rates: tuple[Figure, ...]
    """With the same slots: the most that is possible."""


@dataclass(frozen=True, slots=True)
class LayerReport:
    """What a trace says of one layer."""

    layer: int
    load: tuple[float, ...]
    """Share of each expert of all uses."""
    figures: LayerFigures


@dataclass(frozen=True, slots=True)
class RoutingReport:
    """What a trace says of a model's routing."""

    model_name: str
    architecture: str
    n_expert: int
    n_expert_used: int
    n_sequences: int
    n_prefill_tokens: int
    n_decode_tokens: int
    known_token_ids: float
    """Share of tokens whose id is known."""
    seen_token_ids: Figure
    """Share of those whose id was there before."""
    hit_rates_of_decode: bool
    """Whether hit rates are of decoded tokens alone. Where none was decoded they are of all, as if each had been."""
    slots: tuple[int, ...]
    """Slots of a layer at `SLOT_SHARES`, at least what a token needs."""
    layers: tuple[LayerReport, ...]
    mean: LayerFigures
    """Of the layers that have the figure."""
    lru_curve: tuple[Figure, ...]
    """Mean hit rate of LRU by slots of a layer, from 0 on; None where they are too few for a token."""


def routing_report(trace: RouteTrace) -> RoutingReport:
    """Read `trace` to its end and judge it. Keeps all its routes in memory, some 15 bytes for each routed expert.

    Raises:
        TraceFileError: of reading the trace.
    """
    tokens = gather_routes(trace)
    header = tokens.header
    slots = tuple(max(header.n_expert_used, round(share * header.n_expert)) for share in SLOT_SHARES)
    distances = stack_distances(tokens.routes, header.n_expert)
    judged = tokens.is_decode if tokens.is_decode.any() else ~tokens.is_decode
    cached = reuse_curve(distances, judged, header.n_expert)
    reuse = reuse_curve(distances, np.ones(tokens.n_tokens, np.bool_), header.n_expert)
    del distances
    loads = layer_loads(tokens)
    table_recall, seen_token_ids = token_table_recall(tokens)
    belady = _over(belady_hits(tokens.routes, judged, header.n_expert, slots), cached.accesses)
    figures = _layer_figures(tokens, loads, reuse, cached, belady, slots, table_recall)
    n_decode = int(tokens.is_decode.sum())
    return RoutingReport(
        model_name=header.model_name,
        architecture=header.architecture,
        n_expert=header.n_expert,
        n_expert_used=header.n_expert_used,
        n_sequences=len(np.unique(tokens.sequences)),
        n_prefill_tokens=tokens.n_tokens - n_decode,
        n_decode_tokens=n_decode,
        known_token_ids=float((tokens.token_ids >= 0).mean()) if tokens.n_tokens else 0.0,
        seen_token_ids=seen_token_ids,
        hit_rates_of_decode=n_decode > 0,
        slots=slots,
        layers=tuple(
            LayerReport(layer, load.shares, of_layer)
            for layer, load, of_layer in zip(header.layers, loads, figures, strict=True)
        ),
        mean=_mean(figures),
        lru_curve=_mean_curve(cached, header.n_expert_used),
    )


def _layer_figures(
    tokens: TokenRoutes,
    loads: list[LayerLoad],
    reuse: ReuseCurve,
    cached: ReuseCurve,
    belady: NDArray[np.float64],
    slots: tuple[int, ...],
    table_recall: NDArray[np.float64],
) -> list[LayerFigures]:
    lru = cached.hit_rates()
    token_reuse = previous_path_recall(tokens, decode_only=False)
    path_recall = previous_path_recall(tokens, decode_only=True)
    layer_recall = previous_layer_recall(tokens)
    first_uses = _over(reuse.counts[:, -1], reuse.accesses)
    explained = explained_by_token_id(tokens)
    return [
        LayerFigures(
            load_entropy=load.entropy,
            busiest=load.busiest,
            least_used=load.least_used,
            never_used=float(load.never_used),
            imbalance=load.imbalance,
            token_reuse=_figure(token_reuse[index]),
            token_reuse_by_chance=load.reuse_by_chance,
            previous_path_recall=_figure(path_recall[index]),
            explained_by_token_id=explained[index],
            token_table_recall=_figure(table_recall[index]),
            previous_layer_recall=_figure(layer_recall[index]),
            first_uses=_figure(first_uses[index]),
            reuse_distances=_quantiles(reuse.counts[index, :-1]),
            lru_hit_rates=tuple(_figure(lru[index, n]) for n in slots),
            belady_hit_rates=tuple(_figure(rate) for rate in belady[:, index]),
        )
        for index, load in enumerate(loads)
    ]


def _quantiles(counts: NDArray[np.int64]) -> tuple[Figure, ...]:
    """Return the smallest distances that so many of the counted ones do not exceed."""
    total = int(counts.sum())
    if not total:
        return (None,) * len(QUANTILES)
    return tuple(float(np.searchsorted(counts.cumsum(), share * total)) for share in QUANTILES)


def _mean(figures: list[LayerFigures]) -> LayerFigures:
    """Return the means over layers, figure by figure, of the layers that have one."""
    means: dict[str, Figure | tuple[Figure, ...]] = {}
    for field in fields(LayerFigures):
        values = [getattr(layer, field.name) for layer in figures]
        if isinstance(values[0], tuple):
            means[field.name] = tuple(_mean_of(column) for column in zip(*values, strict=True))
        else:
            means[field.name] = _mean_of(values)
    return LayerFigures(**means)  # type: ignore[arg-type]


def _mean_of(values: Iterable[Figure]) -> Figure:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _mean_curve(cached: ReuseCurve, n_expert_used: int) -> tuple[Figure, ...]:
    rates = cached.hit_rates()
    return tuple(
        _mean_of(_figure(rate) for rate in column) if n_slots >= n_expert_used else None
        for n_slots, column in enumerate(rates.T)
    )


def _over(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.asarray(part / whole)


def _figure(value: float) -> Figure:
    return None if np.isnan(value) else float(value)
