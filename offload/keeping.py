"""`Keeping`: decides which experts keep their slots, from how the tokens so far were routed.

    decoded token    each layer is learnt as it is routed, before its experts are acquired
    prompt           a batch is routed layer after layer, all tokens at once; its last tokens are learnt one by one when
                     the next token is decoded

Thread rule: `routed` for the compute thread; the policy for any thread, under the pager's lock.
"""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offload.experts.eviction import EvictionPolicy, LowestScore
from offload.routing.lru_guard import LruGuard
from offload.routing.similar_paths import SimilarPaths

PROMPT_TOKENS = 32
"""Of the end of a prompt that are learnt: each costs as much as a decoded token."""
_JUDGED_ONE_IN = 4
"""Of so many layers one is judged against least recently used: that costs as much as choosing a victim."""


class Keeping:
    """Watches routes and gives the pager its policy."""

    def __init__(self, capacity: Mapping[int, int], n_expert: int, n_expert_used: int) -> None:
        """Keep experts of the layers of `capacity`, which says how many slots each has."""
        self._layers = {layer: index for index, layer in enumerate(capacity)}
        self._n_expert = n_expert
        self._scores = SimilarPaths(len(capacity), n_expert, n_expert_used)
        slots = list(capacity.values())
        self._guard = LruGuard(self._scores, n_expert, slots, judged_one_in=_JUDGED_ONE_IN)
        self._lock = threading.Lock()
        self._batch: dict[int, NDArray[np.int32]] = {}
        self.is_paused = False
        """Whether experts are kept by their last use alone."""
        self.policy: EvictionPolicy = LowestScore(self._scores_of)

    @property
    def n_bytes(self) -> int:
        """Memory it takes, but for small things."""
        return self._scores.n_bytes

    def set_slots(self, capacity: Mapping[int, int]) -> None:
        """Judge by another number of slots from now on."""
        with self._lock:
            for layer, n_slots in capacity.items():
                self._guard.set_slots(self._layers[layer], n_slots)

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        """Learn how a layer is routed: of one token at once, of a batch later."""
        index = self._layers[layer]
        if len(experts) > 1:
            self._batch[index] = experts[-PROMPT_TOKENS:].copy()
            return
        if self._batch:
            self._learn_batch()
        with self._lock:
            self._guard.routed(slice(index, index + 1), experts, weights)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what was learnt, for `restore`."""
        with self._lock:
            return self._guard.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from there.

        Raises:
            ValueError: it is of another shape.
        """
        with self._lock:
            self._guard.restore(dict(state))

    def _learn_batch(self) -> None:
        batch, self._batch = self._batch, {}
        n_tokens = max(map(len, batch.values()))
        n_used = next(iter(batch.values())).shape[1]
        routes = np.full((len(self._layers), n_tokens, n_used), -1, np.int32)
        for index, experts in batch.items():
            routes[index, n_tokens - len(experts) :] = experts
        with self._lock:
            for token in range(n_tokens):
                self._guard.routed(slice(0, len(routes)), routes[:, token], None, judged=False)

    def _scores_of(self, layer: int) -> NDArray[np.floating]:
        index = self._layers[layer]
        if self.is_paused:
            return np.zeros(self._n_expert)
        with self._lock:
            scores: NDArray[np.floating] = self._guard.scores(slice(index, index + 1))[0]
        return scores
