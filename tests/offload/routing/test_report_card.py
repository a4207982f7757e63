"""Forecasts are judged on the routes that follow."""

import numpy as np
import pytest

from offload.routing.report_card import BEFORE, Margin, ReportCard, margins


def scores(*of: float) -> np.ndarray:
    return np.array(of, np.float32)


def experts(*of: int) -> np.ndarray:
    return np.array(of, np.int32)


@pytest.fixture
def card() -> ReportCard:
    return ReportCard(n_layer=2, n_expert=4, n_expert_used=2)


def test_recall_is_the_share_of_routed_experts_among_as_many_of_the_highest_scores(card: ReportCard) -> None:
    card.judge("gate", 1, 0, scores(0.1, 0.9, 0.8, 0.2), experts(1, 3))
    (figures,) = card.figures()
    assert figures.recall == 0.5


def test_recall_is_told_by_layer(card: ReportCard) -> None:
    card.judge("gate", 1, 1, scores(0.1, 0.9, 0.8, 0.2), experts(2, 1))
    (figures,) = card.figures()
    assert figures.recall_by_layer == (None, 1.0)
    assert figures.n_forecasts == 1


def test_forecasters_and_leads_are_judged_apart(card: ReportCard) -> None:
    card.judge("gate", 1, 0, scores(1, 1, 0, 0), experts(0, 1))
    card.judge("gate", BEFORE, 0, scores(1, 1, 0, 0), experts(2, 3))
    card.judge("prior", 1, 0, scores(1, 1, 0, 0), experts(0, 3))
    assert {(f.name, f.lead): f.recall for f in card.figures()} == {
        ("gate", 1): 1.0,
        ("gate", BEFORE): 0.0,
        ("prior", 1): 0.5,
    }


def test_probabilities_that_come_true_as_often_as_they_say_have_no_calibration_error(card: ReportCard) -> None:
    for routed in ((0, 1), (0, 2), (0, 3), (0, 1)):
        card.judge("blend", 1, 0, scores(1.0, 0.5, 0.25, 0.25), experts(*routed), are_probabilities=True)
    (figures,) = card.figures()
    assert figures.calibration_error == pytest.approx(0.0, abs=1e-6)


def test_probabilities_that_are_too_sure_have_one(card: ReportCard) -> None:
    for routed in ((0, 1), (2, 3)):
        card.judge("blend", 1, 0, scores(1.0, 1.0, 0.0, 0.0), experts(*routed), are_probabilities=True)
    (figures,) = card.figures()
    assert figures.calibration_error == pytest.approx(0.5)


def test_scores_that_are_no_probabilities_have_no_calibration_error(card: ReportCard) -> None:
    card.judge("gate", 1, 0, scores(7, 3, -2, 0), experts(0, 1))
    assert card.figures()[0].calibration_error is None


def test_a_margin_is_to_the_best_other_of_that_layer_and_lead(card: ReportCard) -> None:
    routed = experts(0, 1)
    for name, first, second in (("blend", 2, 1), ("gate", 1, 2), ("prior", 1, 0)):
        for layer, n_right in enumerate((first, second)):
            forecast = scores(n_right > 0, n_right > 1, n_right < 2, n_right < 1)
            card.judge(name, 1, layer, forecast, routed)
    assert margins(card.figures(), "blend") == (Margin(1, 0, "prior", 0.5), Margin(1, 1, "gate", -0.5))


def test_where_there_is_no_other_there_is_no_margin(card: ReportCard) -> None:
    card.judge("blend", 1, 0, scores(1, 1, 0, 0), experts(0, 1))
    card.judge("gate", BEFORE, 0, scores(1, 1, 0, 0), experts(0, 1))
    assert margins(card.figures(), "blend") == ()
