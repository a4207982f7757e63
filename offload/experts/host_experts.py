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
        self._under_way: dict[int, Task] = {}
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
        tasks = {expert: self._task(ExpertKey(layer, expert)) for expert in experts}
        with self._changed:
            self._under_way.update(tasks)
        self._loader.submit(*tasks.values())

    def wait(self) -> Addresses:
        """Wait for what was begun; it stays until `end`.

        Raises:
            ExpertReadError: one could not be read.
        """
        with self._changed:
            while self._under_way and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            return {expert: _addresses(held) for expert, held in self._held.items()}

    def end(self) -> None:
        """Let go of everything; waits for what is being read, and drops what is not yet."""
        with self._changed:
            for expert, task in list(self._under_way.items()):
                if self._loader.cancel(task):
                    del self._under_way[expert]
            while self._under_way:
                self._changed.wait()
            self._error = None
        while self._held:
            _, held = self._held.popitem()
            self._source.release(held)

    def _task(self, key: ExpertKey) -> Task:
        return Task(partial(self._hold, key), partial(self._done, key.expert), Urgency.DEMAND)

    def _hold(self, key: ExpertKey) -> int:
        held = self._source.hold(self._store.spans(key))
        with self._changed:
            self._held[key.expert] = held
        return 0

    def _done(self, expert: int, outcome: Outcome) -> None:
        with self._changed:
            del self._under_way[expert]
            if outcome.error is not None:
                self._error = outcome.error
            self._changed.notify_all()


def _addresses(held: Held) -> dict[str, int]:
    return {kind.value: np.frombuffer(target.payload, np.uint8).ctypes.data for kind, target in held.targets.items()}
