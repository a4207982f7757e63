"""The report puts every figure in its place."""

from dataclasses import fields

import numpy as np
import pytest

from fakes.routing_traces import ListTrace, decode_step, make_header, random_step
from offload.routing.report import LayerFigures, RoutingReport, routing_report
from offload.routing.route_trace import UNKNOWN, Phase, RouteStep


def report_of(*steps: RouteStep, n_layer: int = 2) -> RoutingReport:
    return routing_report(ListTrace(make_header(n_layer, has_weights=False), steps))


PROMPT = decode_step([0, 1], [0, 1], token=5, phase=Phase.PREFILL)
DECODED = (decode_step([0, 1], [2, 3], token=5), decode_step([0, 2], [0, 1], token=6))


def test_tokens_are_counted_by_phase_and_sequence() -> None:
    report = report_of(PROMPT, *DECODED, decode_step([0, 1], [2, 3], sequence=3))
    assert (report.n_prefill_tokens, report.n_decode_tokens, report.n_sequences) == (1, 3, 2)
    assert report.known_token_ids == 0.75
    assert report.seen_token_ids == pytest.approx(1 / 3)


def test_slots_are_shares_of_the_experts_but_enough_for_a_token() -> None:
    assert report_of(PROMPT).slots == (2, 2, 3, 4, 6)


def test_layers_bear_their_block_numbers() -> None:
    assert [layer.layer for layer in report_of(PROMPT).layers] == [1, 2]


def test_hit_rates_are_of_decoded_tokens_after_their_prompt() -> None:
    first, second = (layer.figures for layer in report_of(PROMPT, *DECODED).layers)
    assert first.lru_hit_rates == (0.75,) * 5
    # The token between leaves nothing in 2 slots, the more recent expert in 3, and both in 4.
    assert second.lru_hit_rates == (0.0, 0.0, 0.25, 0.5, 0.5)
    assert second.belady_hit_rates == (0.0, 0.0, 0.25, 0.5, 0.5)


def test_belady_is_never_below_least_recently_used() -> None:
    random = np.random.default_rng(7)
    header = make_header(3, 16, 3, has_weights=False)
    steps = tuple(random_step(header, random) for _ in range(60))
    mean = routing_report(ListTrace(header, steps)).mean
    pairs = list(zip(mean.lru_hit_rates, mean.belady_hit_rates, strict=True))
    assert all(lru is not None and best is not None and 0 < lru <= best < 1 for lru, best in pairs)
    assert pairs[2][0] != pairs[2][1]


def test_reuse_is_of_all_tokens_and_the_path_of_decoded_ones() -> None:
    figures = report_of(PROMPT, PROMPT, *DECODED).layers[0].figures
    assert figures.token_reuse == pytest.approx(5 / 6)
    assert figures.previous_path_recall == pytest.approx(3 / 4)


def test_distances_are_of_experts_that_were_used_before() -> None:
    figures = report_of(PROMPT, *DECODED).layers[1].figures
    assert figures.first_uses == pytest.approx(4 / 6)
    assert figures.reuse_distances == (2.0, 2.0, 3.0, 3.0, 3.0)


def test_the_mean_is_of_layers_that_have_the_figure() -> None:
    report = report_of(PROMPT, *DECODED)
    assert report.layers[0].figures.previous_layer_recall is None
    assert report.mean.previous_layer_recall == report.layers[1].figures.previous_layer_recall
    assert report.mean.previous_layer_recall is not None
    assert report.mean.lru_hit_rates[-1] == pytest.approx((0.75 + 0.5) / 2)
    assert report.mean.busiest == pytest.approx(np.mean([layer.figures.busiest for layer in report.layers]))


def test_the_curve_begins_where_a_token_fits() -> None:
    report = report_of(PROMPT, *DECODED)
    assert report.lru_curve[:2] == (None, None)
    assert report.lru_curve[2:] == pytest.approx((0.375, 0.5, 0.625, 0.625, 0.625, 0.625, 0.625))


def test_without_decoded_tokens_hit_rates_are_of_all() -> None:
    report = report_of(PROMPT, PROMPT)
    assert not report.hit_rates_of_decode
    assert report.mean.lru_hit_rates == report.mean.belady_hit_rates == (0.5,) * 5
    assert report.mean.previous_path_recall is None
    assert report_of(PROMPT, *DECODED).hit_rates_of_decode


@pytest.mark.parametrize("steps", [(), (decode_step([UNKNOWN] * 2, [UNKNOWN] * 2),)])
def test_a_trace_that_says_nothing_has_no_figures(steps: tuple[RouteStep, ...]) -> None:
    mean = report_of(*steps).mean
    known = {"never_used": 8.0}
    for field in fields(LayerFigures):
        value = getattr(mean, field.name)
        assert set(value if isinstance(value, tuple) else (value,)) == {known.get(field.name)}
