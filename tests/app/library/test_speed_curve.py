"""The speed curve: painted on the slider's scale, in words too, and not there where nothing was predicted."""

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from fakes.model_shelf import PATH, outline
from fakes.painted import picture, pixels_by_colour
from fakes.scripted_models import GIB
from offload.protocol import PlanOutline
from offload_app.gauges.readings.language import Language
from offload_app.library.plan_card import PlanCard
from offload_app.library.readings.speed import SpeedReading, no_speed, read_speed
from offload_app.library.shelf import Outlook
from offload_app.library.speed_curve import HEIGHT, SpeedCurve
from offload_app.model_choices import ModelChoice
from offload_app.theme import DARK, LIGHT, Theme


def predicted() -> PlanOutline:
    plain = outline()
    points = (
        replace(point, low_tokens_per_second=m - 1, tokens_per_second=m, high_tokens_per_second=m + 2)
        for point, m in zip(plain.points, (2.0, 5.0, 8.0), strict=True)
    )
    return replace(plain, points=tuple(points))


def curve(qtbot: QtBot, reading: SpeedReading, theme: Theme = LIGHT) -> SpeedCurve:
    made = SpeedCurve(theme, reading)
    qtbot.addWidget(made)
    made.resize(600, made.heightForWidth(600))
    return made


def card(qtbot: QtBot, plans: PlanOutline, budget: int) -> PlanCard:
    made = PlanCard(LIGHT, Language())
    qtbot.addWidget(made)
    made.resize(600, 500)
    made.show()
    made.show_plan(Outlook(PATH, 0, plans), ModelChoice(budget), 32768, "auto")
    return made


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_curve_and_place_are_painted(qtbot: QtBot, theme: Theme) -> None:
    painted = pixels_by_colour(curve(qtbot, read_speed(predicted(), 1, 9 * GIB, Language()), theme))
    assert painted[theme.accent] > 20
    assert painted[theme.curve] > 20


def test_another_point_moves_the_place_alone(qtbot: QtBot) -> None:
    pictures = [picture(curve(qtbot, read_speed(predicted(), point, 9 * GIB, Language()))) for point in (0, 2)]
    assert pictures[0] != pictures[1]
    assert pictures[0].size() == pictures[1].size()


def test_nothing_is_painted_where_nothing_was_predicted(qtbot: QtBot) -> None:
    assert curve(qtbot, no_speed(Language())).body_height(600) == 0
    assert curve(qtbot, read_speed(predicted(), 0, GIB, Language())).body_height(600) == HEIGHT


def test_the_card_shows_the_speed_at_the_budget_that_is_chosen(qtbot: QtBot) -> None:
    shown = card(qtbot, predicted(), 9 * GIB)
    assert shown.speed.isVisible()
    assert shown.speed.reading.words.value == "about 8.0 tokens/s (7.0 to 10.0)"
    qtbot.waitUntil(lambda: "about 8.0 tokens/s" in shown.speed.accessibleDescription())
    shown.show_plan(Outlook(PATH, 0, predicted()), ModelChoice(GIB), 32768, "auto")
    assert shown.speed.reading.words.value == "about 2.0 tokens/s (1.0 to 4.0)"


def test_the_card_shows_no_speed_where_none_was_predicted_or_none_is_possible(qtbot: QtBot) -> None:
    assert card(qtbot, outline(), 9 * GIB).speed.isHidden()
    assert card(qtbot, predicted(), GIB // 2).speed.isHidden()


def test_curve_and_slider_have_one_scale(qtbot: QtBot) -> None:
    shown = card(qtbot, predicted(), 5 * GIB)
    reading = shown.speed.reading
    inner = shown.speed.width() - 8
    place = shown.speed.mapTo(shown, shown.speed.rect().topLeft()).x() + 4 + inner * 5 * GIB / reading.whole_bytes
    slider = shown.slider.mapTo(shown, shown.slider.rect().topLeft()).x() + shown.slider._x(5 * GIB)
    assert abs(place - slider) < 1.0
