"""Reader threads: which task runs next, what can be dropped, and how tasks end."""

import threading

import pytest

from fakes.step_loader import StepLoader
from fakes.tiny_experts import LONGEST_WAIT_SECONDS
from offload.experts.loader import Loader, Outcome, Task, Urgency

DEMAND, NEXT, AHEAD = Urgency.DEMAND, Urgency.NEXT, Urgency.AHEAD


class Log:
    """Makes tasks that write down that they ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.outcomes: list[Outcome] = []
        self._ended = threading.Condition()

    def task(self, name: str, urgency: Urgency) -> Task:
        def work() -> int:
            self.ran.append(name)
            return len(name)

        return Task(work, self.done, urgency)

    def done(self, outcome: Outcome) -> None:
        with self._ended:
            self.outcomes.append(outcome)
            self._ended.notify_all()

    def await_outcomes(self, n: int) -> None:
        with self._ended:
            assert self._ended.wait_for(lambda: len(self.outcomes) >= n, LONGEST_WAIT_SECONDS)


def test_the_most_urgent_runs_first_and_equals_in_order() -> None:
    loader, log = StepLoader(), Log()
    loader.submit(log.task("ahead", AHEAD), log.task("next", NEXT), log.task("a", DEMAND), log.task("b", DEMAND))
    loader.drain()
    assert log.ran == ["a", "b", "next", "ahead"]


def test_a_hurried_task_overtakes_and_runs_once() -> None:
    loader, log = StepLoader(), Log()
    late = log.task("late", AHEAD)
    loader.submit(log.task("first", AHEAD), late)
    loader.hurry(late, DEMAND)
    loader.drain()
    assert log.ran == ["late", "first"]


def test_hurrying_never_slows_a_task_down() -> None:
    loader, log = StepLoader(), Log()
    task = log.task("demanded", DEMAND)
    loader.submit(task, log.task("next", NEXT))
    loader.hurry(task, AHEAD)
    loader.drain()
    assert log.ran == ["demanded", "next"]


def test_a_task_hurried_before_it_is_submitted_runs_once() -> None:
    loader, log = StepLoader(), Log()
    task = log.task("task", AHEAD)
    loader.hurry(task, DEMAND)
    loader.submit(task)
    loader.drain()
    assert log.ran == ["task"]


def test_a_cancelled_task_neither_runs_nor_reports() -> None:
    loader, log = StepLoader(), Log()
    task = log.task("dropped", DEMAND)
    loader.submit(task, log.task("kept", DEMAND))
    assert loader.cancel(task)
    loader.drain()
    assert log.ran == ["kept"]
    assert len(log.outcomes) == 1


def test_tasks_are_cancelled_all_or_none() -> None:
    loader, log = StepLoader(), Log()
    begun, queued = log.task("begun", DEMAND), log.task("queued", DEMAND)
    loader.submit(begun, queued)
    loader.start()
    assert not loader.cancel(queued, begun)
    loader.drain()
    assert log.ran == ["begun", "queued"]


def test_hurrying_a_cancelled_task_does_not_bring_it_back() -> None:
    loader, log = StepLoader(), Log()
    task = log.task("task", AHEAD)
    loader.submit(task)
    loader.cancel(task)
    loader.hurry(task, DEMAND)
    assert loader.queued == []


def test_the_outcome_tells_bytes_and_time() -> None:
    loader, log = StepLoader(), Log()
    loader.submit(log.task("eight by", DEMAND))
    loader.drain()
    (outcome,) = log.outcomes
    assert (outcome.n_bytes, outcome.error) == (8, None)
    assert outcome.seconds >= 0


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_an_error_is_reported_and_the_thread_goes_on(error: BaseException) -> None:
    log = Log()

    def fail() -> int:
        raise error

    loader = Loader(1)
    loader.submit(Task(fail, log.done, DEMAND), log.task("after", NEXT))
    log.await_outcomes(2)
    loader.close()
    assert log.outcomes[0] == (0, log.outcomes[0].seconds, error)
    assert log.ran == ["after"]


def test_as_many_tasks_run_at_once_as_there_are_threads() -> None:
    log, meeting = Log(), threading.Barrier(3)

    def meet() -> int:
        meeting.wait(LONGEST_WAIT_SECONDS)
        return 0

    loader = Loader(3)
    loader.submit(*[Task(meet, log.done, DEMAND) for _ in range(3)])
    log.await_outcomes(3)
    loader.close()
    assert [outcome.error for outcome in log.outcomes] == [None] * 3


def test_closing_waits_for_running_tasks_and_drops_the_rest() -> None:
    log, begun, gate = Log(), threading.Event(), threading.Event()

    def wait() -> int:
        begun.set()
        gate.wait(LONGEST_WAIT_SECONDS)
        return 5

    loader = Loader(1)
    loader.submit(Task(wait, log.done, DEMAND), log.task("dropped", DEMAND))
    assert begun.wait(LONGEST_WAIT_SECONDS)
    closing = threading.Thread(target=loader.close)
    closing.start()
    assert not log.outcomes
    gate.set()
    closing.join(LONGEST_WAIT_SECONDS)
    assert ([outcome.n_bytes for outcome in log.outcomes], log.ran) == ([5], [])


def test_a_closed_loader_takes_no_tasks_and_closes_again() -> None:
    loader, log = Loader(1), Log()
    loader.close()
    loader.submit(log.task("late", DEMAND))
    loader.close()
    assert log.ran == []
