"""The gauge of one number: its curve lies where the points say."""

import pytest
from PySide6.QtCore import QRectF
from pytestqt.qtbot import QtBot

from fakes.painted import pixels_by_colour
from offload_app.gauges.readings.hit_rate import HitRateReading
from offload_app.gauges.readings.tiers import TierLine
from offload_app.gauges.readings.trend import MAX_POINTS, Curve
from offload_app.gauges.readings.words import Known, Words
from offload_app.gauges.widgets.curve_gauge import CurveGauge, curve_points
from offload_app.theme import DARK, LIGHT, Theme

AREA = QRectF(10, 20, 590, 100)


def gauge(qtbot: QtBot, *points: float, theme: Theme = LIGHT) -> CurveGauge:
    shown = CurveGauge(theme, HitRateReading(Known.MEASURED, Words("T", "V", "D", "S"), Curve(points)))
    qtbot.addWidget(shown)
    shown.resize(300, shown.heightForWidth(300))
    return shown


def test_the_newest_point_is_at_the_right_edge() -> None:
    points = curve_points(Curve((0.0, 0.5, 1.0)), AREA)
    assert [point.x() for point in points] == pytest.approx([580.0, 590.0, 600.0])
    assert [point.y() for point in points] == [120.0, 70.0, 20.0]


def test_the_longest_history_fills_the_width() -> None:
    points = curve_points(Curve((1.0,) * MAX_POINTS), AREA)
    assert [points[0].x(), points[-1].x()] == pytest.approx([AREA.left(), AREA.right()])


def test_a_value_above_the_top_stays_inside() -> None:
    assert curve_points(Curve((3.0,), top=1.0), AREA)[0].y() == AREA.top()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_longer_history_has_more_pixels(qtbot: QtBot, theme: Theme) -> None:
    short, long = (pixels_by_colour(gauge(qtbot, *[0.5] * n, theme=theme))[theme.curve] for n in (2, 40))
    assert long > short > 0


def test_without_points_no_room_is_taken_and_nothing_drawn(qtbot: QtBot) -> None:
    assert gauge(qtbot).heightForWidth(300) < gauge(qtbot, 0.5).heightForWidth(300)
    assert pixels_by_colour(gauge(qtbot))[LIGHT.curve] == 0


def test_lines_stand_below_the_curve_in_rows_of_their_own(qtbot: QtBot) -> None:
    def height(*lines: TierLine) -> int:
        reading = HitRateReading(Known.MEASURED, Words("T", "V", "D", "S"), Curve((0.5,)), lines=lines)
        shown = CurveGauge(LIGHT, reading)
        qtbot.addWidget(shown)
        shown.resize(300, shown.heightForWidth(300))
        return shown.height()

    none, one, two = height(), height(TierLine("A", "1")), height(TierLine("A", "1"), TierLine("B", "2"))
    assert none < one < two


def test_lines_are_painted_without_a_curve_too(qtbot: QtBot) -> None:
    words = Words("", "", "", "S")
    shown = CurveGauge(LIGHT, HitRateReading(Known.MEASURED, words, lines=(TierLine("Others", "80 %"),)))
    qtbot.addWidget(shown)
    shown.resize(300, shown.heightForWidth(300))
    painted = pixels_by_colour(shown)
    assert painted[LIGHT.curve] == 0
    assert len(painted) > 1
