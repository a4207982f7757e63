"""`LruGuard`: follows scores as long as they beat least recently used, which is judged by caches of what-if.

For every layer it simulates two caches of as many slots as the real one has: one keeps what the scores say, one what
was used last. What the first has hit more than the second, over all layers, is its lead.

    trusted      the scores are followed. The lead is at most MOST_LEAD_TOKENS of accesses; SLACK_TOKENS
                 behind: distrusted
    distrusted   recency is followed. Ahead of where it was furthest behind by what is asked, SLACK_TOKENS of
                 accesses at first: trusted

Both begin with no lead, and every loss of trust doubles what is asked. So what is lost to LRU is no share of a long
run: about SLACK_TOKENS of accesses each time, and the times become rare as powers of two.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offload.routing.keep_scores import KeepScores

SLACK_TOKENS = 0.3
MOST_LEAD_TOKENS = 1.0
_TIE = 1e-9


class LruGuard:
    """Scores for a cache of known size: those of `inner`, or of recency while they are worse. See `KeepScores`.

    Scores are distinct among the experts that were ever used: of equals of `inner` the one used last is kept.
    """

    def __init__(self, inner: KeepScores, n_expert: int, slots: Sequence[int], *, judged_one_in: int = 1) -> None:
        """Judge by `slots` of each layer; of layers that are routed one by one, only by one in so many."""
        n_layer = len(slots)
        self._inner = inner
        self._slots = np.array(slots, np.int64)[:, None]
        self._judged_one_in = judged_one_in
        self._resident = np.zeros((n_layer, n_expert), np.bool_)
        self._last_use = np.full((n_layer, n_expert + 1), -1, np.int64)
        """When each expert was used, in accesses; the last column is of unknown routes."""
        self._clock = 0
        self._next_layer = 0
        self._lead = self._asked = 0.0
        self._accesses = 0
        """Of a token, in all layers."""
        self._trusted = True
        self._scored: tuple[slice, NDArray[np.float64]] | None = None

    @property
    def trusted(self) -> bool:
        """Whether the scores are followed at present."""
        return self._trusted

    def set_slots(self, layer: int, slots: int) -> None:
        """Judge a layer by another number of slots from now on."""
        self._slots[layer] = slots

    def routed(
        self,
        layers: slice,
        experts: NDArray[np.integer[Any]],
        weights: NDArray[np.floating[Any]] | None,
        *,
        judged: bool = True,
    ) -> None:
        """Learn, and have both caches of what-if serve the layers.

        Hits of tokens that are not `judged` make no lead, as those of prompts.
        """
        if layers.start < self._next_layer:
            self._finish_token()
        self._next_layer = layers.stop
        self._inner.routed(layers, experts, weights)
        self._scored = None
        rows = np.arange(len(experts))[:, None]
        known = experts >= 0
        k = experts.shape[1]
        last_use, resident = self._last_use[layers], self._resident[layers]
        is_one = len(experts) == 1
        self._accesses = k * (-(-len(self._slots) // self._judged_one_in) if is_one else len(self._slots))
        if is_one and layers.start % self._judged_one_in:
            last_use[rows, experts] = self._clock + np.arange(k - 1, -1, -1)
            last_use[:, -1] = -1
            return
        before = last_use[rows, experts]
        more_recent = (last_use[:, None, :-1] > before[:, :, None]).sum(axis=2)
        lru_hits = int((known & (before >= 0) & (more_recent < self._slots[layers])).sum())
        if judged:
            self._lead += int((known & resident[rows, experts]).sum()) - lru_hits
        last_use[rows, experts] = self._clock + np.arange(k - 1, -1, -1)
        last_use[:, -1] = -1
        used = np.zeros((len(experts), last_use.shape[1]), np.bool_)
        used[rows, experts] = True
        resident |= used[:, :-1]
        if (resident.sum(axis=1, keepdims=True) > self._slots[layers]).any():
            resident &= keeps(resident, used[:, :-1], self._of_inner(layers), self._slots[layers])

    def scores(self, layers: slice) -> NDArray[np.float64]:
        """Return the scores that are followed at present."""
        if self._trusted:
            return self._of_inner(layers)
        return self._last_use[layers, :-1].astype(np.float64)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the state of the inner scores; what is resident is no matter of the next time."""
        return self._inner.state()

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Take a state of the inner scores.

        Raises:
            ValueError: of it.
        """
        self._inner.restore(state)

    def _of_inner(self, layers: slice) -> NDArray[np.float64]:
        if self._scored is None or self._scored[0] != layers:
            recency = self._last_use[layers, :-1] * (_TIE / (self._clock + self._last_use.shape[1]))
            self._scored = layers, self._inner.scores(layers) + recency
        return self._scored[1]

    def _finish_token(self) -> None:
        self._clock += self._last_use.shape[1]
        slack = SLACK_TOKENS * self._accesses
        if self._trusted:
            self._lead = min(self._lead, MOST_LEAD_TOKENS * self._accesses)
            if self._lead < -slack:
                self._trusted, self._lead, self._asked = False, 0.0, max(slack, 2 * self._asked)
        else:
            self._lead = max(self._lead, 0.0)
            if self._lead >= self._asked:
                self._trusted, self._lead = True, 0.0


def keeps(
    resident: NDArray[np.bool_], used: NDArray[np.bool_], scores: NDArray[np.floating[Any]], slots: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Say which residents stay [n, n_expert]: those `used` now, and of the others those of the highest scores.

    As many as `slots` [n, 1] hold, each at least as many as are used; more only of equal scores.
    """
    worth = np.where(used, np.inf, np.where(resident, scores, -np.inf))
    in_order = np.sort(worth, axis=1)
    lowest = np.take_along_axis(in_order, worth.shape[1] - slots, axis=1)
    return np.asarray(resident & (worth >= lowest))
