"""The report card's reading: recall by forecaster and lead, and what reading ahead brought."""

from dataclasses import replace

from fakes.stats_events import FORECAST, dense, paged
from offload.stats import ForecastUse
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.report_card import ReportCardReading, read_report_card
from offload_app.gauges.readings.words import Known


def read(forecast: ForecastUse | None) -> ReportCardReading:
    return read_report_card(paged(forecast=forecast), Language())


def test_a_row_has_a_recall_for_every_lead() -> None:
    card = read(FORECAST)
    assert card.headers == ("before", "1")
    assert [(row.name, row.recalls) for row in card.rows] == [("Gate ahead", (None, 0.75)), ("Blend", (0.5, 0.875))]
    assert [row.texts for row in card.rows] == [("–", "75"), ("50", "88")]


def test_what_was_read_ahead_is_told_with_what_it_brought() -> None:
    card = read(FORECAST)
    assert card.used_share == 0.75
    assert (card.words.value, card.words.detail) == ("1.25 times as fast", "75 % of 4.0 MB read ahead was needed")


def test_reading_ahead_that_does_not_pay_is_said_to_pause() -> None:
    assert read(replace(FORECAST, gain=0.97, is_paying=False)).words.value == "paused: no gain"


def test_before_both_were_tried_there_is_no_gain() -> None:
    assert read(replace(FORECAST, gain=None)).words.value == "being tried"


def test_where_nothing_was_read_ahead_no_share_is_told() -> None:
    card = read(replace(FORECAST, useful_bytes=0, late_bytes=0, wasted_bytes=0))
    assert (card.used_share, card.words.detail) == (None, "Nothing read ahead yet")


def test_the_sentence_leaves_out_what_a_forecaster_does_not_forecast() -> None:
    assert read(FORECAST).words.sentence == (
        "Forecasts: 1.25 times as fast. 75 % of 4.0 MB read ahead was needed. Experts foreseen, by layers ahead: "
        "Gate ahead: 75 % 1 ahead; Blend: 50 % before the first layer, 88 % 1 ahead."
    )


def test_forecasts_that_are_off_are_not_those_that_have_no_score_yet() -> None:
    assert read(None).words.value == "off"
    assert (read(ForecastUse()).known, read(ForecastUse()).rows) == (Known.NOT_YET, ())


def test_a_dense_model_has_no_forecasts() -> None:
    assert read_report_card(dense(), Language()).known is Known.NOT_PAGED
