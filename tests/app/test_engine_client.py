"""The engine client: asked, stopped, asked again; what it tells, and the guard."""

from pathlib import Path

from pytestqt.qtbot import QtBot

from fakes.engine_log import QUESTION, WAIT_MS, ask, load, shut_down, start, watched
from fakes.scripted_worker import (
    answers,
    done,
    expect,
    expect_next,
    failed,
    hello,
    loaded,
    loads,
    pause,
    raw,
    say,
    tokens,
    tokens_until_stop,
    worker,
)
from offload.protocol import EngineConfig, FinishReason, GenerationParams, Message, Role
from offload_app.engine_state import EngineState, Failure
from offload_app.load_guard import InterruptedLoad, LoadGuard
from offload_app.worker_death import Activity

UNLOADED = say({"type": "unloaded", "id": "$id"})


def test_a_model_is_loaded_asked_asked_again_and_unloaded(qtbot: QtBot) -> None:
    script = (hello(), *loads(), *answers("Once ", "upon"), *answers("a ", "time"), expect("unload"), UNLOADED)
    with watched(script) as (client, log):
        load(qtbot, client)
        first = ask(qtbot, client)
        assert client.answer_text == "Once upon"
        second = ask(qtbot, client)
        assert client.answer_text == "a time"
        with qtbot.waitSignal(client.unloaded, timeout=WAIT_MS):
            client.unload()
        shut_down(qtbot, client)
        assert client.state is EngineState.NOT_RUNNING
    assert [name for name in log.names if name != "tokens"] == [
        "hello", "loading", "loaded", "done", "done", "unloaded", "shut_down"
    ]  # fmt: skip
    assert {piece.id: 0 for piece in log.all("tokens")} == {first: 0, second: 0}
    assert log.all("done")[0].finish_reason is FinishReason.STOP


def test_what_is_asked_arrives_as_it_was_given(qtbot: QtBot) -> None:
    messages = (Message(Role.SYSTEM, "Be “kind”\n"), Message(Role.USER, "ÿ \U0001f600"))
    script = (hello(), expect("load"), raw(b""), loaded("/m ä.gguf"), expect("generate"), tokens("ok"), done())
    with watched(script) as (client, log):
        start(qtbot, client)
        with qtbot.waitSignal(client.loaded, timeout=WAIT_MS):
            client.load("/m ä.gguf", EngineConfig(memory="2G", n_threads=1))
        assert client.model_load is not None
        assert client.model_load.config.memory == "2G"
        with qtbot.waitSignal(client.done, timeout=WAIT_MS):
            client.generate(messages, GenerationParams(seed=3, stop=("\n",)))
    assert log.one("loaded").model == "/m ä.gguf"


def test_an_answer_is_stopped_and_the_next_one_asked_for(qtbot: QtBot) -> None:
    script = (hello(), *loads(), expect("generate"), tokens_until_stop("on "), done("cancelled"), *answers("again"))
    with watched(script) as (client, log):
        load(qtbot, client)
        client.generate(QUESTION)
        qtbot.waitUntil(lambda: bool(log.all("tokens")), timeout=WAIT_MS)
        client.stop()
        client.stop()
        assert client.state is EngineState.STOPPING
        with qtbot.waitSignal(client.done, timeout=WAIT_MS):
            pass
        assert log.one("done").finish_reason is FinishReason.CANCELLED
        ask(qtbot, client)
        assert client.answer_text == "again"


def test_a_load_that_is_stopped_leaves_no_model(qtbot: QtBot) -> None:
    script = (hello(), expect("load"), expect_next("stop"), failed("CancelledError", "The load was stopped."))
    with watched(script) as (client, log):
        start(qtbot, client)
        client.load()
        client.stop()
        with qtbot.waitSignal(client.failed, timeout=WAIT_MS):
            pass
        assert client.state is EngineState.READY
        assert client.model_load is None
    assert log.one("failed").was_stopped


def test_a_stop_that_comes_too_late_for_a_load_leaves_the_model_open(qtbot: QtBot) -> None:
    with watched(hello(), expect("load"), expect_next("stop"), loaded()) as (client, _):
        start(qtbot, client)
        client.load()
        client.stop()
        with qtbot.waitSignal(client.loaded, timeout=WAIT_MS):
            pass
        assert client.state is EngineState.LOADED


