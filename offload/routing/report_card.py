"""`ReportCard`: how well forecasters forecast, by how far ahead they did, judged on every route that becomes known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BEFORE = 0
"""Lead of a forecast that is made before any layer of the token is computed."""
_N_BINS = 20


@dataclass(frozen=True, slots=True)
class ForecastFigures:
    """How well one forecaster did at one lead."""

    name: str
    lead: int
    """Layers between the last one known and the one forecast, that one included; `BEFORE`: none was known."""
    n_forecasts: int
    """Layers of tokens that were forecast."""
    recall: float
    """Share of the routed experts that were among as many of the highest scores."""
    recall_by_layer: tuple[float | None, ...]
    """None where nothing was forecast."""
    calibration_error: float | None
    """Mean distance between probability and share of routed experts, over bins of equal probability, each weighted by
    the experts expected in it; None for scores that are no probabilities."""


class ReportCard:
    """Counts, by forecaster and lead. Judging costs about 20 microseconds."""

    def __init__(self, n_layer: int, n_expert: int, n_expert_used: int) -> None:
        """Judge forecasts of as many layers and experts."""
        self._n_layer, self._n_expert, self._k = n_layer, n_expert, n_expert_used
        self._recalled: dict[tuple[str, int], NDArray[np.int64]] = {}
        self._judged: dict[tuple[str, int], NDArray[np.int64]] = {}
        self._bins: dict[tuple[str, int], NDArray[np.float64]] = {}

    def judge(
        self,
        name: str,
        lead: int,
        layer: int,
        scores: NDArray[np.float32],
        experts: NDArray[np.int32],
        *,
        are_probabilities: bool = False,
    ) -> None:
        """Learn what was forecast for a layer, `scores` [n_expert], and where it was routed, `experts`."""
        key = name, lead
        if key not in self._judged:
            self._judged[key] = np.zeros(self._n_layer, np.int64)
            self._recalled[key] = np.zeros(self._n_layer, np.int64)
        named = np.argpartition(scores, self._n_expert - self._k)[self._n_expert - self._k :]
        self._judged[key][layer] += 1
        self._recalled[key][layer] += np.isin(experts, named).sum()
        if are_probabilities:
            bins = self._bins.setdefault(key, np.zeros((3, _N_BINS)))
            place = np.minimum((scores * _N_BINS).astype(np.int64), _N_BINS - 1)
            bins[0] += np.bincount(place, minlength=_N_BINS)
            bins[1] += np.bincount(place, weights=scores, minlength=_N_BINS)
            bins[2] += np.bincount(place[experts], minlength=_N_BINS)

    def figures(self) -> tuple[ForecastFigures, ...]:
        """Return what was counted, forecaster by forecaster, the shortest lead first."""
        return tuple(self._figures(*key) for key in self._judged)

    def _figures(self, name: str, lead: int) -> ForecastFigures:
        key = name, lead
        judged, recalled = self._judged[key], self._recalled[key]
        return ForecastFigures(
            name=name,
            lead=lead,
            n_forecasts=int(judged.sum()),
            recall=float(recalled.sum() / (judged.sum() * self._k)),
            recall_by_layer=tuple(
                float(hits / (n * self._k)) if n else None for hits, n in zip(recalled, judged, strict=True)
            ),
            calibration_error=_calibration_error(self._bins[key]) if key in self._bins else None,
        )


class Margin(NamedTuple):
    """How far one forecaster's recall lies above that of the best other one."""

    lead: int
    layer: int
    """Its index."""
    best: str
    """The best other forecaster's name."""
    above: float
    """Recall less the best other's: below 0 where that one is better."""


def margins(figures: Sequence[ForecastFigures], name: str) -> tuple[Margin, ...]:
    """Return the margins of the forecaster `name` at every lead and layer where others forecast too."""
    found = []
    for own in figures:
        if own.name != name:
            continue
        others = [item for item in figures if item.name != name and item.lead == own.lead]
        for layer, recall in enumerate(own.recall_by_layer):
            rivals = [(share, item.name) for item in others if (share := item.recall_by_layer[layer]) is not None]
            if recall is not None and rivals:
                share, best = max(rivals)
                found.append(Margin(own.lead, layer, best, recall - share))
    return tuple(found)


def _calibration_error(bins: NDArray[np.float64]) -> float:
    """Return the expected calibration error, weighted by expected experts: most experts have no chance, and say so.

    Source: Guo et al., "On Calibration of Modern Neural Networks", 2017, with another weight.
    """
    n, expected, routed = bins
    weight = expected / max(expected.sum(), 1e-12)
    with np.errstate(invalid="ignore"):
        distance = np.abs(expected - routed) / n
    return float(np.nansum(weight * distance))
