"""The plan card's reading: the parts at a budget, and what is said of it."""

import pytest

from fakes.model_shelf import outline
from fakes.scripted_models import GIB
from offload_app.gauges.readings.language import Language
from offload_app.library.readings.plan import SPARE_BYTES, PlanPart, budget_of, point_at, read_plan
from offload_app.notice import Weight

LANGUAGE = Language()


@pytest.mark.parametrize(
    ("budget", "point"),
    [(0, 0), (GIB, 0), (5 * GIB - 1, 0), (5 * GIB, 1), (8 * GIB, 1), (9 * GIB, 2), (99 * GIB, 2)],
)
def test_the_plan_of_a_budget_is_that_of_the_point_at_or_below_it(budget: int, point: int) -> None:
    assert point_at(outline(), budget) == point


def test_at_the_floor_a_little_more_is_chosen_and_elsewhere_the_plan_s_budget() -> None:
    assert [budget_of(outline(), point) for point in range(3)] == [GIB + SPARE_BYTES, 5 * GIB, 9 * GIB]
    small = outline(whole_bytes=GIB + 80)
    assert budget_of(small, 0) == GIB + 10


def test_parts_are_named_and_together_what_the_plan_takes() -> None:
    reading = read_plan(outline(), 5 * GIB, LANGUAGE)
    assert [part.part for part in reading.parts] == list(PlanPart)
    assert sum(part.n_bytes for part in reading.parts) == 5 * GIB
    assert [part.text for part in reading.parts][:2] == ["256 MB", "256 MB"]
    assert reading.words.value == "5.0 GB"
    assert reading.share == "50 % of the experts stay in memory, the others are read as they are needed."


def test_automatic_is_the_budget_of_this_machine() -> None:
    reading = read_plan(outline(), 0, LANGUAGE)
    assert reading.point == 1
    assert reading.words.value == "5.0 GB of 6.0 GB"
    assert [mark.text for mark in reading.marks] == ["automatic 6.0 GB"]


def test_a_budget_of_the_preferences_is_called_so() -> None:
    assert [mark.text for mark in read_plan(outline(), 0, LANGUAGE, "6G").marks] == ["preferences 6.0 GB"]


def test_this_machine_s_memory_is_marked_where_it_is_less_than_the_whole() -> None:
    marks = read_plan(outline(total_memory_bytes=8 * GIB), 0, LANGUAGE).marks
    assert [mark.text for mark in marks] == ["automatic 6.0 GB", "this machine 8.0 GB"]


def test_with_everything_in_memory_nothing_is_paged() -> None:
    reading = read_plan(outline(budget_bytes=12 * GIB, available_memory_bytes=16 * GIB), 0, LANGUAGE)
    assert reading.share == "All experts stay in memory: nothing is read while it answers."
    assert reading.words.value == "9.0 GB of 12.0 GB"
    assert reading.notes == ()


def test_a_floor_above_the_machine_s_memory_says_both_numbers_and_what_to_do() -> None:
    reading = read_plan(outline(floor_bytes=17 * GIB, budget_bytes=12 * GIB), 0, LANGUAGE)
    assert not reading.is_possible
    assert [(note.weight, note.text) for note in reading.notes] == [
        (
            Weight.ERROR,
            "The model needs 17.0 GB at least, and this machine has 16.0 GB:"
            " choose a smaller context, or a file of a smaller quantization.",
        )
    ]


def test_a_budget_below_the_floor_says_both_numbers_and_what_to_do() -> None:
    reading = read_plan(outline(budget_bytes=GIB // 2), 0, LANGUAGE)
    (note,) = reading.notes
    assert note.weight is Weight.ERROR
    assert note.text == (
        "The model needs 1.0 GB at least, and the budget is 512 MB:"
        " choose a smaller context, or a file of a smaller quantization."
    )
    assert not reading.is_possible
    assert reading.parts == ()
    assert reading.share == ""


def test_more_than_is_free_now_is_a_warning() -> None:
    (note,) = read_plan(outline(available_memory_bytes=2 * GIB), 5 * GIB, LANGUAGE).notes
    assert note.weight is Weight.WARNING
    assert note.text == "5.0 GB is more than is free now: 2.0 GB of 16.0 GB. Close other programs, or choose less."


def test_more_than_the_machine_has_is_an_error() -> None:
    (note,) = read_plan(outline(total_memory_bytes=8 * GIB), 9 * GIB, LANGUAGE).notes
    assert (note.weight, note.text) == (Weight.ERROR, "9.0 GB is more than this machine has: 8.0 GB. Choose less.")


def test_a_budget_beyond_what_the_model_takes_is_judged_by_what_it_takes() -> None:
    assert read_plan(outline(budget_bytes=99 * GIB, available_memory_bytes=10 * GIB), 0, LANGUAGE).notes == ()


def test_a_dense_model_is_all_in_memory() -> None:
    whole = outline(whole_bytes=GIB, points=outline().points[:1])
    point = whole.points[0]
    dense = outline(whole_bytes=GIB, points=(type(point)(GIB, 0, GIB, 0, 0, 0, 0, 0, 1.0),), budget_bytes=6 * GIB)
    reading = read_plan(dense, 0, LANGUAGE)
    assert reading.share == "The model has no experts to page: all of it stays in memory."
    assert reading.words.detail == "Needs 1.0 GB."


def test_an_outline_without_points_is_not_possible() -> None:
    reading = read_plan(outline(points=()), 0, LANGUAGE)
    assert not reading.is_possible


def test_everything_is_in_the_sentence() -> None:
    sentence = read_plan(outline(available_memory_bytes=2 * GIB), 5 * GIB, LANGUAGE).words.sentence
    for words in ("Memory plan: 5.0 GB.", "Experts 4.2 GB", "50 % of the experts", "more than is free now"):
        assert words in sentence
