"""`RowPolicy`: which experts a device computes, and which the CPU does where they lie in RAM.

An expert that is not on the device can be copied there, or be computed by the CPU. Copying costs more now and pays
where the expert is routed to again before it has to leave. So every expert is counted, older tokens less; the device
has the experts with the highest counts, and another one takes the place of the least only when its count is higher by
`threshold`: by how many uses copying costs more than computing, beyond the one at hand.

The decision depends on the routes alone, never on what happens to have arrived: rows of a device and of the CPU differ
in their last bits, and the same conversation shall give the same tokens. Pure arithmetic; for the thread that computes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from offload.experts.eviction import LeastRecentlyUsed

HALF_LIFE = 64
"""In tokens, after which a use counts half. Longer than an expert stays under pressure, shorter than a topic does."""
_KEPT = 0.5 ** (1 / HALF_LIFE)


class RowPolicy:
    """Decides for one model, layer by layer."""

    def __init__(self, n_expert: Mapping[int, int], capacity: Mapping[int, int], threshold: float) -> None:
        """`n_expert[layer]` experts, of which a device holds `capacity[layer]`."""
        self._counts = {layer: np.zeros(count) for layer, count in n_expert.items()}
        self._members: dict[int, set[int]] = {layer: set() for layer in n_expert}
        self._capacity, self._threshold = capacity, threshold

    def members(self, layer: int) -> frozenset[int]:
        """Return the experts of a layer that the device computes."""
        return frozenset(self._members[layer])

    def routed(self, layer: int, experts: Sequence[int]) -> list[int]:
        """Learn where a token is routed to; return those of `experts` that the CPU computes."""
        counts, members = self._counts[layer], self._members[layer]
        counts *= _KEPT
        counts[list(experts)] += 1
        on_cpu = []
        for expert in experts:
            if expert in members:
                continue
            if len(members) < self._capacity[layer]:
                members.add(expert)
            elif (leaving := self._least(layer, experts)) is not None and self._is_worth(layer, expert, leaving):
                members.remove(leaving)
                members.add(expert)
            else:
                on_cpu.append(expert)
        return on_cpu

    def routed_batch(self, layer: int, routes: NDArray[np.int32]) -> None:
        """Learn of a batch [n_tokens, n_expert_used], which the device computes: it has the most used ones then."""
        counts = self._counts[layer]
        counts *= _KEPT ** routes.shape[0]
        counts += np.bincount(routes.reshape(-1), minlength=len(counts))
        order = np.argsort(-counts, kind="stable").tolist()
        self._members[layer] = {expert for expert in order[: self._capacity[layer]] if counts[expert] > 0}

    def _least(self, layer: int, but: Iterable[int]) -> int | None:
        """Return the member with the lowest count, the lowest number of equals; not one of `but`."""
        counts = self._counts[layer]
        return min(self._members[layer].difference(but), key=lambda expert: (counts[expert], expert), default=None)

    def _is_worth(self, layer: int, expert: int, leaving: int) -> bool:
        counts = self._counts[layer]
        return bool(counts[expert] > counts[leaving] + self._threshold)


class MembersStay(LeastRecentlyUsed):
    """Evict what is not on the device for long first: experts that `RowPolicy` has not as members."""

    def __init__(self, members: Callable[[int], frozenset[int]]) -> None:
        super().__init__()
        self._members = members

    def victim(self, layer: int, evictable: Callable[[int], bool]) -> int | None:
        """Return the least recently used of those that are no members, else of all."""
        members = self._members(layer)
        found = super().victim(layer, lambda expert: expert not in members and evictable(expert))
        return found if found is not None else super().victim(layer, evictable)
