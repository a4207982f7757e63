"""What a person is told about a model, and what they may do about it."""

import pytest

from offload.protocol_errors import ErrorReport
from offload_app.engine_state import Failure
from offload_app.load_guard import InterruptedLoad
from offload_app.model_notices import crashed_before_notice, loading_notice, refused_notice, silent_notice
from offload_app.notice import Choice
from offload_app.worker_death import Activity

REPORT = ErrorReport("BudgetError", "The budget of 2 GiB is below the floor of 3 GiB.", "Lower the context.")


def test_loading_says_how_far_it_is_and_can_be_cancelled() -> None:
    notice = loading_notice("/models/big.gguf", 0.256)
    assert notice.text == "Loading big.gguf: 25 %"
    assert notice.fraction == 0.256
    assert notice.choices == (Choice.CANCEL,)


def test_a_refusal_is_in_the_worker_s_words() -> None:
    notice = refused_notice("/models/big.gguf", Failure(1, Activity.LOADING, REPORT))
    assert notice.text == f"big.gguf was not loaded: {REPORT.message} {REPORT.hint}"
    assert Choice.USE_DEMO in notice.choices


def test_the_demo_model_is_no_way_out_of_itself() -> None:
    notice = refused_notice(None, Failure(1, Activity.LOADING, REPORT))
    assert notice.text.startswith("The demo model was not loaded: ")
    assert Choice.USE_DEMO not in notice.choices


def test_a_model_that_could_not_be_closed_is_told_as_that() -> None:
    notice = refused_notice("/m.gguf", Failure(1, Activity.UNLOADING, REPORT))
    assert notice.text.startswith("m.gguf could not be closed: ")


@pytest.mark.parametrize(("model", "has_demo"), [("/m.gguf", True), (None, False)])
def test_a_model_that_crashed_is_asked_about(model: str | None, has_demo: bool) -> None:
    notice = crashed_before_notice(model, InterruptedLoad(model))
    assert notice.text.endswith("?")
    assert notice.choices[:2] == (Choice.LOAD_ANYWAY, Choice.SMALLER_BUDGET)
    assert (Choice.USE_DEMO in notice.choices) is has_demo


def test_an_unknown_crash_names_no_culprit() -> None:
    notice = crashed_before_notice("/m.gguf", InterruptedLoad(None, is_known=False))
    assert "The last time a model was loaded" in notice.text


def test_a_silent_worker_may_be_ended() -> None:
    notice = silent_notice(10.4)
    assert "10 seconds" in notice.text
    assert Choice.END_WORKER in notice.choices
