"""A batch's run: prompts are begun in waves, defects come out, and what was left ends."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from offload.batch import BatchJob, BatchRun
from offload.config import FinishReason, GenerationParams, Token
from offload.ggml import abi
from offload.ggml.paged_weights import ComputeNative, GraphOutcome
from offload.lockstep import Lockstep


def compute(graphs: Sequence[int], _natives: Sequence[ComputeNative]) -> list[GraphOutcome]:
    return [GraphOutcome(abi.STATUS_SUCCESS)] * len(graphs)


class FakeSequence:
    """Generates as many tokens as the prompt says, each a graph; notes when it began. A prompt of -1 is a defect."""

    def __init__(self, lockstep: Lockstep, begun: list[tuple[int, int]], step: list[int]) -> None:
        self._lockstep, self._begun, self._step = lockstep, begun, step

    def forget(self) -> None:
        """Remember nothing."""

    def generate(
        self, prompt: Sequence[int], params: GenerationParams, *, cancelled: Callable[[], bool]
    ) -> Iterator[Token]:
        (length,) = prompt
        if length < 0:
            raise RuntimeError("slot 7 has no arena")
        self._begun.append((length, self._step[0]))
        for index in range(length):
            if self._lockstep.park(1, lambda _graph: 0) != abi.STATUS_SUCCESS:
                yield Token(-1, "", index, FinishReason.CANCELLED)
                return
            yield Token(5, "a", index, FinishReason.LENGTH if index + 1 == length else None)


def run(lengths: Sequence[int], n_sequences: int) -> tuple[BatchRun, list[tuple[int, int]]]:
    """Return a run, and where the prompts' lengths will be noted with the step before which they began."""
    begun: list[tuple[int, int]] = []
    step = [0]

    def counting(graphs: Sequence[int], natives: Sequence[ComputeNative]) -> list[GraphOutcome]:
        step[0] += 1
        return compute(graphs, natives)

    lockstep = Lockstep(counting, n_sequences)
    sequences = [FakeSequence(lockstep, begun, step) for _ in range(n_sequences)]
    jobs = [BatchJob([length], GenerationParams()) for length in lengths]
    return BatchRun(jobs, sequences, lockstep, lambda: False), begun  # type: ignore[arg-type]


def test_prompts_are_begun_when_half_of_the_sequences_have_ended() -> None:
    batch, begun = run([1, 3, 5, 7, 2, 4], 4)
    answers = list(batch.answers())
    assert [(answer.index, answer.n_generated) for answer in answers] == list(enumerate([1, 3, 5, 7, 2, 4]))
    assert sorted(begun) == [(1, 0), (2, 3), (3, 0), (4, 3), (5, 0), (7, 0)]


def test_a_defect_of_a_sequence_comes_out() -> None:
    batch, _ = run([3, -1, 3], 3)
    with pytest.raises(RuntimeError, match="slot 7 has no arena"):
        list(batch.answers())


def test_no_thread_is_left_of_a_run_that_is_left() -> None:
    before = threading.active_count()
    batch, _ = run([1, 50, 50, 1, 1], 3)
    answers = batch.answers()
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
