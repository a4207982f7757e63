"""The engine client's stream: text exact and at a bearable rate, stray events, polls."""

import itertools
import time

from pytestqt.qtbot import QtBot

from fakes.engine_log import QUESTION, WAIT_MS, ask, load, start, watched
from fakes.scripted_worker import (
    answers,
    done,
    expect,
    failed,
    hang,
    hello,
    loaded,
    loads,
    pause,
    raw,
    say,
    tokens,
    tokens_until_stop,
)
from offload_app.engine_client import UPDATES_PER_SECOND
from offload_app.engine_state import EngineState, Patience

UNLOADED = say({"type": "unloaded", "id": "$id"})
STRAY: list[dict[str, object]] = [
    {"type": "hello", "protocol": 1, "version": "again"},
    {"type": "loading", "id": 1, "fraction": 0.9},
    {"type": "unloaded", "id": 2},
    {"type": "token", "id": 99, "token": 1, "text": "of nobody", "index": 0},
    {"type": "token", "id": 1, "token": 1, "text": "of a load", "index": 0},
    {"type": "done", "id": 99, "finish_reason": "stop", "stats": {}},
    {"type": "done", "id": 1, "finish_reason": "stop", "stats": {}},
    {"type": "stats", "id": 98, "loaded": True, "stats": {}},
    {"type": "error", "id": 99, "error": {"type": "X", "message": "m"}},
    {"type": "error", "id": None, "error": {"type": "X", "message": "m"}},
]


def test_events_of_no_request_that_runs_change_nothing(qtbot: QtBot) -> None:
    strays = [say(event) for event in STRAY]
    script = (
        hello(),
        *loads(),
        expect("generate"),
        tokens("a"),
        *strays,
        loaded(),
        tokens("b"),
        done(),
        *strays,
        UNLOADED,
    )
    with watched(script, answers("c")) as (client, log):
        load(qtbot, client)
        ask(qtbot, client)
        ask(qtbot, client)
    assert log.text == "abc"
    assert [name for name in log.names if name != "tokens"] == ["hello", "loading", "loaded", "done", "done"]


def test_text_is_exact_however_it_is_cut_into_tokens(qtbot: QtBot) -> None:
    texts = ["", "a", "\n", " ", "\U0001f600", "é", "</s>", "\u2028", "\x00", "\\", '"', ""]
    with watched(hello(), loads(), answers(*texts)) as (client, log):
        load(qtbot, client)
        ask(qtbot, client)
        assert client.answer_text == "".join(texts)
    assert log.text == "".join(texts)
    assert sum(piece.n_tokens for piece in log.all("tokens")) == len(texts)


def test_text_is_shown_at_most_twenty_times_a_second(qtbot: QtBot) -> None:
    times: list[float] = []
    script = (hello(), *loads(), expect("generate"), tokens_until_stop("x"), done("cancelled"))
    with watched(script) as (client, log):
        client.tokens.connect(lambda _: times.append(time.perf_counter()))
        load(qtbot, client)
        client.generate(QUESTION)
        qtbot.waitUntil(lambda: len(times) == 8, timeout=WAIT_MS)
        client.stop()
        qtbot.waitUntil(lambda: bool(log.all("done")), timeout=WAIT_MS)
    assert log.text == client.answer_text
    # Qt's coarse timers may come a twentieth early.
    assert min(b - a for a, b in itertools.pairwise(times[:8])) >= 0.94 / UPDATES_PER_SECOND


def test_a_huge_stream_is_exact_and_the_event_loop_goes_on(qtbot: QtBot) -> None:
    line = b'{"type":"token","id":2,"token":7,"text":"word ","index":0}\n'
    n_polled = 0
    with watched(hello(), loads(), expect("generate"), raw(line, 20000), done()) as (client, log):
        load(qtbot, client)
        assert client.generate(QUESTION) == 2
        while not log.all("done"):
            n_polled += client.state is EngineState.GENERATING
            qtbot.wait(1)
    assert log.text == "word " * 20000
    # 20,000 lines are decoded in half a second and more, in turns of 8 ms.
    assert n_polled > 10


def test_one_poll_is_unanswered_at_a_time(qtbot: QtBot) -> None:
    with watched(hello(), pause(0.1), loads()) as (client, log):
        start(qtbot, client)
        assert client.request_stats(residency=True)
        assert not client.request_stats()
        client.load()
        qtbot.waitUntil(lambda: "stats" in log.names, timeout=WAIT_MS)
        assert log.one("stats").residency == ("0123",)
        assert client.request_stats()


def test_polls_are_answered_while_text_is_generated(qtbot: QtBot) -> None:
    with watched(hello(), loads(), expect("generate"), tokens_until_stop("x")) as (client, _log):
        load(qtbot, client)
        client.generate(QUESTION)
        for _ in range(3):
            with qtbot.waitSignal(client.stats, timeout=WAIT_MS):
                assert client.request_stats()
        assert client.state is EngineState.GENERATING


def test_a_poll_that_fails_is_no_failure_and_the_next_one_is_asked(qtbot: QtBot) -> None:
    refused = failed("UsageError")
    with watched(hello(), expect("load"), say({**refused["event"], "id": 2}), loaded(), expect("unload")) as (
        client,
        log,
    ):
        start(qtbot, client)
        client.load()
        assert client.request_stats()
        qtbot.waitUntil(lambda: "loaded" in log.names, timeout=WAIT_MS)
        assert client.request_stats()
    assert log.all("failed") == []


def test_a_poll_that_is_never_answered_is_told_and_asked_again(qtbot: QtBot) -> None:
    with watched(hello(), hang(), patience=Patience(poll_seconds=0.05)) as (client, log):
        start(qtbot, client)
        assert client.request_stats()
        qtbot.waitUntil(client.request_stats, timeout=WAIT_MS)
        assert log.one("unresponsive") >= 0.05
        assert client.state is EngineState.READY


def test_a_stop_that_is_not_followed_is_told(qtbot: QtBot) -> None:
    with watched(hello(), loads(), hang(), patience=Patience(stop_seconds=0.05)) as (client, log):
        load(qtbot, client)
        client.generate(QUESTION)
        client.stop()
        qtbot.waitUntil(lambda: "unresponsive" in log.names, timeout=WAIT_MS)
        assert client.state is EngineState.STOPPING
