"""A routing report as a person reads it: tables of at most 100 columns, a line for each layer."""

from offload.routing.published import KNOWN_FIGURES
from offload.routing.report import QUANTILES, SLOT_SHARES, LayerFigures, RoutingReport

_SHOWN_QUANTILES = (0.5, 0.9, 0.99)
_USE = (
    f"{'':6}{' load ':-^28}  {' imbalance ':-^18} {' last token ':-^13} {' token id ':-^18} {' before ':-^12}",
    f"layer {'entropy':>7}{'busiest':>8}{'least':>6}{'unused':>7} {'first':>6}{'middle':>7}{'last':>6}"
    f"{'reused':>7}{'chance':>7}{'explains':>9}{'recall':>10}{'recall':>13}",
)


def report_lines(report: RoutingReport) -> list[str]:
    """Return the report in lines."""
    name = " ".join(filter(None, (report.model_name, f"({report.architecture})" if report.architecture else "")))
    lines = [
        f"{name or 'unnamed model'}: {len(report.layers)} layers, {report.n_expert_used} of {report.n_expert} experts",
        f"tokens: {report.n_prefill_tokens} of prompts and {report.n_decode_tokens} decoded; "
        f"sequences: {report.n_sequences}",
        f"token ids known: {_percent(report.known_token_ids)}, of these seen before: {_percent(report.seen_token_ids)}",
    ]
    lines += ["", "Use of experts and what forecasts it, all tokens", *_USE]
    lines += [f"{layer.layer:>5} {_use_cells(layer.figures)}" for layer in report.layers]
    lines += [f" mean {_use_cells(report.mean)}", "", *_cache_heads(report)]
    lines += [f"{layer.layer:>5} {_cache_cells(layer.figures)}" for layer in report.layers]
    lines += [f" mean {_cache_cells(report.mean)}", "", *_recall_lines(report)]
    return lines


def _use_cells(figures: LayerFigures) -> str:
    return "".join(
        (
            f"{_number(figures.load_entropy, 3):>7}",
            f"{_times(figures.busiest):>8}",
            f"{_times(figures.least_used):>6}",
            f"{_number(figures.never_used, 1 if figures.never_used and figures.never_used % 1 else 0):>7}",
            " ",
            *(f"{_number(part, 2):>{w}}" for part, w in zip(figures.imbalance, (6, 7, 6), strict=True)),
            f"{_percent(figures.token_reuse):>7}",
            f"{_percent(figures.token_reuse_by_chance):>7}",
            f"{_percent(figures.explained_by_token_id):>9}",
            f"{_percent(figures.token_table_recall):>10}",
            f"{_percent(figures.previous_layer_recall):>13}",
        )
    )


def _cache_heads(report: RoutingReport) -> list[str]:
    shares = "".join(f"{share * 100:>6g}%" for share in SLOT_SHARES)
    quantiles = "".join(f"{share * 100:>4.0f}%" for share in _SHOWN_QUANTILES)
    slots = ", ".join(map(str, report.slots))
    of_what = "decoded tokens" if report.hit_rates_of_decode else "all, none decoded"
    return [
        f"Reuse distance (other experts used since), all tokens; hit rate of {of_what}, by slots",
        f"of a layer ({slots}): least recently used leaves, and Belady, the most that is possible",
        f"{'first':>12}{'distance':>15}{'LRU':>35}{'Belady':>35}",
        f"layer{'uses':>7}{quantiles}{shares}{shares}",
    ]


def _cache_cells(figures: LayerFigures) -> str:
    shown = (figures.reuse_distances[QUANTILES.index(share)] for share in _SHOWN_QUANTILES)
    rates = (*figures.lru_hit_rates, *figures.belady_hit_rates)
    return "".join(
        (
            f"{_percent(figures.first_uses):>6}",
            *(f"{_number(distance, 0):>5}" for distance in shown),
            *(f"{_percent(rate):>7}" for rate in rates),
        )
    )


def _recall_lines(report: RoutingReport) -> list[str]:
    mean = report.mean
    gaps = [
        f"{(best - lru) * 100:.1f}" if best is not None and lru is not None else "-"
        for lru, best in zip(mean.lru_hit_rates, mean.belady_hit_rates, strict=True)
    ]
    lines = [
        f"Recall of the previous token's path, decoded tokens: {_percent(mean.previous_path_recall)}",
        f"Belady above LRU, in points: {', '.join(gaps)}",
        "",
        "Known of other models",
    ]
    for figure in KNOWN_FIGURES:
        high = f" to {figure.high * 100:.1f}" if figure.high != figure.low else ""
        lines.append(f"  {figure.what}: {figure.low * 100:.1f}{high} {figure.unit} ({figure.model})")
    return lines


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.1f}%"
