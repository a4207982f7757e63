"""`PrefetchLedger`: which experts were read ahead, and what became of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from offload.experts.key import ExpertKey


@dataclass(frozen=True, slots=True)
class PrefetchCounts:
    """Bytes of experts that were read ahead, by what became of them; those still unused are in none."""

    useful_bytes: int = 0
    """There when they were demanded."""
    late_bytes: int = 0
    """Demanded while on their way: part of the wait was saved."""
    wasted_bytes: int = 0
    """Evicted before any demand."""


class PrefetchLedger:
    """Keeps account. Thread rule: none of its own; the pager's lock guards it."""

    def __init__(self) -> None:
        self.open: dict[ExpertKey, int] = {}
        """Experts read ahead and not demanded yet, with their bytes."""
        self._useful = self._late = self._wasted = 0

    def begun(self, key: ExpertKey, n_bytes: int) -> None:
        """Note that an expert is being read ahead."""
        self.open[key] = n_bytes

    def demanded(self, layer: int, experts: Iterable[int]) -> None:
        """Note that experts were demanded that are there."""
        for expert in experts:
            self._useful += self.open.pop(ExpertKey(layer, expert), 0)

    def overtaken(self, key: ExpertKey) -> None:
        """Note that an expert was demanded before it had arrived."""
        self._late += self.open.pop(key, 0)

    def evicted(self, key: ExpertKey) -> None:
        """Note that an expert has lost its slot."""
        self._wasted += self.open.pop(key, 0)

    def dropped(self, key: ExpertKey) -> None:
        """Note that an expert was never read, or in vain."""
        self.open.pop(key, None)

    def counts(self) -> PrefetchCounts:
        """Return what became of what was read ahead so far."""
        return PrefetchCounts(self._useful, self._late, self._wasted)
