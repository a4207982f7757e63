"""Which resident expert leaves when another needs its slot: the protocol, least recently used, and lowest score."""

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class EvictionPolicy(Protocol):
    """Decides victims, per layer. Called under the pager's lock: it must be quick and must not call back.

    It is told of every expert that becomes resident, is used, and leaves, and names a victim only among residents.
    """

    def admitted(self, layer: int, expert: int) -> None:
        """Learn that an expert has been given a slot."""

    def used(self, layer: int, experts: Iterable[int]) -> None:
        """Learn that resident experts are computed with, the least important first."""

    def evicted(self, layer: int, expert: int) -> None:
        """Learn that an expert has lost its slot."""

    def victim(self, layer: int, evictable: Callable[[int], bool]) -> int | None:
        """Return the resident expert to evict, one for which `evictable` holds; None if there is none."""


class LeastRecentlyUsed:
    """Evict the expert whose last use lies furthest back."""

    def __init__(self) -> None:
        self._order: dict[int, dict[int, None]] = {}  # layer -> experts, least recently used first

    def admitted(self, layer: int, expert: int) -> None:
        """Take a new expert as just used."""
        self._order.setdefault(layer, {})[expert] = None

    def used(self, layer: int, experts: Iterable[int]) -> None:
        """Move the experts to the end of their layer's order."""
        order = self._order.setdefault(layer, {})
        for expert in experts:
            del order[expert]
            order[expert] = None

    def evicted(self, layer: int, expert: int) -> None:
        """Forget the expert."""
        del self._order[layer][expert]

    def residents(self, layer: int) -> Collection[int]:
        """Return the residents of a layer, least recently used first; a view."""
        return self._order.get(layer, {}).keys()

    def victim(self, layer: int, evictable: Callable[[int], bool]) -> int | None:
        """Return the least recently used expert that may leave."""
        return next((expert for expert in self._order.get(layer, ()) if evictable(expert)), None)


Scores = Callable[[int], NDArray[np.floating]]
"""Of a layer's experts [n_expert], by its number: the higher, the more is an expert to be kept."""


class LowestScore:
    """Evict the expert of the lowest score; of equals the one whose last use lies furthest back.

    Scores are asked for once for the first victim after a use of the layer, and then stay until its next use: whoever
    gives them learns a token's routes before its experts are acquired.
    """

    def __init__(self, scores: Scores) -> None:
        self._scores = scores
        self._recency = LeastRecentlyUsed()
        self._worst_first: dict[int, list[int]] = {}  # layer -> experts as of its last scores, residents or not

    def admitted(self, layer: int, expert: int) -> None:
        """Take a new expert as just used."""
        self._recency.admitted(layer, expert)

    def used(self, layer: int, experts: Iterable[int]) -> None:
        """Learn that a new token is computed: the next victim is judged by new scores."""
        self._recency.used(layer, experts)
        self._worst_first.pop(layer, None)

    def evicted(self, layer: int, expert: int) -> None:
        """Forget the expert."""
        self._recency.evicted(layer, expert)

    def victim(self, layer: int, evictable: Callable[[int], bool]) -> int | None:
        """Return the expert of the lowest score that may leave."""
        residents = self._recency.residents(layer)
        if layer not in self._worst_first:
            scores = self._scores(layer)
            self._worst_first[layer] = sorted(residents, key=scores.tolist().__getitem__)
        for expert in self._worst_first[layer]:
            if expert in residents and evictable(expert):
                return expert
        # Admitted since the scores were asked for.
        return next((expert for expert in residents if evictable(expert)), None)
