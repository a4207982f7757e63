"""`BatchRun`: many prompts answered by several sequences at a time; a finished one makes place for the next prompt.

Thread rule: one thread takes the answers. Each sequence has a thread of its own meanwhile; with one there is none.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from offload.config import BatchAnswer, FinishReason, GenerationParams
from offload.errors import OffloadError
from offload.generation import Generator
from offload.lockstep import Lockstep

WAVE_SHARE = 0.5
"""Share of the sequences that must have ended before the next prompts are begun, together: computing a prompt reads
nearly all experts, be it one prompt or many."""


class BatchJob(NamedTuple):
    """A prompt as a sequence takes it."""

    tokens: Sequence[int]
    params: GenerationParams


class BatchRun:
    """One batch, from its first prompt to its last."""

    def __init__(
        self,
        jobs: Sequence[BatchJob],
        sequences: Sequence[Generator],
        lockstep: Lockstep | None,
        cancelled: Callable[[], bool],
    ) -> None:
        """Answer `jobs` with `sequences`, which compute in `lockstep`; None: there is one sequence."""
        self._jobs, self._sequences, self._lockstep, self._cancelled = jobs, sequences, lockstep, cancelled
        self._changed = threading.Condition()
        self._resting: set[int] = set()
        self._waiting = iter(range(len(jobs)))
        self._answers: dict[int, BatchAnswer] = {}
        self._defect: BaseException | None = None
        self._abandoned = False

    def answers(self) -> Iterator[BatchAnswer]:
        """Yield the answers in the order of the prompts; after a cancel those that were begun."""
        if self._lockstep is None:
            while (index := self._next()) is not None:
                yield self._answer(index, self._sequences[0])
            return
        threads = [
            threading.Thread(
                target=self._run_sequence, args=(number, sequence, self._lockstep), name=f"sequence-{number}"
            )
            for number, sequence in enumerate(self._sequences)
        ]
        for thread in threads:
            thread.start()
        try:
            n_yielded = 0
            while self._lockstep.step():
                while (answer := self._take(n_yielded)) is not None:
                    n_yielded += 1
                    yield answer
        finally:
            self._abandon()
            self._lockstep.close()
            for thread in threads:
                thread.join()
        if self._defect is not None:
            raise self._defect
        yield from (self._answers[index] for index in sorted(self._answers))

    def _run_sequence(self, number: int, sequence: Generator, lockstep: Lockstep) -> None:
        lockstep.enter(number)
        try:
            index = self._next()
            while index is not None:
                answer = self._answer(index, sequence)
                with self._changed:
                    self._answers[index] = answer
                index = self._next_of_wave(number, lockstep)
        except BaseException as error:  # the border of the thread: raised again by the one that takes the answers
            self._defect = self._defect or error
            self._abandon()
        finally:
            lockstep.leave()

    def _next(self) -> int | None:
        """Return the next prompt's index; None: no more are begun."""
        with self._changed:
            return None if self._ends() else next(self._waiting, None)

    def _next_of_wave(self, number: int, lockstep: Lockstep) -> int | None:
        """Return the next prompt's index once enough sequences have ended theirs; None: no more are begun."""
        with self._changed:
            self._resting.add(number)
            if len(self._resting) >= round(WAVE_SHARE * len(self._sequences)) or self._ends():
                for resting in self._resting:
                    lockstep.rejoin(resting)
                self._resting.clear()
                self._changed.notify_all()
            else:
                lockstep.leave()
                while number in self._resting and not self._ends():
                    self._changed.wait()
        return self._next()

    def _take(self, index: int) -> BatchAnswer | None:
        with self._changed:
            return self._answers.pop(index, None)

    def _abandon(self) -> None:
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def _ends(self) -> bool:
        return self._abandoned or self._cancelled()

    def _answer(self, index: int, sequence: Generator) -> BatchAnswer:
        """Answer a prompt as if it were the first: what another prompt left in the context is not used."""
        tokens, params = self._jobs[index]
        text: list[str] = []
        n_generated = 0
        finish_reason: FinishReason | None = None
        error: OffloadError | None = None
        try:
            sequence.forget()
            for token in sequence.generate(tokens, params, cancelled=self._ends):
                text.append(token.text)
                n_generated += token.id >= 0
                finish_reason = token.finish_reason
        except OffloadError as failure:
            error = failure
        return BatchAnswer(index, "".join(text), finish_reason, len(tokens), n_generated, error)
