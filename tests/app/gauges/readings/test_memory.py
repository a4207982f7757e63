"""The memory gauge's reading: parts that add up, and the promise."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.stats_events import GB, MB, MEMORY, NO_MODEL, dense, paged
from offload.protocol import MemoryUse, Stats, StatsEvent
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.memory import MemoryReading, Part, read_memory
from offload_app.gauges.readings.words import NO_VALUE, Known

SIZES = st.integers(0, 1 << 40)


def read(event: StatsEvent | None) -> MemoryReading:
    return read_memory(event, Language())


def test_the_process_is_told_against_its_budget() -> None:
    words = read(paged()).words
    assert (words.value, words.detail) == ("5.0 of 6.0 GB", "Peak 5.5 GB")


def test_every_part_is_there_in_a_fixed_order() -> None:
    assert [use.part for use in read(paged()).parts] == list(Part)
    assert [use.part for use in read(dense()).parts] == list(Part)


@given(SIZES, SIZES, SIZES, SIZES, SIZES, SIZES, SIZES, st.integers(1, 1 << 42))
def test_parts_add_up_to_the_budget_or_to_what_is_planned_above_it(
    runtime: int, dense_bytes: int, kv: int, compute: int, staging: int, slots: int, forecast: int, budget: int
) -> None:
    memory = MemoryUse(budget, runtime, dense_bytes, kv, compute, staging, slots, forecast, resident_bytes=1)
    reading = read(StatsEvent(1, True, Stats(memory)))
    planned = runtime + dense_bytes + kv + compute + staging + slots + forecast
    assert reading.whole_bytes == max(budget, planned)
    assert all(use.n_bytes >= 0 for use in reading.parts)


def test_a_broken_promise_is_said() -> None:
    reading = read(paged(memory=replace(MEMORY, peak_bytes=6 * GB + 205 * MB)))
    assert reading.is_over_budget
    assert reading.words.detail == "Peak 6.2 GB, 205 MB above the budget"


def test_the_sentence_names_every_part_that_takes_memory() -> None:
    assert read(dense()).words.sentence == (
        "Memory: 5.0 of 6.0 GB in use. Peak 5.5 GB. "
        "Planned: Dense 1.0 GB, Context 500 MB, Compute 200 MB, Program 400 MB, Free 3.9 GB."
    )


@pytest.mark.parametrize(
    ("event", "known"),
    [(None, Known.NO_MODEL), (NO_MODEL, Known.NO_MODEL), (StatsEvent(1, True, Stats()), Known.NOT_YET)],
)
def test_what_is_not_measured_is_no_zero(event: StatsEvent | None, known: Known) -> None:
    reading = read(event)
    assert (reading.known, reading.words.value, reading.parts) == (known, NO_VALUE, ())
