"""Lockstep: the graphs of several sequences wait for each other, and one thread computes them together.

Every sequence has a thread and a context of its own, and computes what it would compute alone: merged into one batch
its last bits would change. Where a thread's graph reaches the pager it is parked. Once every running sequence has
parked one or has ended, the thread that drives them computes all parked graphs layer by layer, so that an expert is
read once for all of them, and every thread goes on with what became of its own.

    thread of a sequence   ── sample ── llama_decode ── park ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ goes on ──
    driving thread         ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ step: all parked ──┘

Invariants (tests/offload/test_lockstep.py):
1. A step computes one graph of every running sequence.     test_a_step_waits_for_every_running_sequence
2. No thread stays parked once the steps have ended.        test_closing_lets_everybody_go

Thread rule: `step` and `close` for the driving thread; the others for those of the sequences.
"""

import threading
from collections.abc import Callable, Sequence

from offload.ggml import abi
from offload.ggml.paged_weights import ComputeNative, GraphOutcome

Together = Callable[[Sequence[int], Sequence[ComputeNative]], list[GraphOutcome]]
"""Computes graphs of as many contexts, each by its own means; returns how each ended. See `PagedWeights`."""

_ABORTED = GraphOutcome(abi.STATUS_ABORTED)


class _Parked:
    """A graph that waits, and what became of it."""

    __slots__ = ("graph", "native", "outcome")

    def __init__(self, graph: int, native: ComputeNative) -> None:
        self.graph, self.native = graph, native
        self.outcome: GraphOutcome | None = None


class Lockstep:
    """Sequences that compute in step. They are numbered from 0."""

    def __init__(self, compute_together: Together, n_sequences: int, *, one_backend: bool = True) -> None:
        """Begin with all sequences running: each must park or leave before the first step.

        With `one_backend` the backend of one computes for all, which saves work memory: on the CPU any does it alike.
        """
        self._compute_together = compute_together
        self._changed = threading.Condition()
        self._running = set(range(n_sequences))
        self._parked: dict[int, _Parked] = {}
        self._of_thread = threading.local()
        self._one_backend = one_backend
        self._first_native: ComputeNative | None = None
        self._closed = False

    def enter(self, number: int) -> None:
        """Make the calling thread that of a sequence."""
        self._of_thread.number, self._of_thread.error = number, None

    def park(self, graph: int, compute_native: ComputeNative) -> int:
        """Wait until a step has computed the graph; return its ggml status."""
        number: int = self._of_thread.number
        with self._changed:
            # Work memory is kept by the backend: the first to come stays the one that computes for all.
            self._first_native = self._first_native or compute_native
            parked = _Parked(graph, self._first_native if self._one_backend else compute_native)
            self._parked[number] = parked
            self._changed.notify_all()
            while parked.outcome is None and not self._closed:
                self._changed.wait()
        outcome = parked.outcome or _ABORTED
        self._of_thread.error = outcome.error
        return outcome.status

    def take_error(self) -> BaseException | None:
        """Return, once, why the calling thread's last graph failed."""
        error: BaseException | None = self._of_thread.error
        self._of_thread.error = None
        return error

    def leave(self) -> None:
        """Have nobody wait for the calling thread's sequence any more."""
        with self._changed:
            self._running.discard(self._of_thread.number)
            self._changed.notify_all()

    def rejoin(self, number: int) -> None:
        """Have the others wait for a sequence that had left. For the thread of one that runs: no step is made now."""
        with self._changed:
            self._running.add(number)

    def step(self) -> bool:
        """Compute one graph of every running sequence; False: all have ended.

        Raises:
            KeyboardInterrupt: it came meanwhile; everybody was let go.
        """
        try:
            with self._changed:
                while self._running - self._parked.keys():
                    self._changed.wait()
                if not self._parked:
                    return False
                step = dict(sorted(self._parked.items()))
            parked = step.values()
            outcomes = self._compute_together([one.graph for one in parked], [one.native for one in parked])
            interrupted = next((one.error for one in outcomes if isinstance(one.error, KeyboardInterrupt)), None)
            if interrupted is not None:
                raise interrupted
        except BaseException:
            self.close()
            raise
        with self._changed:
            for one, outcome in zip(parked, outcomes, strict=True):
                one.outcome = outcome
            self._parked.clear()
            self._changed.notify_all()
        return True

    def close(self) -> None:
        """Let go of everybody who is parked, now and from now on: their graphs are aborted."""
        with self._changed:
            self._closed = True
            self._parked.clear()
            self._changed.notify_all()
