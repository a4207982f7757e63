"""The report card of forecasts as a table and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offload.routing.report_card import ForecastFigures

BLEND = "blend"
_NAME, _CELL = 26, 10


def card_lines(figures: "Sequence[ForecastFigures]") -> list[str]:
    """Return recall by forecaster and lead, the blend's calibration, and whether it is better than its best part."""
    from offload.routing.report_card import BEFORE, margins

    leads = sorted({item.lead for item in figures})
    names = list(dict.fromkeys(item.name for item in figures))
    by_place = {(item.name, item.lead): item for item in figures}
    titles = ["before" if lead == BEFORE else f"{lead} ahead" for lead in leads]
    lines = [f"{'recall of routed experts':<{_NAME}}" + "".join(f"{title:>{_CELL}}" for title in titles)]
    for name in names:
        items = (by_place.get((name, lead)) for lead in leads)
        lines.append(f"{name:<{_NAME}}" + "".join(_cell(None if item is None else item.recall) for item in items))
    errors = [None if (item := by_place.get((BLEND, lead))) is None else item.calibration_error for lead in leads]
    if any(error is not None for error in errors):
        lines.append(f"{'calibration error of blend':<{_NAME}}" + "".join(map(_cell, errors)))
    found = margins(figures, BLEND)
    if found:
        worst = min(found, key=lambda margin: margin.above)
        n_better = sum(margin.above > 0 for margin in found)
        where = titles[leads.index(worst.lead)]
        lines.append(
            f"The blend is better than its best part at {n_better} of {len(found)} layers and leads; the least, "
            f"{worst.above * 100:+.1f} points on the {worst.best}, in layer index {worst.layer}, {where}."
        )
    return lines


def card_json(figures: "Sequence[ForecastFigures]") -> list[dict[str, Any]]:
    """Return the figures as JSON has them."""
    return [asdict(item) for item in figures]


def _cell(share: float | None) -> str:
    return f"{'-' if share is None else f'{share * 100:.1f}%':>{_CELL}}"
