"""The panel of the gauges: statistics in, gauges right, nothing done while hidden."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from fakes.painted import PaintCount
from fakes.stats_events import FORECAST, MB, MEMORY, NO_MODEL, paged, tiered
from offload_app.gauges.panel import GaugePanel
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.words import NO_VALUE
from offload_app.theme import DARK, LIGHT, SIZES


class Clock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def panel(qtbot: QtBot, clock: Clock) -> GaugePanel:
    """Return a panel that is shown."""
    shown = GaugePanel(LIGHT, language=Language(), clock=clock)
    qtbot.addWidget(shown)
    shown.resize(300, 700)
    shown.show()
    qtbot.waitExposed(shown)
    QCoreApplication.processEvents()
    return shown


def gauges(panel: GaugePanel) -> list[QWidget]:
    return [panel.memory, panel.speed, panel.hit_rate, panel.heat_map, panel.disk, panel.report_card]


def test_every_gauge_shows_what_came(panel: GaugePanel, clock: Clock) -> None:
    panel.show_stats(paged(residency=("0000", "0000")))
    clock.now += 2
    panel.show_stats(
        paged(
            hits=9,
            misses=1,
            bytes_read=8 * MB,
            n_generated=20,
            decode_seconds=2.0,
            residency=("2300", "0000"),
            forecast=FORECAST,
        )
    )
    shown = [gauge.reading.words.value for gauge in (panel.memory, panel.heat_map, panel.report_card)]
    assert shown == ["5.0 of 6.0 GB", "2 of 8", "1.25 times as fast"]
    curves = [gauge.reading.words.value for gauge in (panel.hit_rate, panel.speed, panel.disk)]
    assert curves == ["90 %", "10.0 tokens/s", "4.0 MB/s"]
    assert len(panel.hit_rate.reading.curve.points) == 1


@pytest.mark.parametrize("is_told_by_an_event", [True, False])
def test_without_a_model_no_gauge_has_a_value(panel: GaugePanel, *, is_told_by_an_event: bool) -> None:
    panel.show_stats(paged(hits=1, residency=("22", "22")))
    if is_told_by_an_event:
        panel.show_stats(NO_MODEL)
    else:
        panel.clear()
    assert panel.memory.reading.words.value == panel.heat_map.reading.words.value == NO_VALUE
    assert panel.hit_rate.reading.words.value == NO_VALUE


def test_nothing_is_painted_where_nothing_changed(panel: GaugePanel, clock: Clock) -> None:
    event = paged(hits=5, misses=5, residency=("2222", "0000"))
    for _ in range(3):
        panel.show_stats(event)
        clock.now += 2
    QCoreApplication.processEvents()
    counts = [PaintCount(gauge) for gauge in gauges(panel)]
    panel.show_stats(event)
    QCoreApplication.processEvents()
    assert [count.n_painted for count in counts] == [0] * len(counts)


def test_only_the_gauge_that_changed_is_painted(panel: GaugePanel, clock: Clock) -> None:
    for _ in range(3):
        panel.show_stats(paged(hits=5))
        clock.now += 2
    QCoreApplication.processEvents()
    counts = {gauge: PaintCount(gauge) for gauge in gauges(panel)}
    panel.show_stats(paged(hits=5, memory=replace(MEMORY, resident_bytes=1)))
    QCoreApplication.processEvents()
    assert [gauge for gauge, count in counts.items() if count.n_painted] == [panel.memory]


def test_while_hidden_nothing_is_read_and_the_last_is_right_when_shown(panel: GaugePanel, clock: Clock) -> None:
    panel.show_stats(paged(hits=1, misses=1))
    panel.hide()
    before = panel.hit_rate.reading
    for hits in (10, 100, 999):
        clock.now += 1
        panel.show_stats(paged(hits=hits, misses=1))
    assert panel.hit_rate.reading == before
    panel.show()
    assert panel.hit_rate.reading.words.value == "99.9 %"


def test_a_model_that_was_closed_while_hidden_is_gone_when_shown(panel: GaugePanel) -> None:
    panel.hide()
    panel.show_stats(paged(hits=1))
    panel.clear()
    panel.show()
    assert panel.memory.reading.words.value == NO_VALUE


def test_the_compact_panel_is_one_line_with_the_same_values(panel: GaugePanel) -> None:
    panel.show_stats(paged(hits=3, misses=1))
    panel.set_compact(True)
    assert panel.is_compact
    assert panel.line.isVisible()
    assert not panel.memory.isVisible()
    assert [value for _, value in panel.line.reading.segments] == ["5.0 of 6.0 GB", "75 %", NO_VALUE]
    assert panel.sizeHint().height() < 50
    panel.show_stats(paged(hits=9, misses=1))
    assert panel.line.reading.segments[1] == ("Cache hits", "90 %")


def test_all_gauges_come_back_up_to_date(panel: GaugePanel) -> None:
    panel.set_compact(True)
    panel.show_stats(paged(hits=3, misses=1))
    panel.set_compact(False)
    assert panel.memory.isVisible()
    assert panel.hit_rate.reading.words.value == "75 %"


def test_it_fits_a_side_panel_of_a_small_window(panel: GaugePanel) -> None:
    panel.show_stats(paged(forecast=FORECAST, residency=("0123", "3210")))
    hint, least = panel.sizeHint(), panel.minimumSizeHint()
    assert SIZES.narrowest_panel <= hint.width() <= SIZES.widest_panel
    assert hint.height() <= 500
    assert least.width() <= SIZES.narrowest_panel
    panel.resize(SIZES.narrowest_panel, 400)
    QCoreApplication.processEvents()
    assert all(gauge.width() <= panel.width() for gauge in gauges(panel))
    assert all(gauge.height() >= gauge.sizeHint().height() for gauge in gauges(panel))


def test_the_keyboard_reaches_every_gauge_in_order(panel: GaugePanel) -> None:
    panel.activateWindow()
    panel.memory.setFocus()
    reached = [panel.focusWidget()]
    for _ in range(5):
        QTest.keyClick(reached[-1], Qt.Key.Key_Tab)
        reached.append(panel.focusWidget())
    assert reached == gauges(panel)


def test_numbers_are_written_as_the_person_is_used_to(qtbot: QtBot) -> None:
    usual = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German, QLocale.Country.Germany))
    try:
        panel = GaugePanel(LIGHT)
    finally:
        QLocale.setDefault(usual)
    qtbot.addWidget(panel)
    panel.show()
    panel.show_stats(paged())
    assert panel.memory.reading.words.value == "5,0 of 6,0 GB"


def test_every_gauge_has_a_name_and_words(panel: GaugePanel) -> None:
    assert [gauge.accessibleName() for gauge in gauges(panel)] == [
        "Memory",
        "Speed",
        "Cache hits",
        "Experts",
        "Disk",
        "Forecasts",
    ]
    assert all("No model is loaded" in gauge.accessibleDescription() for gauge in gauges(panel))
    assert panel.accessibleName() == "Gauges"


def test_another_theme_repaints_every_gauge(panel: GaugePanel) -> None:
    counts = [PaintCount(gauge) for gauge in gauges(panel)]
    panel.set_theme(DARK)
    QCoreApplication.processEvents()
    assert all(count.n_painted for count in counts)
    assert panel.palette().window().color().name() == DARK.surface


def test_a_device_s_memory_has_a_gauge_while_a_device_computes(panel: GaugePanel) -> None:
    panel.show_stats(paged())
    assert not panel.device_memory.isVisible()
    panel.show_stats(tiered())
    assert panel.device_memory.isVisible()
    assert panel.device_memory.reading.words.value == "5.0 of 6.0 GB"
    panel.clear()
    assert not panel.device_memory.isVisible()
