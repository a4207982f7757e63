"""The plan bar: the parts of a plan stacked, against what it would take to have nothing paged, and their numbers."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPainterPath

from offload_app.gauges.widgets.gauge import TitledGauge
from offload_app.gauges.widgets.legend import LegendEntry, legend_height, paint_legend
from offload_app.library.readings.plan import PlanPart, PlanReading
from offload_app.theme import SIZES, Theme

BAR = 20.0
"""Height; it is the largest thing on the page."""
_TWO_GROUPS = 480.0
_GROUP_GAP = 12.0


class PlanBar(TitledGauge[PlanReading]):
    """Paints a plan: title and total, bar, legend."""

    @property
    def value_colour(self) -> str:
        """Colour of the value: a budget that cannot be kept is not shown as if it could."""
        return self._theme.text if self._reading.is_possible else self._theme.error

    def body_height(self, width: float) -> float:
        """Return the height of bar and legend."""
        groups = self._groups(width)
        height = max((legend_height(group, _group_width(width, groups), self._type) for group in groups), default=0.0)
        return BAR + (SIZES.gap + height if height else 0)

    def paint_body(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the bar and the legend."""
        bar = QRectF(rect.left(), rect.top(), rect.width(), BAR)
        self._paint_bar(painter, bar)
        legend = QRectF(rect.left(), bar.bottom() + SIZES.gap, rect.width(), rect.bottom() - bar.bottom() - SIZES.gap)
        groups = self._groups(rect.width())
        width = _group_width(rect.width(), groups)
        for place, group in enumerate(groups):
            left = legend.left() + place * (width + _GROUP_GAP)
            paint_legend(painter, QRectF(left, legend.top(), width, legend.height()), group, self._type, self._theme)

    def _groups(self, width: float) -> list[list[LegendEntry]]:
        """Return the entries of the legend, in two halves side by side where there is room."""
        colours = plan_colours(self._theme)
        all_of_them = [
            LegendEntry(colours[size.part], size.name, size.text) for size in self._reading.parts if size.n_bytes
        ]
        if width < _TWO_GROUPS or len(all_of_them) < 4:
            return [all_of_them] if all_of_them else []
        middle = (len(all_of_them) + 1) // 2
        return [all_of_them[:middle], all_of_them[middle:]]

    def _paint_bar(self, painter: QPainter, bar: QRectF) -> None:
        outline = QPainterPath()
        outline.addRoundedRect(bar, SIZES.radius / 2, SIZES.radius / 2)
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(bar, QColor(self._theme.track))
        colours, left = plan_colours(self._theme), bar.left()
        total = sum(size.n_bytes for size in self._reading.parts)
        scale = bar.width() / max(self._reading.whole_bytes, total, 1)
        for size in self._reading.parts:
            width = size.n_bytes * scale
            if width:
                # A hair's breadth of ground between the parts: told apart without their colours.
                painter.fillRect(QRectF(left, bar.top(), max(width - 1, 0.5), bar.height()), QColor(colours[size.part]))
            left += width
        painter.restore()


def _group_width(width: float, groups: list[list[LegendEntry]]) -> float:
    return (width - (len(groups) - 1) * _GROUP_GAP) / max(1, len(groups))


def plan_colours(theme: Theme) -> dict[PlanPart, str]:
    """Return the fill of every part; those the gauges have too are as they are there."""
    memory = theme.memory
    return {
        PlanPart.RUNTIME: memory.runtime,
        PlanPart.DENSE: memory.dense,
        PlanPart.CONTEXT: memory.context,
        PlanPart.COMPUTE: memory.compute,
        PlanPart.READING: theme.experts.loading,
        PlanPart.STAGING: memory.staging,
        PlanPart.SLOTS: memory.slots,
        PlanPart.CACHE: memory.cache,
    }
