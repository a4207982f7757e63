"""The panel of the gauges: takes statistics as they come, and shows them in full or in one line.

While hidden it only remembers the last event: nothing is computed or painted, and what is shown again is right at once.
"""

import time
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QLocale, QSize, Qt
from PySide6.QtGui import QColor, QPalette, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from offload.protocol import StatsEvent
from offload_app.gauges.readings.compact import read_compact
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.observation import Observation, Readings, observe, read_all
from offload_app.gauges.widgets.compact_line import CompactLine
from offload_app.gauges.widgets.curve_gauge import CurveGauge
from offload_app.gauges.widgets.device_bar import DeviceBar
from offload_app.gauges.widgets.gauge import FOCUS_MARGIN
from offload_app.gauges.widgets.heat_map import HeatMap
from offload_app.gauges.widgets.memory_bar import MemoryBar
from offload_app.gauges.widgets.report_card import ReportCard
from offload_app.theme import SIZES, Theme

Clock = Callable[[], float]


def language_of_qt() -> Language:
    """Return the language of the application's translators, with the numbers of the person's locale."""
    locale = QLocale()
    return Language(QCoreApplication.translate, locale.decimalPoint(), locale.groupSeparator())


class GaugePanel(QWidget):
    """All gauges. Thread rule: the UI thread only."""

    def __init__(
        self,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        language: Language | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._language = language if language is not None else language_of_qt()
        self._clock = clock
        self._seen = Observation()
        self._missed: StatsEvent | None = None
        """The last event that came while hidden."""
        self._is_compact = False
        shown = read_all(self._seen, self._language)
        self.memory = MemoryBar(theme, shown.memory)
        self.device_memory = DeviceBar(theme, shown.device_memory)
        self.hit_rate = CurveGauge(theme, shown.hit_rate)
        self.speed = CurveGauge(theme, shown.speed)
        self.disk = CurveGauge(theme, shown.disk)
        self.heat_map = HeatMap(theme, shown.heat_map)
        self.report_card = ReportCard(theme, shown.report_card)
        self.line = CompactLine(theme, read_compact(shown.memory, shown.hit_rate, shown.speed, self._language))
        self._column = self._scrolled()
        self._lay_out()
        self.set_theme(theme)
        self.setAccessibleName(self.tr("Gauges"))

    @property
    def is_compact(self) -> bool:
        """Whether the gauges are shown in one line."""
        return self._is_compact

    def show_stats(self, event: StatsEvent) -> None:
        """Show the statistics of `event`, received now; where hidden, once shown."""
        if not self.isVisible():
            self._missed = event
            return
        self._seen = observe(self._seen, self._clock(), event)
        self._show(read_all(self._seen, self._language))

    def clear(self) -> None:
        """Show that no model is loaded."""
        self._missed = None
        self._seen = Observation()
        self._show(read_all(self._seen, self._language))

    def set_compact(self, is_compact: bool) -> None:
        """Show one line, or all gauges."""
        self._is_compact = is_compact
        self.line.setVisible(is_compact)
        self._column.setVisible(not is_compact)
        vertical = QSizePolicy.Policy.Fixed if is_compact else QSizePolicy.Policy.Expanding
        self.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        self.updateGeometry()
        self._show(read_all(self._seen, self._language))

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        # The scroll bar's colours are derived from that of a button.
        palette = QPalette(QColor(theme.raised), QColor(theme.surface))
        palette.setColor(QPalette.ColorRole.Base, QColor(theme.surface))
        self.setPalette(palette)
        self.setAutoFillBackground(True)
        for gauge in self._gauges():
            gauge.set_theme(theme)
        self.line.set_theme(theme)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Return the size that suits a side panel, or the line."""
        if self._is_compact:
            return super().sizeHint()
        return QSize((SIZES.narrowest_panel + SIZES.widest_panel) // 2, 460)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the least that is of use: the column scrolls where it is low."""
        return super().minimumSizeHint() if self._is_compact else QSize(SIZES.narrowest_panel, 120)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Show what came while hidden; differences to what was seen long ago would say nothing."""
        super().showEvent(event)
        if self._missed is not None:
            missed, self._missed, self._seen = self._missed, None, Observation()
            self.show_stats(missed)

    def _gauges(self) -> tuple[MemoryBar | DeviceBar | CurveGauge | HeatMap | ReportCard, ...]:
        return (self.memory, self.device_memory, self.hit_rate, self.speed, self.disk, self.heat_map, self.report_card)

    def _show(self, shown: Readings) -> None:
        if self._is_compact:
            self.line.show_reading(read_compact(shown.memory, shown.hit_rate, shown.speed, self._language))
            return
        self.memory.show_reading(shown.memory)
        self.device_memory.show_reading(shown.device_memory)
        self.device_memory.setVisible(shown.device_memory.is_there)
        self.hit_rate.show_reading(shown.hit_rate)
        self.speed.show_reading(shown.speed)
        self.disk.show_reading(shown.disk)
        self.heat_map.show_reading(shown.heat_map)
        self.report_card.show_reading(shown.report_card)

    def _scrolled(self) -> QScrollArea:
        content = QWidget()
        column = QVBoxLayout(content)
        margin = SIZES.margin - FOCUS_MARGIN
        column.setContentsMargins(margin, margin, margin, margin)
        column.setSpacing(SIZES.gap - 2)
        above = (self.memory, self.device_memory, self.speed, self.hit_rate)
        for gauge in (*above, self.heat_map, self.disk, self.report_card):
            column.addWidget(gauge)
        self.device_memory.setVisible(False)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setAccessibleName(self.tr("All gauges"))
        area.viewport().setAutoFillBackground(False)
        content.setAutoFillBackground(False)
        return area

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._column)
        layout.addWidget(self.line)
        self.line.setVisible(False)
