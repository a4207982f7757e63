"""The heat map: every expert's cell in the colour of its state."""

import pytest
from PySide6.QtCore import QPointF, QRectF
from pytestqt.qtbot import QtBot

from fakes.painted import colour_at, picture
from fakes.stats_events import paged
from offload_app.gauges.readings.heat_map import Cell, read_heat_map
from offload_app.gauges.readings.language import Language
from offload_app.gauges.widgets.cell_image import cell_colours
from offload_app.gauges.widgets.gauge import FOCUS_MARGIN
from offload_app.gauges.widgets.heat_map import HeatMap
from offload_app.theme import DARK, LIGHT, Theme


class Retina(HeatMap):
    """A heat map on a screen of two pixels where one is meant."""

    def devicePixelRatioF(self) -> float:  # noqa: N802 (Qt's name)
        return 2.0


def heat_map(
    qtbot: QtBot,
    rows: tuple[str, ...],
    before: tuple[str, ...] = (),
    *,
    theme: Theme = LIGHT,
    width: int = 300,
    kind: type[HeatMap] = HeatMap,
) -> HeatMap:
    gauge = kind(theme, read_heat_map(paged(), rows, before, Language()))
    qtbot.addWidget(gauge)
    gauge.resize(width, gauge.heightForWidth(width))
    return gauge


def area(gauge: HeatMap) -> QRectF:
    """Return where the cells lie in `gauge`."""
    margin = FOCUS_MARGIN
    content = QRectF(gauge.rect()).adjusted(margin, margin + gauge.body_top(), -margin, -margin)
    return gauge.map_rect(content)


def centre(gauge: HeatMap, layer: int, expert: int) -> QPointF:
    """Return the middle of a cell."""
    rect, shown = area(gauge), gauge.reading
    return QPointF(
        rect.left() + (expert + 0.5) * rect.width() / shown.n_expert,
        rect.top() + (layer + 0.5) * rect.height() / shown.n_layer,
    )


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_every_state_has_its_colour(qtbot: QtBot, theme: Theme) -> None:
    gauge = heat_map(qtbot, ("0122", "3000"), ("0102", "0000"), theme=theme)
    image, colours = picture(gauge), cell_colours(theme)
    for layer, cells in enumerate(
        ((Cell.ABSENT, Cell.LOADING, Cell.JUST_READ, Cell.READY), (Cell.PINNED, *[Cell.ABSENT] * 3))
    ):
        for expert, cell in enumerate(cells):
            point = centre(gauge, layer, expert)
            assert colour_at(image, point.x(), point.y()) == colours[cell]


@pytest.mark.parametrize(("n_layer", "n_expert"), [(8, 32), (24, 128), (48, 128), (3, 5)])
@pytest.mark.parametrize("width", [260, 360, 781])
def test_the_only_pinned_expert_is_where_it_belongs(qtbot: QtBot, n_layer: int, n_expert: int, width: int) -> None:
    layer, expert = n_layer - 2, n_expert - 3
    rows = ["0" * n_expert for _ in range(n_layer)]
    rows[layer] = "0" * expert + "3" + "0" * (n_expert - expert - 1)
    gauge = heat_map(qtbot, tuple(rows), width=width)
    point = centre(gauge, layer, expert)
    assert colour_at(picture(gauge), point.x(), point.y()) == LIGHT.experts.pinned
    assert area(gauge).right() <= width - FOCUS_MARGIN + 1e-6


def test_the_mouse_is_told_layer_expert_and_state(qtbot: QtBot) -> None:
    gauge = heat_map(qtbot, ("0123", "3210"))
    assert gauge.tool_tip_at(centre(gauge, 1, 2)) == "Expert layer 2 of 2, expert 2: being read"
    assert gauge.tool_tip_at(QPointF(1, 1)) == gauge.reading.words.sentence


def test_without_a_map_the_mouse_is_told_why(qtbot: QtBot) -> None:
    assert heat_map(qtbot, ()).tool_tip_at(QPointF(20, 20)) == "Experts: Nothing measured yet."


def test_few_experts_have_cells_of_whole_device_pixels(qtbot: QtBot) -> None:
    for kind, scale in ((HeatMap, 1), (Retina, 2)):
        gauge = heat_map(qtbot, ("0" * 40,) * 8, width=333, kind=kind)
        side = area(gauge).width() / 40 * scale
        assert side == pytest.approx(round(side))
        assert area(gauge).height() / 8 * scale == pytest.approx(side)


def test_a_model_without_a_map_takes_no_room_for_one(qtbot: QtBot) -> None:
    assert heat_map(qtbot, ()).heightForWidth(300) < 60 < heat_map(qtbot, ("0" * 32,) * 8).heightForWidth(300)
