"""Memory pressure: when the system runs short, what holds experts shrinks, and grows back later."""

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from offload.experts.host_tier import HostTier
from offload.experts.pager import ExpertPager
from offload.machine import MachineMemory, machine_memory

INTERVAL_SECONDS = 1.0
LOW_SHARE = 0.03
"""Below this share of memory available, slots shrink; above three times it they grow back."""
STEP = 0.15
"""Share of what is planned that is given up or taken back at a time."""


class Elastic(Protocol):
    """Memory of which a part can be done without."""

    def step(self, direction: int) -> None:
        """Give up a part (-1), or take it back (+1)."""


class ElasticSlots:
    """The slots of a pager in this process's memory: a ceiling on each layer's capacity."""

    def __init__(self, pager: ExpertPager, planned: Mapping[int, int], n_expert_used: int) -> None:
        """A layer's ceiling stays between `n_expert_used` and what is `planned` for it."""
        self._pager, self._planned, self._floor = pager, dict(planned), n_expert_used
        self._ceiling = dict(planned)

    def step(self, direction: int) -> None:
        """Lower or raise the ceilings."""
        for layer, planned in self._planned.items():
            step = direction * max(1, round(STEP * planned))
            now = self._ceiling[layer]
            wanted = min(planned, max(min(self._floor, planned), now + step))
            if wanted != now:
                self._ceiling[layer] = wanted
                self._pager.set_ceiling(layer, wanted)


class ElasticTier:
    """Experts kept in RAM behind a device's slots."""

    def __init__(self, tier: HostTier, planned_bytes: int, least_bytes: int) -> None:
        """The tier stays between `least_bytes` and `planned_bytes`."""
        self._tier, self._planned_bytes, self._least_bytes = tier, planned_bytes, min(least_bytes, planned_bytes)
        self._now_bytes = planned_bytes

    def step(self, direction: int) -> None:
        """Shrink the tier or let it grow."""
        wanted = self._now_bytes + direction * round(STEP * self._planned_bytes)
        wanted = min(self._planned_bytes, max(self._least_bytes, wanted))
        if wanted != self._now_bytes:
            self._now_bytes = wanted
            self._tier.resize(wanted)


class PressureWatch:
    """Watches available memory from a thread of its own, and has what is elastic shrink and grow."""

    def __init__(
        self,
        elastic: Elastic,
        *,
        memory: Callable[[], MachineMemory] = machine_memory,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        """Start watching."""
        self._elastic = elastic
        self._memory, self._interval_seconds = memory, interval_seconds
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory-pressure", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look at the memory once and act on it."""
        now = self._memory()
        low = LOW_SHARE * now.total_bytes
        if now.available_bytes < low:
            self._elastic.step(-1)
        elif now.available_bytes > 3 * low:
            self._elastic.step(+1)

    def close(self) -> None:
        """Stop watching; harmless when called twice."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(self._interval_seconds):
            self.look()
