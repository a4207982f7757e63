"""`HostExperts`: the experts of a layer that the CPU computes, held in RAM while it does."""

import threading
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from offload.experts.key import ExpertKey
from offload.experts.loader import Loader, Outcome, Task, Urgency
from offload.experts.row_policy import RowPolicy
from offload.experts.store import ExpertStore
from offload.experts.tiered_source import Held, TieredSource

Addresses = Mapping[int, Mapping[str, int]]
"""By expert and kind: where its matrix lies in this process's memory."""


class HostExperts:
    """One model's. For the thread that computes; reader threads bring what is on disk."""

    def __init__(self, store: ExpertStore, source: TieredSource, loader: Loader, policy: RowPolicy) -> None:
        self._store, self._source, self._loader, self._policy = store, source, loader, policy
        self._changed = threading.Condition()
        self._expected = 0
        self._held: dict[int, Held] = {}
        self._error: BaseException | None = None

    def choose(self, layer: int, experts: Sequence[int]) -> list[int]:
        """Return those of a token's experts that the CPU computes."""
        return self._policy.routed(layer, experts)

    def learn(self, layer: int, routes: NDArray[np.int32]) -> None:
        """Learn of a batch [n_tokens, n_expert_used], all of which the device computes."""
        self._policy.routed_batch(layer, routes)

    def begin(self, layer: int, experts: Sequence[int]) -> None:
        """Have these experts in RAM, as soon as may be; nothing is held now."""
        self._expected = len(experts)
        if experts:
            self._loader.submit(*(self._task(ExpertKey(layer, expert)) for expert in experts))

    def wait(self) -> Addresses:
        """Wait for what was begun; it stays until `end`.

        Raises:
            ExpertReadError: one could not be read.
        """
        with self._changed:
            while len(self._held) < self._expected and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            return {expert: _addresses(held) for expert, held in self._held.items()}

    def end(self) -> None:
        """Let go of everything; waits for what is still being read."""
        with self._changed:
            while self._expected and len(self._held) + (self._error is not None) < self._expected:
                self._changed.wait()
            held, self._held = list(self._held.values()), {}
            self._expected, self._error = 0, None
        for one in held:
            self._source.release(one)

    def _task(self, key: ExpertKey) -> Task:
        return Task(partial(self._hold, key), self._done, Urgency.DEMAND)

    def _hold(self, key: ExpertKey) -> int:
        held = self._source.hold(self._store.spans(key))
        with self._changed:
            self._held[key.expert] = held
        return 0

    def _done(self, outcome: Outcome) -> None:
        with self._changed:
            if outcome.error is not None:
                self._error = outcome.error
            self._changed.notify_all()


def _addresses(held: Held) -> dict[str, int]:
    return {kind.value: np.frombuffer(target.payload, np.uint8).ctypes.data for kind, target in held.targets.items()}
