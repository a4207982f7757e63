"""The reading of a device's memory: parts that add up, and nothing where no device computes."""

from dataclasses import replace

import pytest

from fakes.stats_events import DEVICE, GB, MB, NO_MODEL, TIERED, dense, paged, tiered
from offload.protocol import StatsEvent
from offload_app.gauges.readings.device_memory import DeviceMemoryReading, read_device_memory
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.memory import Part, read_memory


def read(event: StatsEvent | None) -> DeviceMemoryReading:
    return read_device_memory(event, Language())


def test_what_is_taken_is_told_against_the_budget_of_the_device() -> None:
    words = read(tiered()).words
    assert (words.title, words.value) == ("Memory of CUDA0", "5.0 of 6.0 GB")
    assert words.sentence == (
        "Memory of CUDA0: 5.0 of 6.0 GB taken: "
        "Dense 1.0 GB, Context 500 MB, Compute 200 MB, Experts 3.0 GB, Staging 300 MB, Free 1.0 GB."
    )


def test_parts_add_up_to_the_budget_or_to_what_is_planned_above_it() -> None:
    assert read(tiered()).whole_bytes == DEVICE.budget_bytes
    more = paged(memory=replace(TIERED, device=replace(DEVICE, slot_bytes=9 * GB)))
    reading = read(more)
    assert reading.whole_bytes == 10 * GB + 1000 * MB
    assert reading.parts[-1].n_bytes == 0


@pytest.mark.parametrize("event", [None, NO_MODEL, paged(), dense()])
def test_without_a_device_nothing_is_there(event: StatsEvent | None) -> None:
    reading = read(event)
    assert (reading.is_there, reading.parts) == (False, ())


def test_the_cache_of_experts_is_a_part_of_the_process_s_memory() -> None:
    parts = {use.part: use for use in read_memory(tiered(), Language()).parts}
    assert (parts[Part.CACHE].name, parts[Part.CACHE].text) == ("Expert cache", "4.0 GB")
    assert sum(use.n_bytes for use in parts.values()) == TIERED.budget_bytes
