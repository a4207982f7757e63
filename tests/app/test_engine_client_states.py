"""The engine client's states: which request each takes, and what is refused."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from fakes.engine_log import QUESTION, WAIT_MS, ask, await_death, load, shut_down, start, watched
from fakes.scripted_worker import (
    Step,
    answers,
    expect,
    expect_next,
    hang,
    hello,
    loads,
    say,
)
from offload.protocol import GenerationParams, Message, Role
from offload_app.engine_client import EngineClient
from offload_app.engine_state import EngineState, Refusal, RequestRefusedError

UNLOADED = say({"type": "unloaded", "id": "$id"})
REQUESTS: dict[str, Callable[[EngineClient], object]] = {
    "start": EngineClient.start,
    "restart": EngineClient.restart,
    "load": EngineClient.load,
    "generate": lambda client: client.generate(QUESTION),
    "stop": EngineClient.stop,
    "unload": EngineClient.unload,
    "kill": EngineClient.kill,
}
TAKEN_IN = {
    EngineState.NOT_RUNNING: {"start"},
    EngineState.STARTING: {"kill"},
    EngineState.READY: {"load", "kill"},
    EngineState.LOADING: {"stop", "kill"},
    EngineState.LOADED: {"load", "generate", "unload", "kill"},
    EngineState.GENERATING: {"stop", "kill"},
    EngineState.STOPPING: {"stop", "kill"},
    EngineState.UNLOADING: {"kill"},
    EngineState.SHUTTING_DOWN: {"kill"},
    EngineState.DEAD: {"restart"},
}


def bring_to(qtbot: QtBot, client: EngineClient, state: EngineState) -> None:
    """Bring a worker that answers nothing but `load` into `state`."""
    match state:
        case EngineState.NOT_RUNNING:
            pass
        case EngineState.STARTING:
            client.start()
        case EngineState.READY:
            start(qtbot, client)
        case EngineState.LOADING:
            start(qtbot, client)
            client.load()
        case EngineState.DEAD:
            start(qtbot, client)
            client.kill()
            await_death(qtbot, client)
        case _:
            load(qtbot, client)
            bring_on(client, state)
    assert client.state is state


def bring_on(client: EngineClient, state: EngineState) -> None:
    if state in (EngineState.GENERATING, EngineState.STOPPING):
        client.generate(QUESTION)
    if state is EngineState.STOPPING:
        client.stop()
    if state is EngineState.UNLOADING:
        client.unload()
    if state is EngineState.SHUTTING_DOWN:
        client.shutdown()


def script_to(state: EngineState) -> Sequence[Step]:
    """Return a script that ends with code 66 where anything is sent in `state`, but for a poll."""
    nothing_else = expect_next("stats")
    match state:
        case EngineState.STARTING | EngineState.SHUTTING_DOWN:
            return (hello(), *loads(), hang()) if state is EngineState.SHUTTING_DOWN else (hang(),)
        case EngineState.LOADING:
            return hello(), expect_next("load"), nothing_else
        case EngineState.READY:
            return hello(), nothing_else
        case EngineState.GENERATING:
            return hello(), *loads(), expect_next("generate"), nothing_else
        case EngineState.STOPPING:
            return hello(), *loads(), expect_next("generate"), expect_next("stop"), nothing_else
        case EngineState.UNLOADING:
            return hello(), *loads(), expect_next("unload"), nothing_else
        case _:
            return hello(), *loads(), nothing_else


@pytest.mark.parametrize("state", EngineState)
def test_a_request_in_a_state_that_does_not_take_it_raises_and_nothing_is_sent(
    qtbot: QtBot, state: EngineState
) -> None:
    with watched(script_to(state) if state is not EngineState.DEAD else (hello(), hang())) as (client, log):
        bring_to(qtbot, client, state)
        before = list(log.entries)
        for request in REQUESTS.keys() - TAKEN_IN[state]:
            with pytest.raises(RequestRefusedError) as caught:
                REQUESTS[request](client)
            assert (caught.value.request, caught.value.reason) == (request, Refusal.WRONG_STATE)
            assert caught.value.state is state
        assert client.state is state
        assert log.entries == before
        if client.request_stats():
            qtbot.waitUntil(lambda: bool(log.all("stats")), timeout=WAIT_MS)
        assert client.state is state


@pytest.mark.parametrize("state", [EngineState.NOT_RUNNING, EngineState.STARTING, EngineState.DEAD])
def test_a_poll_without_a_worker_to_ask_is_dropped(qtbot: QtBot, state: EngineState) -> None:
    with watched(hang() if state is EngineState.STARTING else hello()) as (client, _):
        bring_to(qtbot, client, state)
        assert not client.request_stats()


def test_a_conversation_that_is_too_long_for_a_line_is_refused(qtbot: QtBot) -> None:
    with watched(hello(), loads(), answers("ok")) as (client, _):
        load(qtbot, client)
        with pytest.raises(RequestRefusedError) as caught:
            client.generate((Message(Role.USER, "x" * (16 * 1024 * 1024)),))
        assert caught.value.reason is Refusal.TOO_LONG
        assert client.state is EngineState.LOADED
        ask(qtbot, client)


@pytest.mark.parametrize(
    ("messages", "params"), [((), GenerationParams()), (QUESTION, GenerationParams(temperature=float("nan")))]
)
def test_what_makes_no_request_is_refused(
    qtbot: QtBot, messages: tuple[Message, ...], params: GenerationParams
) -> None:
    with watched(hello(), loads(), answers("ok")) as (client, _):
        load(qtbot, client)
        with pytest.raises(RequestRefusedError) as caught:
            client.generate(messages, params)
        assert caught.value.reason is Refusal.NO_REQUEST
        ask(qtbot, client)


def test_every_state_on_the_way_is_told(qtbot: QtBot) -> None:
    states: list[Any] = []
    with watched(hello(), loads(), answers("a"), expect("unload"), UNLOADED) as (client, _):
        client.state_changed.connect(states.append)
        load(qtbot, client)
        ask(qtbot, client)
        with qtbot.waitSignal(client.unloaded, timeout=WAIT_MS):
            client.unload()
        shut_down(qtbot, client)
    assert [state.value for state in states] == [
        "starting", "ready", "loading", "loaded", "generating", "loaded", "unloading", "ready", "shutting_down",
        "not_running",
    ]  # fmt: skip
