"""`ForecastWiring`: the forecasters of one open model, wired to what they watch and to what they decide."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from offload.errors import OffloadError
from offload.experts.prefetch import Prefetcher
from offload.experts.store import ExpertStore
from offload.forecasting import Forecasting
from offload.gguf_header import GgufHeader
from offload.keeping import Keeping
from offload.llama.context import LlamaContext, Outputs
from offload.paged_model import PagedModel
from offload.routing.blend import Blend
from offload.routing.forecaster import Forecaster
from offload.routing.gate_ahead import GateAhead
from offload.routing.previous_path import PreviousPath
from offload.routing.report_card import ReportCard
from offload.routing.router_weights import read_gates
from offload.routing.token_prior import TokenPrior
from offload.stats import ForecastUse

LARGEST_SHARE = 0.03
"""Of the slots' memory that forecasting may take; where it would take more, the slots are worth more."""
_PRIOR_BYTES = 8 << 20
_PRIOR_TOKENS = 4096
"""The token prior takes no more than it needs for so many ids and pairs of them."""
_N_IDS = 128
"""Token ids whose routing gate ahead corrects apart."""
_DISTANCE = 2
_WINDOW_BYTES = 20
"""Of the past kept for eviction, per token, layer and routed expert."""
_WINDOW_TOKENS = 2049


def forecast_bytes(header: GgufHeader, store: ExpertStore) -> int:
    """Return what forecasting takes at most for a model, in bytes."""
    n_layer = len(store.layers)
    n_expert = max(layout.n_expert for layout in store.layers.values())
    gates = n_layer * n_expert * (header.count("embedding_length") or 0) * 4
    errors = (_N_IDS * 2 + 24) * n_layer * n_expert * _DISTANCE
    past = n_layer * _WINDOW_TOKENS * (n_expert + 1 + _WINDOW_BYTES * header.n_expert_used)
    return gates + errors + past + _prior_bytes(n_layer, n_expert)


def _prior_bytes(n_layer: int, n_expert: int) -> int:
    return min(_PRIOR_BYTES, _PRIOR_TOKENS * n_layer * n_expert)


class ForecastWiring:
    """Made before the model is opened, for the policy; attached to it afterwards. Thread rule as of its parts."""

    def __init__(self, header: GgufHeader, store: ExpertStore, capacity: Mapping[int, int]) -> None:
        """Prepare for a model whose layers have `capacity` slots."""
        self._header, self._store = header, store
        self._n_expert = max(layout.n_expert for layout in store.layers.values())
        self.keeping = Keeping(capacity, self._n_expert, header.n_expert_used)
        self.note = ""
        """Why a forecaster is missing; empty: none is."""
        self._paged: PagedModel | None = None
        self._context: LlamaContext | None = None
        self._forecasting: Forecasting | None = None

    def attach(self, paged: PagedModel, context: LlamaContext, more: Sequence[Forecaster] = ()) -> None:
        """Watch a context decode, with forecasters of our own and `more`."""
        layers = list(self._store.layers)
        shape = len(layers), self._n_expert, self._header.n_expert_used
        parts: list[Forecaster] = [
            *more,
            TokenPrior(*shape, max_bytes=_prior_bytes(*shape[:2])),
            PreviousPath(*shape[:2]),
        ]
        try:
            parts.append(GateAhead(read_gates(self._header, layers), distance=_DISTANCE, n_ids=_N_IDS))
        except OffloadError as error:
            self.note = str(error)
        prefetcher = Prefetcher(
            paged.pager, {layer: layout.expert_bytes for layer, layout in self._store.layers.items()}
        )
        self._paged, self._context = paged, context
        self._forecasting = Forecasting(Blend(parts, *shape), prefetcher, layers, ReportCard(*shape))
        paged.weights.observers += [self.keeping, self._forecasting]
        paged.placer.while_reading = self._forecasting.reading
        context.listeners.append(self._begin)

    def detach(self) -> None:
        """Watch no more; harmless when called twice."""
        if self._paged is None or self._context is None or self._forecasting is None:
            return
        for observer in (self.keeping, self._forecasting):
            self._paged.weights.observers.remove(observer)
        self._paged.placer.while_reading = None
        self._context.listeners.remove(self._begin)
        self._paged = self._context = self._forecasting = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Watch nothing meanwhile: several sequences are decoded at once, of which nothing is learnt."""
        assert self._paged is not None
        assert self._forecasting is not None
        observers, self._paged.weights.observers[:] = list(self._paged.weights.observers), []
        self._forecasting.interrupted()
        self.keeping.is_paused = True
        try:
            yield
        finally:
            self._paged.weights.observers[:] = observers
            self.keeping.is_paused = False

    def use(self) -> ForecastUse | None:
        """Return what forecasting has done so far. From any thread."""
        if self._forecasting is None or self._paged is None:
            return None
        return self._forecasting.use(self._paged.pager.counts().prefetch)

    def _begin(self, tokens: Sequence[int] | NDArray[np.int32], logits: Outputs) -> None:
        assert self._forecasting is not None
        if self.keeping.is_paused:
            return
        if len(tokens) == 1:
            self._forecasting.begin(int(tokens[0]))
        else:
            self._forecasting.interrupted()
