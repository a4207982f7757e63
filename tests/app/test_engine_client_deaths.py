"""The engine client when the worker dies: what is told, what is kept, and how it goes on."""

import os
import signal
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fakes.engine_log import QUESTION, WAIT_MS, ask, await_death, load, shut_down, start, watched
from fakes.scripted_worker import (
    answers,
    complain,
    die,
    done,
    expect,
    hang,
    hello,
    leave,
    loads,
    pause,
    raw,
    say,
    tokens,
    worker,
)
from offload_app.crash_note import crash_note
from offload_app.engine_client import EngineClient
from offload_app.engine_state import EngineState, Patience
from offload_app.load_guard import InterruptedLoad, LoadGuard
from offload_app.worker_death import Activity, CrashKind, Death, DeathCause

KILL = die(signal.SIGKILL)


def test_a_worker_that_dies_at_its_start_is_told_with_its_last_words(qtbot: QtBot) -> None:
    with watched(complain("no module named numpy\n"), leave(1)) as (client, log):
        client.start()
        await_death(qtbot, client)
    death: Death = log.one("died")
    assert death.activity is Activity.STARTING
    assert (death.end.cause, death.end.code, death.load) == (DeathCause.ENDED, 1, None)
    assert death.end.last_words == ("no module named numpy",)


def test_a_program_that_is_not_there_is_a_death_that_can_be_told(qtbot: QtBot) -> None:
    with watched(command=["/no/such/program"]) as (client, log):
        client.start()
        await_death(qtbot, client)
    assert "could not be started" in crash_note(log.one("died")).happened


def test_a_worker_that_is_silent_at_its_start_is_ended(qtbot: QtBot) -> None:
    with watched(hang(), patience=Patience(hello_seconds=0.05)) as (client, log):
        client.start()
        await_death(qtbot, client)
    assert log.one("died").end.cause is DeathCause.SILENT


