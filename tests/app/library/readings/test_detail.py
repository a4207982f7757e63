"""The detail of a model: what stands above its cards, and what can be done with it."""

from typing import Any

import pytest

from fakes.model_shelf import PATH, shelved
from offload.protocol_errors import ErrorReport
from offload_app.engine_state import EngineState
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.words import Words
from offload_app.library.readings.detail import DetailReading, read_detail
from offload_app.library.readings.plan import PlanReading
from offload_app.model_status import ModelStatus

WORDS = Words("Memory plan", "", "", "Memory plan")
UNKNOWN = PlanReading(WORDS, is_known=False)
POSSIBLE, IMPOSSIBLE = PlanReading(WORDS, is_possible=True), PlanReading(WORDS)
READY = ModelStatus(EngineState.READY)
OPEN = ModelStatus(EngineState.LOADED, PATH, "qwen3moe")
BROKEN = ErrorReport("GGUFError", "The file is cut off.", "")


def read(status: ModelStatus = READY, plan: PlanReading = POSSIBLE, **fields: Any) -> DetailReading:
    return read_detail(shelved(**fields), status, plan, can_unload=status is OPEN, language=Language())


def test_a_model_that_was_looked_at_has_a_title_facts_and_a_plan() -> None:
    reading = read()
    assert (reading.title, reading.path, reading.trouble) == ("qwen3-30b-a3b-Q4_K_M", PATH, "")
    assert "qwen3moe" in reading.facts
    assert reading.has_plan


@pytest.mark.parametrize(
    ("status", "plan", "can_load"),
    [
        (READY, POSSIBLE, True),
        (READY, UNKNOWN, True),
        (READY, IMPOSSIBLE, False),
        (OPEN, POSSIBLE, True),
        (ModelStatus(EngineState.LOADING, PATH), POSSIBLE, False),
        (ModelStatus(EngineState.STARTING), UNKNOWN, False),
    ],
)
def test_what_is_possible_or_not_known_to_be_impossible_can_be_loaded(
    status: ModelStatus, plan: PlanReading, can_load: bool
) -> None:
    assert read(status, plan).can_load is can_load


def test_a_file_that_cannot_be_read_has_its_trouble_in_the_place_of_a_plan() -> None:
    reading = read(summary=None, refusal=BROKEN)
    assert "The file is cut off." in reading.trouble
    assert not reading.can_load
    assert not reading.has_plan
    assert reading.facts == ""


def test_another_s_model_can_be_taken_from_the_list_unless_it_is_open() -> None:
    assert read(is_other=True).can_forget
    assert not read().can_forget
    assert not read(OPEN, is_other=True).can_forget
    assert read(OPEN, is_other=True).can_unload
