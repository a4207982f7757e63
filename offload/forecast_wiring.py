"""`ForecastWiring`: the forecasters of one open model, wired to what they watch and to what they decide."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from offload.errors import OffloadError
from offload.experts.key import ExpertKey
from offload.experts.prefetch import Prefetcher
from offload.experts.store import ExpertStore
from offload.forecasting import Forecasting
from offload.gguf_header import GgufHeader
from offload.keeping import Keeping
from offload.llama.context import LlamaContext, Outputs
from offload.paged_model import PagedModel
from offload.routing.blend import Blend
from offload.routing.forecaster import Forecaster
from offload.routing.forecaster_file import State
from offload.routing.report_card import ReportCard
from offload.routing.router_weights import LayerGate, read_gates
from offload.routing.token_prior import TokenPrior
from offload.routing.trained_forecasters import BLEND, GATE, PATH, TrainedForecasters
from offload.stats import ForecastUse, ResidentState

States = Mapping[str, State]
"""What was learnt, by forecaster."""

_KEEPING, _WARM_SET = "similar paths", "warm set"

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
_BLEND_BYTES = 256
"""For each expert, and some more for each layer."""
_LAYER_BYTES = 16 << 10

_READERS_START_SECONDS = 1e-5
"""Slept before forecasting: a reader needs the interpreter for a moment to begin what was demanded."""


def forecast_bytes(header: GgufHeader, store: ExpertStore, states: States) -> int:
    """Return what forecasting takes at most for a model, in bytes, with what was learnt before."""
    n_layer = len(store.layers)
    n_expert = max(layout.n_expert for layout in store.layers.values())
    gates = n_layer * n_expert * (header.count("embedding_length") or 0) * 4
    errors = (_N_IDS * 2 + 24) * n_layer * n_expert * _DISTANCE
    past = n_layer * _WINDOW_TOKENS * (n_expert + 1 + _WINDOW_BYTES * header.n_expert_used)
    trained = sum(array.nbytes for name in (PATH, GATE) for array in states.get(name, {}).values())
    blend = n_layer * (n_expert * _BLEND_BYTES + _LAYER_BYTES)
    return gates + blend + errors + past + _prior_bytes(n_layer, n_expert) + 2 * trained  # float16 in the file


def _prior_bytes(n_layer: int, n_expert: int) -> int:
    return min(_PRIOR_BYTES, _PRIOR_TOKENS * n_layer * n_expert)


class ForecastWiring:
    """Made before the model is opened, attached to it afterwards. Thread rule as of its parts."""

    def __init__(
        self,
        header: GgufHeader,
        store: ExpertStore,
        capacity: Mapping[int, int],
        states: States = MappingProxyType({}),
    ) -> None:
        """Prepare for a model whose layers have `capacity` slots, with what was learnt of it before.

        Raises:
            ValueError, KeyError: the states are of another shape.
        """
        self._header, self._store = header, store
        self._n_expert = max(layout.n_expert for layout in store.layers.values())
        shape = len(store.layers), self._n_expert, header.n_expert_used
        self.keeping = Keeping(capacity, self._n_expert, header.n_expert_used)
        prior = TokenPrior(*shape, max_bytes=_prior_bytes(*shape[:2]))
        self._trained = TrainedForecasters.of_states(states, prior, header.count("embedding_length") or 0)
        self._warm: list[tuple[int, int]] = []
        """Layer, counted from 0, and expert."""
        self._restore(states)
        self._note = ""
        self._paged: PagedModel | None = None
        self._context: LlamaContext | None = None
        self._blend: Blend | None = None
        self._forecasting: Forecasting | None = None
        self._is_paused = False

    @property
    def n_bytes(self) -> int:
        """Memory of what is attached."""
        parts = self._blend.parts if self._blend is not None else ()
        of_parts = sum(getattr(part, "n_bytes", 0) for part in parts)
        return self.keeping.n_bytes + of_parts + (self._blend.n_bytes if self._blend is not None else 0)

    def attach(self, paged: PagedModel, context: LlamaContext, more: Sequence[Forecaster] = ()) -> None:
        """Watch a context decode, with forecasters of our own and `more`."""
        layers = list(self._store.layers)
        shape = len(layers), self._n_expert, self._header.n_expert_used
        gates: Sequence[LayerGate] = ()
        try:
            gates = read_gates(self._header, layers)
        except OffloadError as error:
            self._note = str(error)
        parts = [*more, *self._trained.parts(gates, distance=_DISTANCE, n_ids=_N_IDS)]
        prefetcher = Prefetcher(
            paged.pager, {layer: layout.expert_bytes for layer, layout in self._store.layers.items()}
        )
        self._paged, self._context = paged, context
        self._blend = Blend(parts, *shape)
        if self._trained.blend_state is not None:
            with suppress(ValueError):  # weights that do not fit are learnt anew
                self._blend.restore(self._trained.blend_state)
        self._forecasting = Forecasting(self._blend, prefetcher, layers, ReportCard(*shape))
        paged.weights.observers += [self.keeping, self._forecasting]
        paged.placer.while_reading = self._while_reading
        context.listeners.append(self._begin)
        paged.pager.prefetch(ExpertKey(layers[index], expert) for index, expert in self._warm)

    def states(self) -> States:
        """Return what was learnt, for the next time: the warm set is of the experts that are in slots now."""
        states = {**self._trained.states(), _KEEPING: self.keeping.state()}
        if self._blend is not None:
            states[BLEND] = self._blend.state()
        if self._paged is not None:
            states[_WARM_SET] = {"experts": self._resident(self._paged)}
        return states

    def _resident(self, paged: PagedModel) -> NDArray[np.int32]:
        """Return layer and expert of what is in slots [n, 2], layer after layer."""
        found = [
            (index, expert)
            for index, layer in enumerate(self._store.layers)
            for expert, state in enumerate(paged.pager.states(layer))
            if state == ResidentState.READY
        ]
        return np.array(found, np.int32).reshape(-1, 2)

    def _restore(self, states: States) -> None:
        n_layer = len(self._store.layers)
        if _KEEPING in states:
            self.keeping.restore(states[_KEEPING])
        for index, expert in states.get(_WARM_SET, {}).get("experts", np.empty((0, 2), np.int32)).tolist():
            if not (0 <= index < n_layer and 0 <= expert < self._n_expert):
                raise ValueError(f"the warm set names expert {expert} of layer {index}")
            self._warm.append((index, expert))

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
        self._is_paused = True
        try:
            yield
        finally:
            self._paged.weights.observers[:] = observers
            self._is_paused = False

    def use(self) -> ForecastUse | None:
        """Return what forecasting has done so far. From any thread."""
        if self._forecasting is None or self._paged is None:
            return None
        return replace(self._forecasting.use(self._paged.pager.counts().prefetch), note=self._note)

    def _while_reading(self, layer: int, still_reading: Callable[[], bool]) -> None:
        """Forecast first: what is read ahead is read meanwhile."""
        assert self._paged is not None
        assert self._forecasting is not None
        if not self._forecasting.is_on:
            return
        time.sleep(_READERS_START_SECONDS)
        self._forecasting.reading(layer)
        self.keeping.reading(layer, still_reading, self._paged.pager.rank)

    def _begin(self, tokens: Sequence[int] | NDArray[np.int32], logits: Outputs) -> None:
        assert self._forecasting is not None
        if self._is_paused:
            return
        if len(tokens) == 1:
            self._forecasting.begin(int(tokens[0]))
            self.keeping.is_on = self._forecasting.is_on
        else:
            self._forecasting.interrupted()
