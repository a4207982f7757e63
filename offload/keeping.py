"""`Keeping`: says which experts are worth their slots, from how the tokens so far were routed.

Learning and scoring take time on the thread that computes, so both are done where that thread would only wait: routes
are noted as they become known, and while demand reads of a layer are under way they are learnt, and the layer is
ranked for its next victim. In between the last use decides (`LeastRecentlyUsed.ranked`).

    decoded token    noted layer by layer
    prompt           noted when the next token is decoded: its last tokens, one by one

Where nothing is waited for, nothing needs to be ranked; of a long time without any wait only the end is learnt.

Thread rule: for the compute thread alone; `set_slots` for any.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from offload.routing.lru_guard import LruGuard
from offload.routing.similar_paths import SimilarPaths

PROMPT_TOKENS = 32
"""Of the end of a prompt that are learnt: each costs as much as a decoded token."""
_NOTED_TOKENS = 32
"""That wait to be learnt at most, beside a prompt's."""
_JUDGED_ONE_IN = 4
"""Of so many layers one is judged against least recently used: that costs as much as scoring."""


class _Noted(NamedTuple):
    layers: slice
    experts: NDArray[np.int32]
    """[layers, n_expert_used]."""
    weights: NDArray[np.float32] | None
    is_judged: bool


class Keeping:
    """Watches routes, and ranks the experts of a layer."""

    def __init__(self, capacity: Mapping[int, int], n_expert: int, n_expert_used: int) -> None:
        """Rank experts of the layers of `capacity`, which says how many slots each has."""
        self._layers = {layer: index for index, layer in enumerate(capacity)}
        self._scores = SimilarPaths(len(capacity), n_expert, n_expert_used)
        slots = list(capacity.values())
        self._guard = LruGuard(self._scores, n_expert, slots, judged_one_in=_JUDGED_ONE_IN)
        self._batch: dict[int, NDArray[np.int32]] = {}
        self._noted: deque[_Noted] = deque(maxlen=PROMPT_TOKENS + _NOTED_TOKENS * len(capacity))
        self.is_on = True
        """Whether routes are noted."""

    @property
    def n_bytes(self) -> int:
        """Memory it takes, but for small things."""
        return self._scores.n_bytes

    @property
    def reads_gates(self) -> bool:
        """Whether weights are of use at present."""
        return self.is_on

    def set_slots(self, capacity: Mapping[int, int]) -> None:
        """Judge by another number of slots from now on."""
        for layer, n_slots in capacity.items():
            self._guard.set_slots(self._layers[layer], n_slots)

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        """Note how a layer is routed; arrays are copied."""
        if not self.is_on:
            return
        index = self._layers[layer]
        if len(experts) > 1:
            self._batch[index] = experts[-PROMPT_TOKENS:].copy()
            return
        if self._batch:
            self._note_batch()
        weights = None if weights is None else weights.copy()
        self._noted.append(_Noted(slice(index, index + 1), experts.copy(), weights, is_judged=True))

    def reading(
        self, layer: int, still_reading: Callable[[], bool], rank: Callable[[int, Sequence[float]], None]
    ) -> None:
        """Use the time in which demand reads of a layer are under way: learn, and `rank` the experts of the layer."""
        while self._noted:
            if not still_reading():
                return
            self._learn(self._noted.popleft())
        if still_reading():
            rank(layer, self.worth(layer))

    def worth(self, layer: int) -> Sequence[float]:
        """Return how much each expert of a layer is worth keeping [n_expert], by what was learnt."""
        index = self._layers[layer]
        worth: list[float] = self._guard.scores(slice(index, index + 1))[0].tolist()
        return worth

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what was learnt, all that was noted included, for `restore`."""
        while self._noted:
            self._learn(self._noted.popleft())
        return self._guard.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from there.

        Raises:
            ValueError: it is of another shape.
        """
        self._guard.restore(dict(state))

    def _learn(self, noted: _Noted) -> None:
        self._guard.routed(noted.layers, noted.experts, noted.weights, judged=noted.is_judged)

    def _note_batch(self) -> None:
        batch, self._batch = self._batch, {}
        n_tokens = max(map(len, batch.values()))
        n_used = next(iter(batch.values())).shape[1]
        routes = np.full((len(self._layers), n_tokens, n_used), -1, np.int32)
        for index, experts in batch.items():
            routes[index, n_tokens - len(experts) :] = experts
        every = slice(0, len(self._layers))
        self._noted.extend(_Noted(every, routes[:, token], None, is_judged=False) for token in range(n_tokens))
