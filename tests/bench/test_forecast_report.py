"""The verdicts on forecasts, of made-up figures."""

import pytest

from bench.forecast_report import verdicts
from bench.report import Verdict
from offload.routing.report_card import BEFORE, ForecastFigures


def figures(name: str, lead: int, *recall_by_layer: float | None, error: float | None = None) -> ForecastFigures:
    known = [share for share in recall_by_layer if share is not None]
    return ForecastFigures(name, lead, 100, sum(known) / len(known), recall_by_layer, error)


def verdict(claim: str, *card: ForecastFigures) -> Verdict:
    (found,) = [found for found in verdicts(card) if found.claim.startswith(claim)]
    return found


@pytest.mark.parametrize(("recall", "passed"), [(0.87, False), (0.89, True)])
def test_gate_ahead_is_judged_without_what_the_first_layer_forecasts(recall: float, passed: bool) -> None:
    found = verdict("gate ahead", figures("gate ahead", 1, None, 0.1, recall, recall))
    assert found.judged == pytest.approx(100 * recall)
    assert found.passed is passed


def test_the_mean_of_the_layers_counts_for_gate_ahead() -> None:
    found = verdict("gate ahead", figures("gate ahead", 1, None, None, 0.8, 0.98))
    assert (found.judged, found.found.low, found.found.high) == pytest.approx((89.0, 80.0, 98.0))
    assert found.passed


@pytest.mark.parametrize(("recall", "passed"), [(0.69, False), (0.71, True)])
def test_the_learned_path_is_judged_before_compute(recall: float, passed: bool) -> None:
    card = [figures("learned path", BEFORE, recall), figures("learned path", 1, 0.99)]
    assert verdict("learned path", *card).passed is passed


@pytest.mark.parametrize(("second", "passed"), [(0.79, False), (0.81, True)])
def test_one_layer_where_a_part_is_better_is_a_miss(second: float, passed: bool) -> None:
    card = [figures("blend", 1, 0.9, second), figures("gate ahead", 1, 0.7, 0.5), figures("token prior", 1, 0.6, 0.8)]
    found = verdict("blend above", *card)
    assert found.judged == pytest.approx(100 * (second - 0.8))
    assert found.passed is passed


@pytest.mark.parametrize(("error", "passed"), [(0.04, True), (0.06, False)])
def test_the_worst_lead_counts_for_calibration(error: float, passed: bool) -> None:
    card = [figures("blend", BEFORE, 0.9, error=error), figures("blend", 1, 0.9, error=0.01)]
    assert verdict("calibration", *card).passed is passed


def test_forecasters_that_are_not_there_get_no_verdict() -> None:
    assert verdicts([figures("previous path", 1, 0.3)]) == []
