"""The image of the heat map's cells, in the colours of their states.

A cell that is large enough has one pixel of ground at its right and lower edge, and what was forecast has a shape of
its own: hollow where the forecast came true, crossed out where it did not.
"""

from functools import lru_cache

from PySide6.QtGui import QColor, QImage

from offload_app.gauges.readings.heat_map import Cell, HeatMapReading
from offload_app.theme import Theme

_GROUND = len(Cell)
"""Index of the ground's colour."""
_N_STATES = 256


def cell_colours(theme: Theme) -> dict[Cell, str]:
    """Return the fill of every state."""
    return {cell: getattr(theme.experts, cell.name.lower()) for cell in Cell}


def cell_image(reading: HeatMapReading, theme: Theme, side: int = 1) -> QImage:
    """Return the cells as an image with `side` by `side` pixels each; with one, they have no shapes."""
    width, height = reading.n_expert * side, reading.n_layer * side
    pixels = reading.cells if side == 1 else _enlarged(reading.cells, reading.n_expert, side)
    image = QImage(pixels, width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable([QColor(colour).rgb() for colour in (*cell_colours(theme).values(), theme.surface)])
    # In the format of the screen it is painted at once; another, Qt would hand to other threads and wait.
    return image.convertToFormat(QImage.Format.Format_RGB32)


def is_ground(cell: Cell, x: int, y: int, side: int) -> bool:
    """Return whether a pixel of a cell shows the ground: gaps and shapes."""
    inner = side - 1
    if inner in (x, y):
        return True
    match cell:
        case Cell.FORECAST_RIGHT:
            edge = max(1, inner // 3)
            return edge <= min(x, y) and max(x, y) < inner - edge
        case Cell.FORECAST_WRONG:
            return x == y or x + y == inner - 1
        case _:
            return False


def _enlarged(cells: bytes, n_across: int, side: int) -> bytes:
    """Return `side` by `side` pixels for every cell: all cells at once for each pixel of one."""
    lines = []
    for y in range(side):
        line = bytearray(len(cells) * side)
        for x in range(side):
            line[x::side] = cells.translate(_pixel_of_cells(x, y, side))
        lines.append(memoryview(line))
    width = n_across * side
    return b"".join(line[start : start + width] for start in range(0, len(cells) * side, width) for line in lines)


@lru_cache(maxsize=1024)
def _pixel_of_cells(x: int, y: int, side: int) -> bytes:
    """Return the colour's index of a pixel, by the state of its cell."""
    of_cells = [_GROUND if is_ground(cell, x, y, side) else cell for cell in Cell]
    return bytes(of_cells).ljust(_N_STATES, bytes([Cell.ABSENT]))
