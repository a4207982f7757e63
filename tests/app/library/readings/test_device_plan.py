"""The plan with a compute device: two memories by part, with the least of both, and what is said of the tiers."""

from dataclasses import replace

import pytest

from fakes.model_shelf import device_outline, outline
from fakes.scripted_models import GIB
from offload.protocol import DevicePlan
from offload_app.gauges.readings.language import Language
from offload_app.library.readings.device_plan import read_device_plan
from offload_app.library.readings.plan import PlanPart, read_plan
from offload_app.notice import Weight

LANGUAGE = Language()


def test_without_a_device_there_is_no_second_memory() -> None:
    assert read_device_plan(outline(), LANGUAGE) is None


def test_what_lies_in_the_device_s_memory_is_told_by_part_with_the_least_it_needs() -> None:
    reading = read_device_plan(device_outline(), LANGUAGE)
    assert reading is not None
    assert sum(part.n_bytes for part in reading.parts) == 7 * GIB
    assert (reading.words.title, reading.words.value, reading.words.detail) == (
        "Memory of CUDA0",
        "7.0 GB of 8.0 GB",
        "Needs 3.0 GB at least.",
    )
    assert "Experts 4.0 GB" in reading.words.sentence
    assert reading.whole_bytes == 8 * GIB


def test_the_cache_of_experts_is_a_part_of_the_process_s_memory() -> None:
    reading = read_plan(device_outline(), 5 * GIB, LANGUAGE)
    sizes = {part.part: part for part in reading.parts}
    assert (sizes[PlanPart.CACHE].name, sizes[PlanPart.CACHE].text) == ("Expert cache", "4.0 GB")
    assert sizes[PlanPart.SLOTS].n_bytes == 0
    assert reading.words.detail == "Needs 1.0 GB at least; with 9.0 GB no expert is read twice."


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (
            5 * GIB,
            "25 % of the experts stay in the memory of CUDA0, RAM has room for 50 %;"
            " the others are read as they are needed.",
        ),
        (9 * GIB, "25 % of the experts stay in the memory of CUDA0, and RAM has room for all of them."),
    ],
)
def test_both_memories_are_said_to_keep_experts(budget: int, words: str) -> None:
    assert read_plan(device_outline(), budget, LANGUAGE).share == words


def test_a_model_that_fits_the_device_is_said_to() -> None:
    given = device_outline()
    whole = replace(given, points=tuple(replace(point, resident_share=1.0) for point in given.points))
    assert read_plan(whole, 5 * GIB, LANGUAGE).share == (
        "All of the model stays in the memory of CUDA0: nothing is read while it answers."
    )


def test_a_budget_of_the_device_below_its_floor_says_both_numbers_and_what_to_do() -> None:
    device = DevicePlan("CUDA0", 2 * GIB, 3 * GIB, GIB, GIB, GIB, 0, 0)
    given = device_outline(points=(), device=device)
    reading, of_device = read_plan(given, 0, LANGUAGE), read_device_plan(given, LANGUAGE)
    assert not reading.is_possible
    assert [(note.weight, note.text) for note in reading.notes] == [
        (
            Weight.ERROR,
            "Of the memory of CUDA0 the model needs 3.0 GB at least, and its budget in the preferences comes to"
            " 2.0 GB: raise it, choose a smaller context, or CPU only.",
        )
    ]
    assert of_device is not None
    assert (of_device.is_possible, of_device.parts, of_device.words.value) == (False, (), "2.0 GB")
    assert of_device.words.sentence == "Memory of CUDA0: 2.0 GB. Needs 3.0 GB at least."
