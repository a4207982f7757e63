"""`Prefetcher`: reads experts ahead where that is worth it in expectation.

An expert that is routed to with probability p, and is there in time, saves the stall of one read. One that is not
wanted costs the disk a read, which matters while demand reads keep it busy, a share u of the time; and it takes the
slot of another, which may be wanted with the probability q. So reading ahead is worth it where

    p > u (1 - p) + q.

Reads go best first, no more than fit in the time until the layer is computed. Demand overtakes them, and what the true
route does not want is cancelled where its read has not begun.

Thread rule: for the compute thread alone.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from offload.experts.key import ExpertKey
from offload.experts.pager import ExpertPager

_KEPT = 0.9
"""Of the running means, a token later."""

_SETTLED_SHARE = 0.8
"""Of a token's misses, that evict something once slots are full."""


class Prefetcher:
    """Chooses what to read ahead, of probabilities and of what the disk was measured to do."""

    def __init__(self, pager: ExpertPager, expert_bytes: Mapping[int, int]) -> None:
        """Read ahead through `pager`; `expert_bytes[layer]` is what one expert reads."""
        self._pager = pager
        self._bytes = expert_bytes
        self._ahead: dict[int, list[ExpertKey]] = {layer: [] for layer in expert_bytes}
        self._last = pager.counts()
        self._bytes_per_second = 0.0
        self._demand_share = 0.0
        self._layer_seconds = 0.0
        self._is_settled = False

    @property
    def is_settled(self) -> bool:
        """Whether slots are full: what is read takes the place of something."""
        return self._is_settled

    @property
    def bytes_per_second(self) -> float:
        """How fast the disk reads one expert after the other, as measured; 0 before anything was read."""
        return self._bytes_per_second

    @property
    def read_seconds(self) -> float:
        """How long one expert of the mean size is read, as measured; 0 before anything was read."""
        if not self._bytes_per_second:
            return 0.0
        return sum(self._bytes.values()) / len(self._bytes) / self._bytes_per_second

    @property
    def demand_share(self) -> float:
        """Share of the time in which demand reads keep the disk busy, as measured."""
        return self._demand_share

    def token_done(self, seconds: float) -> None:
        """Learn of the disk from a token that took so long."""
        now, before = self._pager.counts(), self._last
        self._last = now
        n_misses, n_evictions = now.misses - before.misses, now.evictions - before.evictions
        self._is_settled = self._is_settled or n_evictions >= _SETTLED_SHARE * n_misses
        read, ahead = now.bytes_read - before.bytes_read, now.bytes_prefetched - before.bytes_prefetched
        read_seconds = now.read_seconds - before.read_seconds
        if read and read_seconds > 0:
            self._bytes_per_second = _mean(self._bytes_per_second, read / read_seconds)
        if self._bytes_per_second and seconds > 0:
            busy = min(1.0, (read - ahead) / self._bytes_per_second / seconds)
            self._demand_share = _mean(self._demand_share, busy)
        self._layer_seconds = _mean(self._layer_seconds, seconds / len(self._bytes))

    def offer(self, layer: int, probabilities: NDArray[np.float32], lead: int) -> int:
        """Read ahead the experts of a layer that are worth it; return how many reads were begun.

        Args:
            layer: the layer they are of.
            probabilities: of being routed to [n_expert].
            lead: how many layers are computed until then.
        """
        busy = self._demand_share
        least = busy / (1 + busy)
        likely = np.flatnonzero(probabilities > least)
        if not len(likely):
            return 0
        wanted = likely[np.argsort(-probabilities[likely], kind="stable")].tolist()
        room = self._reads_that_fit(layer, lead)
        if room <= 0:
            return 0
        chances = probabilities.tolist()
        keys = (ExpertKey(layer, expert) for expert in wanted)
        begun = self._pager.prefetch(
            keys,
            evict=True,
            keep=lambda key, other: chances[other] > chances[key.expert] * (1 + busy) - busy,
            most=room,
            is_forecast=True,
        )
        self._ahead[layer] += begun
        return len(begun)

    def routed(self, layer: int, experts: Sequence[int]) -> None:
        """Cancel what was read ahead for a layer whose true experts are known, as far as it has not begun."""
        ahead, self._ahead[layer] = self._ahead[layer], []
        refuted = [key for key in ahead if key.expert not in experts]
        if refuted:
            self._pager.cancel(refuted)

    def _reads_that_fit(self, layer: int, lead: int) -> int:
        """Return how many more reads are done before the layer is computed: one at least, as nothing is certain."""
        under_way = sum(len(keys) for keys in self._ahead.values())
        if not self._bytes_per_second:
            return 1 - under_way
        read_seconds = self._bytes[layer] / self._bytes_per_second
        return max(1, int(lead * self._layer_seconds / read_seconds)) - under_way


def _mean(mean: float, value: float) -> float:
    return _KEPT * mean + (1 - _KEPT) * value if mean else value
