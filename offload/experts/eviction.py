"""Which resident expert leaves when another needs its slot: by its last use, or by what it was said to be worth."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol


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

    def ranked(self, layer: int, worth: Sequence[float]) -> None:
        """Learn how much each expert of a layer is worth keeping [n_expert], the more the higher."""

    def victim(self, layer: int, evictable: Callable[[int], bool]) -> int | None:
        """Return the resident expert to evict, one for which `evictable` holds; None if there is none."""


class LeastRecentlyUsed:
    """Evict the expert whose last use lies furthest back; of those not used since they were ranked, the least worth.

    Whoever ranks has time for it only now and then, and what is used meanwhile is worth keeping.
    """

    def __init__(self) -> None:
        self._order: dict[int, dict[int, None]] = {}  # layer -> experts, the next victim first

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

    def ranked(self, layer: int, worth: Sequence[float]) -> None:
        """Sort the residents by their worth; of equals the one whose last use lies further back comes first."""
        self._order[layer] = dict.fromkeys(sorted(self._order.get(layer, ()), key=worth.__getitem__))

    def victim(self, layer: int, evictable: Callable[[int], bool]) -> int | None:
        """Return the first in order that may leave."""
        return next((expert for expert in self._order.get(layer, ()) if evictable(expert)), None)
