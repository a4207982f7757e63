"""Draws a routing report: the load of every expert as a heat map, and hit rates over the slots of a layer."""

import math
from itertools import pairwise

from offload.routing.report import RoutingReport
from offload.routing.svg import Svg

_WIDTH = 960
_MARGIN = 64
_HEAT_WIDTH = _WIDTH - 2 * _MARGIN
_MOST_COLUMNS = 128
_CURVE_HEIGHT = 280
_INK, _MUTED, _GRID = "#1f2328", "#59636e", "#d1d9e0"
_LRU, _BELADY = "#0969da", "#bc4c00"
_SCALE = ("#f6f8fa", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b")
"""From an expert without use to one of 8 times an even load and more; the steps double."""
_EVEN_STEP = 5


def draw_report(report: RoutingReport) -> str:
    """Return the text of an SVG file."""
    row_height = min(16.0, max(4.0, 480 / len(report.layers)))
    heat_height = row_height * len(report.layers)
    height = int(heat_height) + _CURVE_HEIGHT + 220
    svg = Svg(_WIDTH, height)
    svg.text(_MARGIN, 30, f"Routing of {report.model_name or report.architecture or 'a model'}", size=18)
    svg.text(
        _MARGIN,
        50,
        f"{report.n_prefill_tokens} prompt tokens, {report.n_decode_tokens} decoded, {len(report.layers)} layers, "
        f"{report.n_expert_used} of {report.n_expert} experts",
        fill=_MUTED,
    )
    _draw_load(svg, report, top=90, row_height=row_height)
    _draw_hit_rates(svg, report, top=90 + heat_height + 75)
    return svg.document()


def _draw_load(svg: Svg, report: RoutingReport, *, top: float, row_height: float) -> None:
    svg.text(_MARGIN, top - 10, "Load, a row for each layer, its busiest expert first", size=13)
    n_columns = min(report.n_expert, _MOST_COLUMNS)
    column_width = _HEAT_WIDTH / n_columns
    every = max(1, math.ceil(12 / row_height))
    for row, layer in enumerate(report.layers):
        y = top + row * row_height
        if row % every == 0:
            svg.text(_MARGIN - 8, y + row_height / 2 + 3, str(layer.layer), fill=_MUTED, size=9, anchor="end")
        steps = [_step(load * report.n_expert) for load in _columns(layer.load, n_columns)]
        start = 0
        # Neighbours of one colour are one rectangle.
        for end in range(1, n_columns + 1):
            if end == n_columns or steps[end] != steps[start]:
                width = (end - start) * column_width
                svg.rect(_MARGIN + start * column_width, y, width, row_height, fill=_SCALE[steps[start]])
                start = end
    y = top + row_height * len(report.layers) + 12
    svg.text(_MARGIN, y + 10, "no use", fill=_MUTED, size=10)
    for step, colour in enumerate(_SCALE):
        svg.rect(_MARGIN + 40 + step * 24, y, 24, 12, fill=colour)
    svg.text(_MARGIN + 46 + len(_SCALE) * 24, y + 10, "8 times even and more", fill=_MUTED, size=10)
    svg.text(_MARGIN + 52 + _EVEN_STEP * 24, y + 24, "even", fill=_MUTED, size=10, anchor="middle")


def _columns(load: tuple[float, ...], n_columns: int) -> list[float]:
    """Return the loads, largest first, averaged into `n_columns`."""
    ordered = sorted(load, reverse=True)
    edges = [index * len(ordered) // n_columns for index in range(n_columns + 1)]
    return [sum(ordered[a:b]) / (b - a) for a, b in pairwise(edges)]


def _step(times_even: float) -> int:
    """Return the step of the scale: 0 without use, then doubling from 1/16 of an even load."""
    if times_even <= 0:
        return 0
    return min(max(round(math.log2(times_even)) + _EVEN_STEP, 1), len(_SCALE) - 1)


def _draw_hit_rates(svg: Svg, report: RoutingReport, *, top: float) -> None:
    of_what = "decoded tokens" if report.hit_rates_of_decode else "all tokens, none was decoded"
    svg.text(_MARGIN, top - 10, f"Hit rate by slots of a layer, mean over layers; {of_what}", size=13)
    bottom = top + _CURVE_HEIGHT

    def x(n_slots: float) -> float:
        return _MARGIN + _HEAT_WIDTH * n_slots / report.n_expert

    def y(rate: float) -> float:
        return bottom - _CURVE_HEIGHT * rate

    for tenth in range(0, 11, 2):
        svg.line([(_MARGIN, y(tenth / 10)), (_MARGIN + _HEAT_WIDTH, y(tenth / 10))], stroke=_GRID)
        svg.text(_MARGIN - 8, y(tenth / 10) + 4, f"{tenth * 10} %", fill=_MUTED, size=10, anchor="end")
    for eighth in range(9):
        n_slots = report.n_expert * eighth / 8
        svg.text(x(n_slots), bottom + 16, f"{n_slots:g}", fill=_MUTED, size=10, anchor="middle")
    svg.text(_MARGIN + _HEAT_WIDTH, bottom + 32, f"slots, of {report.n_expert}", fill=_MUTED, size=10, anchor="end")
    curve = [(x(n), y(rate)) for n, rate in enumerate(report.lru_curve) if rate is not None]
    svg.line(curve, stroke=_LRU, width=2)
    for n_slots, rate in zip(report.slots, report.mean.belady_hit_rates, strict=True):
        if rate is not None:
            svg.dot(x(n_slots), y(rate), radius=4, fill=_BELADY)
    svg.line([(_MARGIN, bottom + 30), (_MARGIN + 20, bottom + 30)], stroke=_LRU, width=2)
    svg.text(_MARGIN + 26, bottom + 34, "least recently used leaves", fill=_INK, size=11)
    svg.dot(_MARGIN + 210, bottom + 30, radius=4, fill=_BELADY)
    svg.text(
        _MARGIN + 220, bottom + 34, "Belady: what is used again last leaves, the most possible", fill=_INK, size=11
    )
