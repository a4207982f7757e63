"""`PrefetchLedger`: which experts were read ahead because they were forecast, and what became of them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from offload.experts.key import ExpertKey
from offload.stats import ResidentState


@dataclass(frozen=True, slots=True)
class PrefetchCounts:
    """Bytes of experts that were forecast and read ahead, by what became of them; those still unused are in none."""

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
        """Experts forecast, read ahead and not demanded yet, with their bytes."""
        self._right: defaultdict[int, set[int]] = defaultdict(set)
        """Experts by layer that were there when they were demanded, and still are."""
        self._wrong: defaultdict[int, set[int]] = defaultdict(set)
        """Experts by layer that their token did not want, and that nothing demanded since."""
        self._useful = self._late = self._wasted = 0

    def begun(self, key: ExpertKey, n_bytes: int) -> None:
        """Note that an expert that was forecast is being read ahead."""
        self.open[key] = n_bytes

    def demanded(self, layer: int, experts: Iterable[int]) -> None:
        """Note that experts were demanded that are there."""
        for expert in experts:
            n_bytes = self.open.pop(ExpertKey(layer, expert), 0)
            if n_bytes:
                self._useful += n_bytes
                # What its own token did not want is of use by chance.
                if expert in self._wrong[layer]:
                    self._wrong[layer].discard(expert)
                else:
                    self._right[layer].add(expert)

    def refuted(self, key: ExpertKey) -> None:
        """Note that the token for which an expert was read ahead does not want it."""
        if key in self.open:
            self._wrong[key.layer].add(key.expert)

    def overtaken(self, key: ExpertKey) -> None:
        """Note that an expert was demanded before it had arrived."""
        self._late += self.open.pop(key, 0)
        self._forget(key)

    def evicted(self, key: ExpertKey) -> None:
        """Note that an expert has lost its slot."""
        self._wasted += self.open.pop(key, 0)
        self._forget(key)

    def dropped(self, key: ExpertKey) -> None:
        """Note that an expert was never read, or in vain."""
        self.open.pop(key, None)
        self._forget(key)

    def marked(self, layer: int, states: bytes) -> bytes:
        """Return `states`, one byte per expert of the layer, where READY says how it was forecast too."""
        marked = bytearray(states)
        for experts, state in (
            (self._right[layer], ResidentState.FORECAST_RIGHT),
            (self._wrong[layer], ResidentState.FORECAST_WRONG),
        ):
            for expert in experts:
                if marked[expert] == ResidentState.READY:
                    marked[expert] = state
        return bytes(marked)

    def counts(self) -> PrefetchCounts:
        """Return what became of what was read ahead so far."""
        return PrefetchCounts(self._useful, self._late, self._wasted)

    def _forget(self, key: ExpertKey) -> None:
        self._right[key.layer].discard(key.expert)
        self._wrong[key.layer].discard(key.expert)
