"""Memory pressure: when the system runs short, slots shrink before anything dies, and grow back later."""

import threading
from collections.abc import Callable, Mapping

from offload.experts.pager import ExpertPager
from offload.machine import MachineMemory, machine_memory

INTERVAL_SECONDS = 1.0
LOW_SHARE = 0.03
"""Below this share of memory available, slots shrink; above three times it they grow back."""
STEP = 0.15
"""Share of a layer's planned slots given up or taken back at a time."""


class PressureWatch:
    """Watches available memory from a thread of its own, and bounds the capacity of a pager's layers."""

    def __init__(
        self,
        pager: ExpertPager,
        planned: Mapping[int, int],
        n_expert_used: int,
        *,
        memory: Callable[[], MachineMemory] = machine_memory,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        """Start watching. A layer's ceiling stays between `n_expert_used` and what is `planned` for it."""
        self._pager, self._planned, self._floor = pager, dict(planned), n_expert_used
        self._ceiling = dict(planned)
        self._memory, self._interval_seconds = memory, interval_seconds
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory-pressure", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look at the memory once and act on it."""
        now = self._memory()
        low = LOW_SHARE * now.total_bytes
        if now.available_bytes < low:
            self._change(-1)
        elif now.available_bytes > 3 * low:
            self._change(+1)

    def close(self) -> None:
        """Stop watching; harmless when called twice."""
        self._closing.set()
        self._thread.join()

    def _change(self, direction: int) -> None:
        for layer, planned in self._planned.items():
            step = direction * max(1, round(STEP * planned))
            now = self._ceiling[layer]
            wanted = min(planned, max(min(self._floor, planned), now + step))
            if wanted != now:
                self._ceiling[layer] = wanted
                self._pager.set_ceiling(layer, wanted)

    def _run(self) -> None:
        while not self._closing.wait(self._interval_seconds):
            self.look()
