"""The heat map: one cell per expert, layers down and experts across, all painted as one small image."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from offload_app.gauges.readings.heat_map import Cell, HeatMapReading
from offload_app.gauges.widgets.cell_image import cell_colours, cell_image
from offload_app.gauges.widgets.gauge import FOCUS_MARGIN, TitledGauge
from offload_app.gauges.widgets.legend import LegendEntry, Swatch, legend_height, paint_legend
from offload_app.theme import SIZES, Theme

_WHOLE_FROM = 4.0
"""Cells as large as this, in device pixels, are all given the same whole number of them, and gaps between them."""
_LEAST_HEIGHT = 2.0
_SWATCHES = {Cell.FORECAST_RIGHT: Swatch.HOLLOW, Cell.FORECAST_WRONG: Swatch.CROSSED}


class HeatMap(TitledGauge[HeatMapReading]):
    """Paints a heat map reading with its legend."""

    def __init__(self, theme: Theme, reading: HeatMapReading, parent: QWidget | None = None) -> None:
        super().__init__(theme, reading, parent)

    def body_height(self, width: float) -> float:
        """Return the height of map and legend; nothing where there is no map."""
        if not self._reading.cells:
            return 0.0
        legend = legend_height(self._entries(), width, self._type)
        return self._cell_size(width)[1] * self._reading.n_layer + SIZES.small_gap + legend

    def paint_body(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the map and the legend."""
        area = self.map_rect(rect)
        across = area.width() * self.devicePixelRatioF() / self._reading.n_expert
        image = cell_image(self._reading, self._theme, round(across) if across >= _WHOLE_FROM else 1)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(area, image)
        top = area.bottom() + SIZES.small_gap
        legend = QRectF(rect.left(), top, rect.width(), rect.bottom() - top)
        paint_legend(painter, legend, self._entries(), self._type, self._theme)

    def map_rect(self, body: QRectF) -> QRectF:
        """Return where in `body` the cells lie."""
        width, height = self._cell_size(body.width())
        scale = self.devicePixelRatioF()
        top = round(body.top() * scale) / scale
        return QRectF(body.left(), top, width * self._reading.n_expert, height * self._reading.n_layer)

    def tool_tip_at(self, position: QPointF) -> str:
        """Return layer, expert and state of the cell at `position`; elsewhere all of the reading."""
        content = QRectF(self.rect()).adjusted(FOCUS_MARGIN, FOCUS_MARGIN, -FOCUS_MARGIN, -FOCUS_MARGIN)
        area = self.map_rect(content.adjusted(0, self.body_top(), 0, 0))
        if not self._reading.cells or not area.contains(position):
            return super().tool_tip_at(position)
        column = int((position.x() - area.left()) * self._reading.n_expert / area.width())
        row = int((position.y() - area.top()) * self._reading.n_layer / area.height())
        return self._reading.cell_text(min(row, self._reading.n_layer - 1), min(column, self._reading.n_expert - 1))

    def _entries(self) -> list[LegendEntry]:
        colours = cell_colours(self._theme)
        return [
            LegendEntry(colours[line.cell], line.name, line.text, _SWATCHES.get(line.cell, Swatch.FULL))
            for line in self._reading.legend
        ]

    def _cell_size(self, width: float) -> tuple[float, float]:
        """Return width and height of a cell; many experts share the whole width, few have square cells."""
        scale = self.devicePixelRatioF()
        if not self._reading.n_expert:
            return 0.0, 0.0
        across = width * scale / self._reading.n_expert
        if across >= _WHOLE_FROM:
            side = min(int(across), round(SIZES.largest_cell * scale)) / scale
            return side, side
        return across / scale, max(_LEAST_HEIGHT * round(scale), round(across)) / scale
