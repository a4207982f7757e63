"""The predicted speed: what is said and drawn of it, and that nothing is where nothing was predicted."""

from dataclasses import replace

import pytest

from fakes.model_shelf import outline
from fakes.scripted_models import GIB
from offload.protocol import PlanOutline
from offload_app.gauges.readings.language import Language
from offload_app.library.readings.speed import read_speed, with_speeds

ENGLISH = Language()
GERMAN = Language(decimal_point=",", group_separator=".")


def predicted(*middles: float, plain: PlanOutline | None = None) -> PlanOutline:
    """Return an outline with speeds around `middles`, one for each point."""
    plain = plain or outline()
    points = (
        replace(point, low_tokens_per_second=0.8 * m, tokens_per_second=m, high_tokens_per_second=1.25 * m)
        for point, m in zip(plain.points, middles, strict=True)
    )
    return replace(plain, points=tuple(points))


def test_the_speed_of_the_chosen_point_is_said_with_its_range() -> None:
    reading = read_speed(predicted(1.0, 5.1, 12.0), 1, 9 * GIB, ENGLISH)
    assert reading.words.value == "about 5.1 tokens/s (4.1 to 6.4)"
    assert reading.point == 1


def test_numbers_are_written_as_the_person_writes_them() -> None:
    assert read_speed(predicted(1.0, 5.1, 12.0), 1, 9 * GIB, GERMAN).words.value == "about 5,1 tokens/s (4,1 to 6,4)"


@pytest.mark.parametrize(("speed", "words"), [(0.5, "about 0.50 tokens/s (0.40 to 0.62)"), (200, "about 200 tokens/s")])
def test_slow_and_fast_ones_have_about_three_figures(speed: float, words: str) -> None:
    assert read_speed(predicted(speed, speed, speed), 0, GIB, ENGLISH).words.value.startswith(words)


def test_what_is_read_out_says_both_ends() -> None:
    sentence = read_speed(predicted(1.0, 5.1, 12.0), 1, 9 * GIB, ENGLISH).words.sentence
    assert "about 5.1 tokens/s" in sentence
    assert "From 1.0 tokens/s with 1.0 GB to 12.0 tokens/s with 9.0 GB." in sentence


def test_the_curve_reaches_to_the_fastest_of_the_range() -> None:
    reading = read_speed(predicted(1.0, 5.0, 12.0), 0, 9 * GIB, ENGLISH)
    assert reading.top == 15.0
    assert [point.budget_bytes for point in reading.points] == [GIB, 5 * GIB, 9 * GIB]


def test_without_a_prediction_there_is_nothing_to_show() -> None:
    for nothing in (outline(), predicted(1.0, 0.0, 2.0)):
        reading = read_speed(nothing, 0, GIB, ENGLISH)
        assert (reading.points, reading.words.value) == ((), "")


def test_speeds_of_another_process_are_put_to_the_plans_that_are_shown() -> None:
    shown = outline()
    floor = replace(shown.points[0], budget_bytes=shown.points[0].budget_bytes + 1000)
    elsewhere = predicted(1.0, 2.0, 3.0, plain=outline(points=(floor, *shown.points[1:])))
    merged = with_speeds(shown, elsewhere)
    assert [point.tokens_per_second for point in merged.points] == [1.0, 2.0, 3.0]
    assert [point.budget_bytes for point in merged.points] == [point.budget_bytes for point in shown.points]


def test_speeds_of_other_plans_are_not_taken() -> None:
    shown = outline()
    other = outline(points=shown.points[:2])
    assert with_speeds(shown, predicted(1.0, 2.0, plain=other)) == shown
