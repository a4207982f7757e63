"""The queue of requests: what waits, what runs, and what is tried again."""

from offload.protocol import EngineConfig
from offload.protocol_files import Inspect, PlanRequest
from offload_app.library.request_queue import MOST_WAITING, RequestQueue


def plan(queue: RequestQueue) -> PlanRequest:
    return PlanRequest(queue.new_id(), "/m/a.gguf", EngineConfig())


def filled(n_requests: int) -> RequestQueue:
    """Return a queue of so many requests, whose ids count from 1."""
    queue = RequestQueue()
    for _ in range(n_requests):
        assert queue.add(Inspect(queue.new_id(), "/m/a.gguf"))
    return queue


def ids(queue: RequestQueue) -> list[int]:
    """Take out all that waits."""
    found = []
    while (request := queue.next()) is not None:
        found.append(request.id)
    return found


def test_what_waits_keeps_its_order() -> None:
    assert ids(filled(3)) == [1, 2, 3]


def test_no_more_wait_than_there_is_room_for() -> None:
    queue = filled(MOST_WAITING)
    assert not queue.add(Inspect(queue.new_id(), None))
    assert len(queue) == MOST_WAITING


def test_a_plan_that_waits_is_superseded() -> None:
    queue = filled(1)
    queue.add(plan(queue))
    queue.supersede_plans()
    queue.add(plan(queue))
    assert ids(queue) == [1, 3]


def test_nobody_wants_to_know_of_a_plan_that_ran_when_it_was_superseded() -> None:
    queue = RequestQueue()
    first, second = plan(queue), plan(queue)
    queue.begin(first)
    queue.supersede_plans()
    assert queue.running is first
    assert queue.end() is None
    queue.begin(second)
    assert queue.end() is second


def test_what_runs_is_told_apart_from_what_waits() -> None:
    queue = filled(2)
    first = queue.next()
    assert first is not None
    queue.begin(first)
    assert queue.withdraw(1) is None
    withdrawn = queue.withdraw(2)
    assert withdrawn is not None
    assert withdrawn.id == 2
    assert len(queue) == 0
    assert queue.running is first


def test_a_stop_is_of_the_request_that_ran_then() -> None:
    queue = filled(1)
    queue.begin(Inspect(1, None))
    queue.stop()
    assert queue.is_stopped
    queue.end()
    assert not queue.is_stopped


def test_a_request_is_retried_before_all_others_and_once() -> None:
    queue = filled(2)
    first = queue.next()
    assert first is not None
    assert queue.retry(first)
    assert queue.next() is first
    assert not queue.retry(first)
    assert ids(queue) == [2]
