"""The heat map: the state of every expert of every paged layer, one cell each."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from offload.protocol import ResidentState, StatsEvent
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.words import Known, Words, words_without_value


class Cell(IntEnum):
    """What a cell shows of its expert."""

    ABSENT = 0
    LOADING = 1
    READY = 2
    JUST_READ = 3
    """Ready, and was not a moment ago."""
    PINNED = 4
    """In use by the computation."""
    FORECAST_RIGHT = 5
    """Ready: read ahead, and used since."""
    FORECAST_WRONG = 6
    """Ready: read ahead, and not wanted."""


_RESIDENT = frozenset(Cell) - {Cell.ABSENT, Cell.LOADING}
_FORECAST = frozenset({Cell.FORECAST_RIGHT, Cell.FORECAST_WRONG})


@dataclass(frozen=True, slots=True)
class CellCount:
    """One line of the legend."""

    cell: Cell
    name: str
    count: int
    text: str
    """The count in words."""


@dataclass(frozen=True, slots=True)
class HeatMapReading:
    """What the heat map shows: `cells` has a byte per expert, a `Cell`, layer after layer."""

    known: Known
    words: Words
    n_layer: int = 0
    n_expert: int = 0
    cells: bytes = b""
    legend: tuple[CellCount, ...] = ()
    """One line per `Cell`, in their order; none of forecasts where nothing is forecast."""
    names: tuple[str, ...] = ()
    """Of every `Cell`, in their order."""
    cell_template: str = ""

    def cell(self, layer: int, expert: int) -> Cell:
        """Return the state of one expert; both count from 0."""
        return Cell(self.cells[layer * self.n_expert + expert])

    def cell_text(self, layer: int, expert: int) -> str:
        """Return layer, expert and state as a line to read; both count from 0, the layers among those paged."""
        state = self.names[self.cell(layer, expert)]
        return self.cell_template.format(layer=layer + 1, n_layer=self.n_layer, expert=expert, state=state)


def read_heat_map(
    event: StatsEvent | None, now: Sequence[str], before: Sequence[str], language: Language
) -> HeatMapReading:
    """Return what the heat map shows of the residency `now`, where `before` is that of about a second ago.

    Digits of a newer protocol count as absent, and so does what a row lacks. Where `before` has another shape nothing
    was just read.
    """
    title = language.translate("gauges", "Experts")
    known = _known(event, now)
    if known is not Known.MEASURED:
        return HeatMapReading(known, words_without_value(known, title, language))
    n_layer, n_expert = len(now), max(map(len, now))
    is_comparable = [len(row) for row in now] == [len(row) for row in before]
    cells = _cells(_digits(now, n_expert), _digits(before if is_comparable else now, n_expert))
    names = _names(language)
    legend = tuple(
        CellCount(cell, name, cells.count(cell), language.number(cells.count(cell)))
        for cell, name in names.items()
        if cell not in _FORECAST or cell in cells or (event is not None and event.stats.forecast is not None)
    )
    return HeatMapReading(
        known,
        _words(title, n_layer, n_expert, legend, language),
        n_layer,
        n_expert,
        cells,
        legend,
        tuple(names.values()),
        language.translate("gauges", "Expert layer {layer} of {n_layer}, expert {expert}: {state}"),
    )


def _known(event: StatsEvent | None, now: Sequence[str]) -> Known:
    if event is None or not event.loaded:
        return Known.NO_MODEL
    if event.stats.paging.n_layer == 0:
        return Known.NOT_PAGED
    return Known.MEASURED if any(now) else Known.NOT_YET


def _cell_of(now: int, before: int) -> Cell:
    """Return what is shown of an expert by its `ResidentState` now and before."""
    match now:
        case ResidentState.PINNED:
            return Cell.PINNED
        case ResidentState.READY if before in (ResidentState.ABSENT, ResidentState.LOADING):
            return Cell.JUST_READ
        case ResidentState.READY:
            return Cell.READY
        case ResidentState.FORECAST_RIGHT:
            return Cell.FORECAST_RIGHT
        case ResidentState.FORECAST_WRONG:
            return Cell.FORECAST_WRONG
        case ResidentState.LOADING:
            return Cell.LOADING
        case _:
            return Cell.ABSENT


_STATES_OF_DIGITS = bytes(digit - ord("0") if digit in b"012345" else ResidentState.ABSENT for digit in range(256))
_CELLS_OF_PAIRS = bytes(_cell_of(pair >> 4, pair & 15) for pair in range(256))


def _digits(rows: Sequence[str], n_expert: int) -> bytes:
    """Return a `ResidentState` per expert."""
    return "".join(row.ljust(n_expert, "0") for row in rows).encode("latin-1", "replace").translate(_STATES_OF_DIGITS)


def _cells(now: bytes, before: bytes) -> bytes:
    """Return a `Cell` per expert: each pair of states is packed into a byte, all at once, and looked up."""
    pairs = int.from_bytes(now) << 4 | int.from_bytes(before)
    return pairs.to_bytes(len(now)).translate(_CELLS_OF_PAIRS)


def _names(language: Language) -> dict[Cell, str]:
    translate = language.translate
    return {
        Cell.ABSENT: translate("gauges", "on disk"),
        Cell.LOADING: translate("gauges", "being read"),
        Cell.READY: translate("gauges", "in memory"),
        Cell.JUST_READ: translate("gauges", "just read"),
        Cell.PINNED: translate("gauges", "in use"),
        Cell.FORECAST_RIGHT: translate("gauges", "forecast right"),
        Cell.FORECAST_WRONG: translate("gauges", "forecast wrong"),
    }


def _words(title: str, n_layer: int, n_expert: int, legend: tuple[CellCount, ...], language: Language) -> Words:
    n_resident = sum(line.count for line in legend if line.cell in _RESIDENT)
    numbers = {
        "title": title,
        "n": language.number(n_resident),
        "total": language.number(n_layer * n_expert),
        "n_layer": language.number(n_layer),
        "n_expert": language.number(n_expert),
        "states": ", ".join(f"{line.text} {line.name}" for line in legend),
    }
    value = language.translate("gauges", "{n} of {total}")
    detail = language.translate("gauges", "{n_layer} layers down, {n_expert} experts across")
    sentence = language.translate("gauges", "{title}: {n} of {total} are in memory, in {n_layer} layers; {states}.")
    return Words(title, value.format(**numbers), detail.format(**numbers), sentence.format(**numbers))
