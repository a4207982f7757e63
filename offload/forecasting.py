"""`Forecasting`: has a blend forecast while the compute waits for reads anyway, and reads ahead what is worth it.

Forecasting costs time on the thread that computes, so it is done where that thread would only wait: the routes of
layers are noted as they become known, and while demand reads of a layer are under way the blend learns of them and is
asked for the next layers. Where nothing is missing nothing is forecast, and nothing needs to be. Whether tokens come
sooner with it is measured all the time, in turns with doing nothing; what does not pay is not done.

    token begins ── layer routed (noted) ── demand reads begin ── [forecast, read ahead] ── wait ── compute ── ...

Thread rule: for the compute thread alone; `use` for any.
"""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from offload.experts.prefetch import Prefetcher
from offload.experts.prefetch_ledger import PrefetchCounts
from offload.experts.trial import Trial
from offload.routing.blend import Blend
from offload.routing.report_card import ReportCard
from offload.stats import ForecastScore, ForecastUse

LEADS = (1,)
"""How far ahead is forecast: two layers ahead costs as much again, and a read is rarely worth it."""
_LEARNT_ONE_IN = 4
"""The blend learns from one token of so many, which costs a millisecond, after the first `_ALWAYS_LEARNT`."""
_ALWAYS_LEARNT = 16
_JUDGED_ONE_IN = 9
"""One token of so many is judged: no multiple of the trial's windows, which take turns."""
_LEAST_READ = 1.5
"""Times as long as a forecast a read must take, or nothing is forecast."""
_TRIED_ONE_IN = 64
"""One token of so many is forecast all the same, to know how long that takes."""
_KEPT = 0.98
"""Of the mean time of a forecast, one later."""

_Route = tuple[int, NDArray[np.int32], NDArray[np.float32] | None, NDArray[np.float32] | None]


class Forecasting:
    """Watches tokens being decoded, layer by layer; forecasts and reads ahead."""

    def __init__(self, blend: Blend, prefetcher: Prefetcher, layers: Sequence[int], card: ReportCard) -> None:
        """Forecast the paged `layers` of one model, in order."""
        self._blend, self._prefetcher, self._layers, self._card = blend, prefetcher, list(layers), card
        self._index = {layer: index for index, layer in enumerate(layers)}
        self._calibrated = {part.name for part in (blend, *blend.parts) if part.gives_probabilities}
        self._trial = Trial()
        self._noted: list[_Route] = []
        self._forecasts: list[dict[tuple[str, int], NDArray[np.float32]]] = [{} for _ in layers]
        self._token = -1
        self._has_begun = False
        self._n_tokens = 0
        self._began = 0.0
        self._seconds = 0.0
        self._is_decoding = self._is_wanted = False
        self._forecast_seconds = 0.0
        self._seconds_each = 0.0

    @property
    def is_on(self) -> bool:
        """Whether a token is decoded, and is one with forecasts."""
        return self._is_decoding and self._is_wanted

    @property
    def reads_gates(self) -> bool:
        """Whether weights and inputs are of use at present."""
        return self.is_on

    def begin(self, token: int) -> None:
        """Note that one token is decoded next."""
        now = time.perf_counter()
        if self._is_decoding and self._n_tokens:
            self._prefetcher.token_done(self._seconds)
            if self._prefetcher.is_settled:
                self._trial.token(self._seconds)
        self._token, self._has_begun = token, False
        self._noted.clear()
        self._n_tokens += 1
        self._is_wanted = self._trial.is_on and self._is_worth_its_time
        self._is_decoding, self._began = True, now

    def interrupted(self) -> None:
        """Note that something else than the next token is computed: a prompt, or nothing."""
        self._is_decoding = False
        self._noted.clear()
        self._blend.forget()

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        """Note how a layer of the token is routed; arrays are copied."""
        if not self._is_decoding:
            return
        index = self._index[layer]
        if self.is_on:
            self._prefetcher.routed(layer, experts[0].tolist())
            self._noted.append((index, experts[0].copy(), _row(weights), _row(inputs)))
        if index == len(self._layers) - 1:
            self._seconds = time.perf_counter() - self._began

    def reading(self, layer: int) -> None:
        """Use the time in which demand reads of a layer are under way."""
        if not self.is_on:
            return
        start = time.perf_counter()
        self._catch_up()
        index = self._index[layer]
        is_judged = self._n_tokens % _JUDGED_ONE_IN == 0
        for lead in LEADS:
            ahead = index + lead
            if ahead < len(self._layers):
                probabilities = self._blend.scores(ahead)
                self._prefetcher.offer(self._layers[ahead], probabilities, lead)
                if is_judged:
                    self._note_forecasts(ahead, lead, probabilities)
        seconds = time.perf_counter() - start
        self._forecast_seconds += seconds
        self._seconds_each = _KEPT * self._seconds_each + (1 - _KEPT) * seconds if self._seconds_each else seconds

    def use(self, prefetched: PrefetchCounts) -> ForecastUse:
        """Return what forecasting has done so far, and what became of what was read ahead. From any thread."""
        return ForecastUse(
            scores=tuple(
                ForecastScore(figures.name, figures.lead, figures.recall, figures.calibration_error)
                for figures in self._card.figures()
            ),
            useful_bytes=prefetched.useful_bytes,
            late_bytes=prefetched.late_bytes,
            wasted_bytes=prefetched.wasted_bytes,
            gain=self._trial.gain,
            is_paying=self._trial.pays and self._is_worth_its_time,
            forecast_seconds=self._forecast_seconds,
        )

    @property
    def _is_worth_its_time(self) -> bool:
        """Whether a read takes longer than to forecast it: memory and the fastest disks are quicker than that."""
        read_seconds = self._prefetcher.read_seconds
        is_tried = read_seconds == 0.0 or self._n_tokens % _TRIED_ONE_IN == 0
        return is_tried or read_seconds > _LEAST_READ * self._seconds_each

    def _catch_up(self) -> None:
        """Let the blend learn of what was noted."""
        if not self._has_begun:
            if self._n_tokens % _LEARNT_ONE_IN == 0 or self._n_tokens < _ALWAYS_LEARNT:
                self._blend.learn()
            self._blend.begin(self._token)
            self._has_begun = True
            for forecasts in self._forecasts:
                forecasts.clear()
        for index, experts, weights, inputs in self._noted:
            for (name, lead), scores in self._forecasts[index].items():
                self._card.judge(name, lead, index, scores, experts, are_probabilities=name in self._calibrated)
            self._forecasts[index].clear()
            self._blend.routed(index, experts, weights, inputs)
        self._noted.clear()

    def _note_forecasts(self, index: int, lead: int, probabilities: NDArray[np.float32]) -> None:
        self._forecasts[index][self._blend.name, lead] = probabilities.copy()
        for part in self._blend.parts:
            scores = part.scores(index)
            if scores is not None:
                self._forecasts[index][part.name, lead] = scores.copy()


def _row(values: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    return None if values is None else values[0].copy()