def test_a_load_that_fails_is_told_with_its_report(qtbot: QtBot) -> None:
    with watched(hello(), expect("load"), failed("BudgetError", "1 GiB is too little.", "Give 2.")) as (client, log):
        start(qtbot, client)
        request_id = client.load("/m.gguf")
        with qtbot.waitSignal(client.failed, timeout=WAIT_MS):
            pass
        assert client.state is EngineState.READY
    failure: Failure = log.one("failed")
    assert (failure.id, failure.activity) == (request_id, Activity.LOADING)
    assert (failure.report.type, failure.report.hint) == ("BudgetError", "Give 2.")
    assert not failure.was_stopped


def test_a_generation_that_fails_leaves_the_model_open_and_its_text_shown(qtbot: QtBot) -> None:
    script = (hello(), *loads(), expect("generate"), tokens("a", "b", "c"), failed("DecodeError"), *answers("ok"))
    with watched(script) as (client, log):
        load(qtbot, client)
        with qtbot.waitSignal(client.failed, timeout=WAIT_MS):
            client.generate(QUESTION)
        assert log.text == "abc"
        assert log.names[-1] == "failed"
        ask(qtbot, client)
        assert log.text == "abcok"


def test_a_second_load_takes_the_place_of_the_first(qtbot: QtBot) -> None:
    with watched(hello(), loads("/a.gguf"), loads("/b.gguf")) as (client, log):
        load(qtbot, client)
        with qtbot.waitSignal(client.loaded, timeout=WAIT_MS):
            client.load("/b.gguf")
        assert client.model_load is not None
        assert client.model_load.model == "/b.gguf"
    assert [event.model for event in log.all("loaded")] == ["/a.gguf", "/b.gguf"]


def test_the_guard_names_a_model_while_it_is_loaded_and_not_after(qtbot: QtBot, tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    with watched(hello(), expect("load"), expect("stop"), loaded(), guard=guard) as (client, _):
        start(qtbot, client)
        client.load("/m.gguf", EngineConfig(memory="1G"))
        assert guard.interrupted() == InterruptedLoad("/m.gguf", "1G")
        client.stop()
        qtbot.waitUntil(lambda: client.state is EngineState.LOADED, timeout=WAIT_MS)
        assert guard.interrupted() is None


def test_the_guard_names_no_model_whose_load_ended_in_an_error(qtbot: QtBot, tmp_path: Path) -> None:
    guard = LoadGuard(tmp_path)
    with watched(hello(), expect("load"), failed(), guard=guard) as (client, _):
        start(qtbot, client)
        with qtbot.waitSignal(client.failed, timeout=WAIT_MS):
            client.load("/m.gguf")
        assert guard.interrupted() is None


def test_a_long_question_is_sent_whole_without_waiting(qtbot: QtBot) -> None:
    question = (Message(Role.USER, "word " * 400_000),)
    with watched(hello(), loads(), pause(0.1), answers("ok")) as (client, log):
        load(qtbot, client)
        with qtbot.waitSignal(client.done, timeout=WAIT_MS):
            client.generate(question)
    assert log.text == "ok"


def test_the_next_thing_may_be_asked_from_within_a_signal(qtbot: QtBot) -> None:
    with watched(hello(), loads(), answers("a"), answers("b"), expect("unload"), UNLOADED) as (client, log):
        client.hello.connect(lambda _: client.load())
        client.loaded.connect(lambda _: client.generate(QUESTION))
        client.done.connect(lambda _: client.generate(QUESTION) if log.text == "a" else client.unload())
        client.unloaded.connect(client.shutdown)
        with qtbot.waitSignal(client.shut_down, timeout=WAIT_MS):
            client.start()
    assert log.text == "ab"


def test_a_client_without_a_worker_is_shut_down_at_once(qtbot: QtBot) -> None:
    with watched(hello()) as (client, log):
        client.shutdown()
        assert log.names == ["shut_down"]


def test_a_worker_that_was_shut_down_can_be_started_again(qtbot: QtBot) -> None:
    with watched(command=worker(hello(), loads())) as (client, log):
        for _ in range(2):
            load(qtbot, client)
            shut_down(qtbot, client)
    assert log.names == ["hello", "loading", "loaded", "shut_down"] * 2
