"""The report card and the compact line: as much as there is room for."""

from pytestqt.qtbot import QtBot

from fakes.painted import pixels_by_colour
from fakes.stats_events import FORECAST, paged
from offload.stats import ForecastUse
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.report_card import read_report_card
from offload_app.gauges.widgets.report_card import ReportCard
from offload_app.theme import DARK, LIGHT, Theme


def card(qtbot: QtBot, forecast: ForecastUse | None, theme: Theme = LIGHT, width: int = 260) -> ReportCard:
    gauge = ReportCard(theme, read_report_card(paged(forecast=forecast), Language()))
    qtbot.addWidget(gauge)
    gauge.resize(width, gauge.heightForWidth(width))
    return gauge


def test_every_forecaster_has_a_line(qtbot: QtBot) -> None:
    one = ForecastUse(FORECAST.scores[:1])
    both, single = (card(qtbot, use).heightForWidth(260) for use in (FORECAST, one))
    none = card(qtbot, ForecastUse()).heightForWidth(260)
    assert both > single > none + 20


def test_the_table_is_painted_in_both_themes(qtbot: QtBot) -> None:
    for theme in (LIGHT, DARK):
        assert pixels_by_colour(card(qtbot, FORECAST, theme))[theme.border] > 2 * 200
        assert pixels_by_colour(card(qtbot, None, theme))[theme.border] == 0
