"""The worker as another process: real pipes, real signals, the fake engine."""

import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.offload_with_fake_engine import COMMAND, environment
from offload.config import FinishReason
from offload.errors import WorkerDiedError
from offload.protocol import Done, Generate, Load, Loaded, Shutdown, StatsEvent, StatsRequest, Stop, TokenEvent
from offload.protocol_lines import Event
from offload.worker_client import WorkerClient

WORKER = (*COMMAND, "worker")
HELLO = """print('{"type":"hello","protocol":1,"version":"0"}', flush=True)\n"""


def worker() -> WorkerClient:
    return WorkerClient(WORKER, environment=environment())


def script(text: str) -> WorkerClient:
    """Return a client whose worker is a few lines of Python."""
    return WorkerClient([sys.executable, "-c", text])


def until(events: Iterator[Event], kind: type) -> Any:
    return next(event for event in events if isinstance(event, kind))


def test_a_model_is_loaded_asked_looked_at_and_stopped() -> None:
    with worker() as client:
        events = client.events()
        client.request(Load(1, "m.gguf"))
        assert until(events, Loaded).model == "m.gguf"
        client.request(Generate(2, prompt="endless"))
        assert until(events, TokenEvent).text == "on "
        client.request(StatsRequest(3))
        assert until(events, StatsEvent).loaded
        client.request(Stop(2))
        assert until(events, Done).finish_reason is FinishReason.CANCELLED


def test_a_shutdown_request_is_no_death() -> None:
    client = worker()
    client.start()
    client.request(Load(1))
    client.request(Shutdown())
    assert not [event for event in client.events() if isinstance(event, Done)]
    client.close()


def test_a_worker_that_is_killed_is_told_with_its_signal() -> None:
    with worker() as client:
        client.request(Load(1))
        client.request(Generate(2, prompt="crash"))
        with pytest.raises(WorkerDiedError, match="killed by SIGKILL") as caught:
            list(client.events())
        assert caught.value.exit_code == 9
        assert caught.value.numbers["worker_exit_code"] == -signal.SIGKILL


def test_the_last_words_of_a_dead_worker_are_in_the_error() -> None:
    with script(HELLO + "import sys; print('first', file=sys.stderr); sys.exit('no such instruction')") as client:
        with pytest.raises(WorkerDiedError, match=r"exit code 1.*no such instruction") as caught:
            list(client.events())
        assert caught.value.numbers["stderr"] == "first\nno such instruction"


def test_asking_a_dead_worker_is_an_error_too() -> None:
    with script(HELLO) as client:
        with pytest.raises(WorkerDiedError):
            list(client.events())
        with pytest.raises(WorkerDiedError):
            client.request(Load(1))


def test_a_worker_of_another_protocol_is_refused() -> None:
    client = script("""print('{"type":"hello","protocol":2,"version":"9"}', flush=True)""")
    with pytest.raises(WorkerDiedError, match="version 1 of the protocol"):
        client.start()


def test_a_worker_that_cannot_be_started_is_told() -> None:
    with pytest.raises(WorkerDiedError, match="could not be started"):
        WorkerClient(["/no/such/program"]).start()


def test_words_that_are_no_events_end_the_worker() -> None:
    with (
        script(HELLO + "print('hello?', flush=True); input()") as client,
        pytest.raises(WorkerDiedError, match="event"),
    ):
        list(client.events())


def test_a_client_that_was_never_started_cannot_be_asked() -> None:
    with pytest.raises(WorkerDiedError, match="not running"):
        WorkerClient().request(Load(1))


def test_closing_ends_a_worker_that_is_busy_and_unread() -> None:
    client = worker()
    client.start()
    client.request(Load(1))
    client.request(Generate(2, prompt="many 100000"))
    client.close()
    client.close()
    with pytest.raises(WorkerDiedError, match="not running"):
        next(client.events())
