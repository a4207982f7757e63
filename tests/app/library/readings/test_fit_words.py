"""How a model on the hub will run here: what is said while that is asked, and where it cannot be told."""

import pytest

from fakes.model_shelf import outline, summary
from offload.protocol_errors import ErrorReport
from offload_app.gauges.readings.language import Language
from offload_app.library.hub_fit import HubFit
from offload_app.library.readings.fit_words import FitReading, read_fit
from offload_app.library.shelf import Outlook

ENGLISH = Language()
REFUSAL = ErrorReport("HubError", "r.gguf is gated.", "Accept its terms.")
ASKED, PLANNED = Outlook("u/r", 0), Outlook("u/r", 0, outline())
REFUSED = Outlook("u/r", 0, None, REFUSAL)


def test_what_was_not_asked_may_be() -> None:
    assert read_fit(None, True, ENGLISH) == FitReading(has_button=True, can_ask=True)


def test_while_the_header_comes_it_says_so_and_is_not_asked_again() -> None:
    reading = read_fit(HubFit(ASKED, is_asking=True), True, ENGLISH)
    assert reading.news == "Getting a few MB from the hub, the model's header, to plan with…"
    assert (reading.has_button, reading.can_ask, reading.has_plan) == (True, False, False)


def test_with_plans_there_is_nothing_to_ask() -> None:
    assert read_fit(HubFit(PLANNED, summary()), True, ENGLISH) == FitReading(has_plan=True)


def test_while_another_context_is_planned_the_first_plans_stay() -> None:
    reading = read_fit(HubFit(PLANNED, summary(), is_asking=True), True, ENGLISH)
    assert reading == FitReading("Planning…", has_plan=True)


def test_why_it_cannot_be_told_is_said_and_may_be_asked_again() -> None:
    reading = read_fit(HubFit(REFUSED), True, ENGLISH)
    assert reading.trouble == "How it will run here cannot be told: r.gguf is gated. Accept its terms."
    assert (reading.has_button, reading.can_ask, reading.has_plan) == (True, True, False)


def test_where_another_context_is_refused_one_may_choose_a_third() -> None:
    reading = read_fit(HubFit(REFUSED, summary()), True, ENGLISH)
    assert reading == FitReading(has_plan=True, has_button=True, can_ask=True)


@pytest.mark.parametrize("fit", [None, HubFit(PLANNED, summary()), HubFit(REFUSED)])
def test_of_a_model_that_is_here_nothing_is_said(fit: HubFit | None) -> None:
    assert read_fit(fit, False, ENGLISH) == FitReading()