def test_a_death_in_a_load_names_the_model_and_leaves_it_guarded(qtbot: QtBot, tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    loading = say({"type": "loading", "id": "$id", "fraction": 0.25})
    with watched(hello(), expect("load"), loading, die(signal.SIGABRT), guard=guard) as (client, log):
        start(qtbot, client)
        request_id = client.load("/models/big.gguf")
        await_death(qtbot, client)
    death: Death = log.one("died")
    assert (death.activity, death.request_id, death.end.kind) == (Activity.LOADING, request_id, CrashKind.ASSERTION)
    assert death.load is not None
    assert death.load.model == "/models/big.gguf"
    assert guard.interrupted() == InterruptedLoad("/models/big.gguf", "auto")
    assert guard.forbids("/models/big.gguf")


@pytest.mark.parametrize("code", [0, 1])
def test_a_worker_that_leaves_in_a_load_without_being_asked_leaves_it_guarded(
    qtbot: QtBot, tmp_path: Path, code: int
) -> None:
    guard = LoadGuard(tmp_path)
    with watched(hello(), expect("load"), leave(code), guard=guard) as (client, _):
        start(qtbot, client)
        client.load("/m.gguf")
        await_death(qtbot, client)
    assert guard.forbids("/m.gguf")


def test_a_death_in_an_answer_leaves_the_model_unguarded(qtbot: QtBot, tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    with watched(hello(), loads(), expect("generate"), KILL, guard=guard) as (client, _):
        load(qtbot, client)
        client.generate(QUESTION)
        await_death(qtbot, client)
    assert guard.interrupted() is None


def test_a_worker_killed_twenty_times_in_mid_answer_loses_no_text_and_starts_again(qtbot: QtBot) -> None:
    texts = tuple(f"word{i} " for i in range(300))
    cut = b'{"type":"token","id":2,"token":7,"te'
    command = worker(hello(), loads(), expect("generate"), tokens(*texts), raw(cut), KILL)
    with watched(command=command) as (client, log):
        client.start()
        for round_number in range(1, 21):
            qtbot.waitUntil(lambda: client.state is EngineState.READY, timeout=WAIT_MS)
            with qtbot.waitSignal(client.loaded, timeout=WAIT_MS):
                client.load("/models/big.gguf")
            request_id = client.generate(QUESTION)
            await_death(qtbot, client)
            death: Death = log.all("died")[-1]
            assert (death.activity, death.request_id) == (Activity.GENERATING, request_id)
            assert death.end.kind is CrashKind.OUT_OF_MEMORY
            assert death.partial_text == "".join(texts)
            assert log.text == "".join(texts) * round_number
            assert log.names[-2:] == ["tokens", "died"]
            client.restart()
    assert log.names.count("died") == 20


def test_a_worker_that_is_killed_from_outside_keeps_what_was_shown(qtbot: QtBot) -> None:
    report_pid = 'import os; print(\'{"type":"hello","protocol":1,"version":"%d"}\' % os.getpid(), flush=True); input()'
    command = [worker()[0], "-I", "-S", "-c", report_pid]
    with watched(command=command) as (client, log):
        start(qtbot, client)
        os.kill(int(log.one("hello").version), signal.SIGKILL)
        await_death(qtbot, client)
    death: Death = log.one("died")
    assert (death.activity, death.request_id, death.partial_text) == (Activity.IDLE, None, "")


def test_a_death_after_an_answer_carries_no_text_of_it(qtbot: QtBot) -> None:
    with watched(hello(), loads(), answers("all of it"), KILL) as (client, log):
        load(qtbot, client)
        ask(qtbot, client)
        await_death(qtbot, client)
    death: Death = log.one("died")
    assert (death.activity, death.partial_text) == (Activity.IDLE, "")
    assert death.load is not None


def test_an_answer_that_was_complete_before_the_death_is_done(qtbot: QtBot) -> None:
    with watched(hello(), loads(), expect("generate"), tokens("a", "b"), done(), KILL) as (client, log):
        load(qtbot, client)
        client.generate(QUESTION)
        await_death(qtbot, client)
    assert [name for name in log.names if name in ("done", "died")] == ["done", "died"]
    assert log.text == "ab"


def test_a_last_event_without_its_newline_counts(qtbot: QtBot) -> None:
    last = b'{"type":"token","id":2,"token":7,"text":"last","index":0}'
    with watched(hello(), loads(), expect("generate"), raw(last), KILL) as (client, log):
        load(qtbot, client)
        client.generate(QUESTION)
        await_death(qtbot, client)
    assert log.one("died").partial_text == "last"


def test_a_worker_that_does_not_answer_is_ended_when_asked_and_its_text_kept(qtbot: QtBot) -> None:
    with watched(hello(), loads(), expect("generate"), tokens("so far"), hang()) as (client, log):
        load(qtbot, client)
        client.generate(QUESTION)
        qtbot.waitUntil(lambda: bool(log.all("tokens")), timeout=WAIT_MS)
        client.kill()
        await_death(qtbot, client)
    death: Death = log.one("died")
    assert (death.end.cause, death.partial_text) == (DeathCause.KILLED, "so far")


def test_a_worker_may_be_started_again_from_within_the_news_of_its_death(qtbot: QtBot) -> None:
    with watched(hello(), loads(), KILL) as (client, log):
        client.died.connect(lambda _: client.restart())
        client.start()
        for _ in range(3):
            qtbot.waitUntil(lambda: client.state is EngineState.READY, timeout=WAIT_MS)
            client.load()
            qtbot.waitUntil(lambda: client.state is not EngineState.LOADING, timeout=WAIT_MS)
            qtbot.waitUntil(lambda: client.state is EngineState.READY, timeout=WAIT_MS)
        assert log.names[:8] == ["hello", "loading", "loaded", "died"] * 2


def test_what_belongs_to_a_dead_worker_is_not_owed_by_the_next(qtbot: QtBot) -> None:
    with watched(hello(), expect("load"), pause(0.1), leave(1)) as (client, _):
        start(qtbot, client)
        client.load()
        assert client.request_stats()
        await_death(qtbot, client)
        client.restart()
        qtbot.waitUntil(lambda: client.state is EngineState.READY, timeout=WAIT_MS)
        assert client.model_load is None
        assert client.request_stats()


def test_a_worker_that_ignores_a_shutdown_is_killed_and_that_is_no_death(qtbot: QtBot) -> None:
    with watched(hello(), hang(), patience=Patience(shutdown_seconds=0.05)) as (client, log):
        start(qtbot, client)
        shut_down(qtbot, client)
        assert client.state is EngineState.NOT_RUNNING
    assert log.all("died") == []


def test_a_shutdown_in_mid_answer_gives_the_rest_of_the_text_before_its_end(qtbot: QtBot) -> None:
    script = (hello(), *loads(), expect("generate"), tokens("a"), expect("shutdown"), tokens("b", "c"), leave(0))
    with watched(script) as (client, log):
        load(qtbot, client)
        client.generate(QUESTION)
        shut_down(qtbot, client)
        client.shutdown()
    assert log.text == "abc"
    assert log.names[-3:] == ["tokens", "shut_down", "shut_down"]


def test_a_shutdown_in_a_load_leaves_no_model_guarded(qtbot: QtBot, tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    with watched(hello(), expect("load"), expect("shutdown"), leave(0), guard=guard) as (client, _):
        start(qtbot, client)
        client.load("/m.gguf")
        client.shutdown()
        client.shutdown()
        qtbot.waitUntil(lambda: client.state is EngineState.NOT_RUNNING, timeout=WAIT_MS)
    assert guard.interrupted() is None


def test_a_load_that_had_to_be_killed_stays_guarded(qtbot: QtBot, tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    with watched(hello(), expect("load"), hang(), guard=guard, patience=Patience(shutdown_seconds=0.05)) as (client, _):
        start(qtbot, client)
        client.load("/m.gguf")
        shut_down(qtbot, client)
    assert guard.forbids("/m.gguf")


@pytest.mark.parametrize("is_started", [False, True])
def test_close_ends_the_worker_and_tells_nobody(qtbot: QtBot, is_started: bool) -> None:
    with watched(hello(), loads(), expect("generate"), tokens("a", "b"), hang()) as (client, log):
        if is_started:
            load(qtbot, client)
            client.generate(QUESTION)
            qtbot.waitUntil(lambda: bool(log.all("tokens")), timeout=WAIT_MS)
        before = list(log.entries)
        client.close()
        client.close()
        assert client.state is EngineState.NOT_RUNNING
        assert log.entries == before


def test_the_default_command_is_the_worker_of_this_program() -> None:
    client = EngineClient()
    assert client.state is EngineState.NOT_RUNNING
    client.close()
