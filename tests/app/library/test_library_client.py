"""The library client: every request ends once, whatever becomes of the worker."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from fakes.scripted_models import inspected, packed, packing, planned
from fakes.scripted_worker import (
    Step,
    die,
    die_once,
    expect,
    expect_next,
    failed,
    hang,
    hello,
    leave,
    pause,
    say,
    worker,
)
from offload.protocol import EngineConfig
from offload.protocol_files import Inspect, Pack, PlanRequest
from offload_app.engine_state import Patience
from offload_app.library.library_client import IdleTimes, LibraryClient
from offload_app.library.request_queue import MOST_WAITING

WAIT_MS = 20000


class Told:
    """What a client told, in order: name of the signal, id of the request, and what came with it."""

    def __init__(self, client: LibraryClient) -> None:
        self.entries: list[tuple[str, int, Any]] = []
        for name in ("inspected", "planned", "packing", "packed", "refused", "cancelled"):
            getattr(client, name).connect(lambda *values, name=name: self._note(name, values))

    def _note(self, name: str, values: tuple[Any, ...]) -> None:
        self.entries.append((name, values[0].id, values[1] if len(values) > 1 else None))

    @property
    def names(self) -> list[tuple[str, int]]:
        return [(name, id) for name, id, _ in self.entries]

    def wait(self, qtbot: QtBot, n: int) -> None:
        qtbot.waitUntil(lambda: len(self.entries) >= n, timeout=WAIT_MS)
        assert len(self.entries) == n


@contextmanager
def asking(
    *steps: Step | Sequence[Step],
    command: Sequence[str] = (),
    times: IdleTimes | None = None,
    patience: Patience | None = None,
) -> Iterator[tuple[LibraryClient, Told]]:
    client = LibraryClient(command or worker(*steps), times=times, patience=patience)
    try:
        yield client, Told(client)
    finally:
        client.close()
        client.deleteLater()


def test_no_process_is_started_before_something_is_asked(qtbot: QtBot) -> None:
    with asking(hello()) as (client, _):
        assert not client.has_worker


def test_requests_are_sent_one_at_a_time_and_end_once(qtbot: QtBot) -> None:
    steps = (
        (expect_next("inspect"), inspected(path="/a.gguf"), inspected(path="/a.gguf")),
        (expect_next("plan"), planned(), expect_next("pack"), packing(0.5), packed()),
    )
    with asking(hello(), *steps) as (client, told):
        first = client.inspect("/a.gguf")
        second = client.plan("/a.gguf", EngineConfig())
        third = client.pack("/a.gguf")
        told.wait(qtbot, 4)
        assert told.names == [("inspected", first), ("planned", second), ("packing", third), ("packed", third)]
        assert told.entries[0][2].path == "/a.gguf"


def test_a_refusal_carries_the_request_and_the_reason(qtbot: QtBot) -> None:
    with asking(hello(), expect("inspect"), failed("ModelFileError", "Cut off.")) as (client, told):
        id = client.inspect("/cut.gguf")
        told.wait(qtbot, 1)
        assert told.names == [("refused", id)]
        assert told.entries[0][2].message == "Cut off."


def test_a_plan_that_waits_is_superseded_by_the_next(qtbot: QtBot) -> None:
    steps = (expect_next("inspect"), inspected(), expect_next("plan"), planned(n_ctx=8192), expect_next("inspect"))
    with asking(hello(), *steps, inspected()) as (client, told):
        first = client.inspect(None)
        for n_ctx in (2048, 4096, 8192):
            plan = client.plan(None, EngineConfig(n_ctx=n_ctx))
        last = client.inspect(None)
        told.wait(qtbot, 3)
        assert told.names == [("inspected", first), ("planned", plan), ("inspected", last)]


def test_a_plan_that_runs_is_superseded_and_its_answer_not_told(qtbot: QtBot) -> None:
    steps = (expect_next("plan"), expect_next("stop"), planned(n_ctx=2048), expect_next("plan"), planned(n_ctx=8192))
    with asking(hello(), *steps) as (client, told):
        old = client.plan(None, EngineConfig(n_ctx=2048))
        qtbot.waitUntil(lambda: isinstance(client.running, PlanRequest), timeout=WAIT_MS)
        new = client.plan(None, EngineConfig(n_ctx=8192))
        client.cancel(old)
        told.wait(qtbot, 1)
        assert told.names == [("planned", new)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_request_is_asked_once_more_where_the_worker_died(
    qtbot: QtBot, tmp_path: Path, number: signal.Signals
) -> None:
    with asking(hello(), expect("inspect"), die_once(tmp_path / "died", number), inspected()) as (client, told):
        id = client.inspect("/a.gguf")
        told.wait(qtbot, 1)
        assert told.names == [("inspected", id)]


def test_a_file_that_kills_the_worker_twice_is_named_and_others_go_on(qtbot: QtBot, tmp_path: Path) -> None:
    again = (expect("inspect"), inspected())
    twice = (die_once(tmp_path / "1", signal.SIGSEGV), die_once(tmp_path / "2", signal.SIGSEGV))
    with asking(hello(), expect("inspect"), *twice, inspected(), *again) as (client, told):
        bad = client.inspect("/models/bad.gguf")
        good = client.inspect("/models/good.gguf")
        told.wait(qtbot, 2)
        assert told.names == [("refused", bad), ("inspected", good)]
        assert "bad.gguf" in told.entries[0][2].message


def test_a_worker_that_dies_before_its_hello_is_tried_twice(qtbot: QtBot) -> None:
    with asking(die(signal.SIGKILL)) as (client, told):
        id = client.inspect("/a.gguf")
        told.wait(qtbot, 1)
        assert told.names == [("refused", id)]


def test_a_worker_that_cannot_be_started_refuses_at_once(qtbot: QtBot) -> None:
    with asking(command=("/no/such/program",)) as (client, told):
        ids = [client.inspect("/a.gguf"), client.pack("/a.gguf")]
        told.wait(qtbot, 2)
        assert told.names == [("refused", id) for id in ids]


def test_a_worker_that_never_answers_is_ended(qtbot: QtBot) -> None:
    times = IdleTimes(answer_seconds=0.2)
    with asking(hello(), expect("inspect"), hang(), times=times) as (client, told):
        id = client.inspect("/slow.gguf")
        told.wait(qtbot, 1)
        assert told.names == [("refused", id)]
        assert "slow.gguf" in told.entries[0][2].message


def test_one_too_many_is_refused_and_the_others_answered(qtbot: QtBot) -> None:
    with asking(hello(), [(expect_next("inspect"), inspected())[i % 2] for i in range(2 * MOST_WAITING)]) as (
        client,
        told,
    ):
        ids = [client.inspect("/a.gguf") for _ in range(MOST_WAITING)]
        over = client.inspect("/a.gguf")
        told.wait(qtbot, MOST_WAITING + 1)
        assert [entry for entry in told.names if entry[0] == "refused"] == [("refused", over)]
        assert [id for name, id in told.names if name == "inspected"] == ids


def test_an_idle_worker_ends_and_the_next_request_starts_another(qtbot: QtBot) -> None:
    times = IdleTimes(rest_seconds=0.05)
    with asking(hello(), expect("inspect"), inspected(), times=times) as (client, told):
        client.inspect("/a.gguf")
        told.wait(qtbot, 1)
        qtbot.waitUntil(lambda: not client.has_worker, timeout=WAIT_MS)
        client.inspect("/b.gguf")
        told.wait(qtbot, 2)
        assert [name for name, _ in told.names] == ["inspected", "inspected"]


def test_what_is_asked_while_an_idle_worker_ends_is_answered_by_the_next(qtbot: QtBot) -> None:
    times, slow_end = IdleTimes(rest_seconds=0.05), (expect("shutdown"), pause(0.2), leave(0))
    with asking(hello(), expect("inspect"), inspected(), *slow_end, times=times) as (client, told):
        client.inspect("/a.gguf")
        told.wait(qtbot, 1)
        qtbot.waitUntil(lambda: client.is_ending, timeout=WAIT_MS)
        client.inspect("/b.gguf")
        assert client.has_worker
        told.wait(qtbot, 2)
        assert told.names == [("inspected", 1), ("inspected", 2)]


def test_events_of_no_request_change_nothing(qtbot: QtBot) -> None:
    stray = [say({"type": "packing", "id": 77, "fraction": 0.5}), say({"type": "unloaded", "id": 1})]
    with asking(hello(), stray, expect("inspect"), packing(0.1), stray, inspected()) as (client, told):
        client.inspect("/a.gguf")
        told.wait(qtbot, 1)
        assert told.names == [("inspected", 1)]


def test_packing_is_stopped(qtbot: QtBot) -> None:
    steps = (expect("pack"), packing(0.25), expect("stop"), failed("CancelledError", "Stopped."))
    with asking(hello(), *steps) as (client, told):
        id = client.pack("/a.gguf")
        told.wait(qtbot, 1)
        client.cancel(id)
        told.wait(qtbot, 2)
        assert told.names == [("packing", id), ("cancelled", id)]


def test_what_waits_is_cancelled_without_being_sent(qtbot: QtBot) -> None:
    with asking(hello(), expect_next("inspect"), inspected(), expect_next("inspect"), inspected()) as (client, told):
        client.inspect("/a.gguf")
        waiting = client.pack("/a.gguf")
        client.inspect("/b.gguf")
        client.cancel(waiting)
        told.wait(qtbot, 3)
        assert told.names == [("cancelled", waiting), ("inspected", 1), ("inspected", 3)]


def test_a_name_that_is_no_text_is_refused_and_others_go_on(qtbot: QtBot) -> None:
    with asking(hello(), expect_next("inspect"), inspected()) as (client, told):
        bad = client.inspect("/models/\udcff.gguf")
        client.inspect("/models/good.gguf")
        told.wait(qtbot, 2)
        assert told.names == [("refused", bad), ("inspected", 2)]


def test_after_close_nothing_is_told_and_no_process_is_left(qtbot: QtBot) -> None:
    with asking(hello(), expect("pack"), packing(0.25), hang()) as (client, told):
        client.pack("/a.gguf")
        told.wait(qtbot, 1)
        client.close()
        client.inspect("/b.gguf")
        assert not client.has_worker
        assert client.n_waiting == 0
        assert len(told.entries) == 1


def test_a_shutdown_ends_the_worker_and_tells_nobody(qtbot: QtBot) -> None:
    with asking(hello(), expect("pack"), packing(0.25), expect("shutdown"), leave(0)) as (client, told):
        client.pack("/a.gguf")
        told.wait(qtbot, 1)
        client.shutdown()
        qtbot.waitUntil(lambda: not client.has_worker, timeout=WAIT_MS)
        assert len(told.entries) == 1


def test_requests_are_those_of_the_protocol(qtbot: QtBot) -> None:
    seen: list[object] = []
    with asking(hello(), expect("inspect"), inspected(), expect("pack"), packed()) as (client, told):
        for signal_ in (client.inspected, client.packed):
            signal_.connect(lambda request, _: seen.append(request))
        client.inspect("/a.gguf")
        client.pack("/a.gguf", force=True)
        told.wait(qtbot, 2)
        assert seen == [Inspect(1, "/a.gguf"), Pack(2, "/a.gguf", force=True)]
