"""From the wish for a model to it being open, or to a notice why not."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from fakes.engine_log import QUESTION, WAIT_MS, EngineLog, watched
from fakes.scripted_worker import (
    Step,
    die,
    expect,
    expect_next,
    failed,
    hello,
    loaded,
    loads,
    say,
    tokens,
    tokens_until_stop,
)
from fakes.scripted_worker import done as answer_done
from offload.protocol import EngineConfig, Load
from offload_app.engine_client import EngineClient
from offload_app.engine_state import EngineState
from offload_app.load_guard import LoadGuard
from offload_app.model_control import ModelControl
from offload_app.notice import Choice, Notice, Subject

UNLOADED = say({"type": "unloaded", "id": "$id"})


class Told:
    """The notices that hold, and everything else a control told."""

    def __init__(self, control: ModelControl) -> None:
        self.notices: dict[Subject, Notice] = {}
        self.opened: list[str] = []
        control.notice.connect(lambda notice: self.notices.__setitem__(notice.subject, notice))
        control.cleared.connect(lambda subject: self.notices.pop(subject, None))
        control.opened.connect(self.opened.append)


@contextmanager
def controlled(
    tmp_path: Path, *steps: Step | Sequence[Step], config: EngineConfig | None = None
) -> Iterator[tuple[ModelControl, EngineClient, Told, EngineLog]]:
    """Yield the control of a worker that does `steps`."""
    guard = LoadGuard(tmp_path)
    with watched(*steps, guard=guard) as (engine, log):
        control = ModelControl(engine, guard, lambda _: config or EngineConfig())
        yield control, engine, Told(control), log


def wait(qtbot: QtBot, engine: EngineClient, state: EngineState) -> None:
    qtbot.waitUntil(lambda: engine.state is state, timeout=WAIT_MS)


def loads_sent(engine: EngineClient) -> Any:
    assert engine.model_load is not None
    return engine.model_load.model, engine.model_load.config.memory


def test_at_the_start_the_worker_is_started_and_the_model_opened(qtbot: QtBot, tmp_path: Path) -> None:
    with controlled(tmp_path, hello(), loads(), config=EngineConfig(memory="6G")) as (control, engine, told, _):
        control.begin(None)
        wait(qtbot, engine, EngineState.LOADED)
        assert loads_sent(engine) == (None, "6G")
        assert told.opened == [""]
        assert told.notices == {}
        assert control.status.description == "a scripted model"


def test_the_last_wish_wins(qtbot: QtBot, tmp_path: Path) -> None:
    with controlled(tmp_path, hello(), expect_next("load"), loaded()) as (control, engine, told, log):
        control.begin(None)
        control.open("/a.gguf")
        control.open("/b.gguf")
        wait(qtbot, engine, EngineState.LOADED)
        assert told.opened == ["/b.gguf"]
        assert log.all("failed") == []


def test_a_wish_while_an_answer_runs_stops_it_first(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (hello(), loads(), expect("generate"), tokens_until_stop("x "), answer_done("cancelled"), loads())
    with controlled(tmp_path, *steps) as (control, engine, told, log):
        control.begin(None)
        wait(qtbot, engine, EngineState.LOADED)
        engine.generate(QUESTION)
        qtbot.waitUntil(lambda: bool(log.text), timeout=WAIT_MS)
        control.open("/b.gguf")
        qtbot.waitUntil(lambda: told.opened == ["", "/b.gguf"], timeout=WAIT_MS)


def test_a_refused_model_is_told_in_words(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (hello(), expect("load"), failed("ModelFileError", "The file is cut off.", "Download it again."))
    with controlled(tmp_path, *steps) as (control, engine, told, _):
        control.open("/models/cut.gguf")
        qtbot.waitUntil(lambda: Subject.MODEL in told.notices, timeout=WAIT_MS)
        assert told.notices[Subject.MODEL].text == "cut.gguf was not loaded: The file is cut off. Download it again."
        assert engine.state is EngineState.READY


def test_after_a_refusal_the_demo_model_can_be_used(qtbot: QtBot, tmp_path: Path) -> None:
    with controlled(tmp_path, hello(), expect("load"), failed(), loads()) as (control, engine, told, _):
        control.open("/models/cut.gguf")
        qtbot.waitUntil(lambda: Subject.MODEL in told.notices, timeout=WAIT_MS)
        control.choose(Subject.MODEL, Choice.USE_DEMO)
        wait(qtbot, engine, EngineState.LOADED)
        assert told.opened == [""]
        assert told.notices == {}


def test_a_long_load_shows_how_far_it_is_and_can_be_cancelled(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (
        hello(),
        expect("load"),
        say({"type": "loading", "id": "$id", "fraction": 0.5}),
        expect("stop"),
        failed("CancelledError", "Stopped."),
    )
    with controlled(tmp_path, *steps) as (control, engine, told, _):
        control.open("/big.gguf")
        qtbot.waitUntil(lambda: Subject.MODEL in told.notices, timeout=WAIT_MS)
        assert told.notices[Subject.MODEL].fraction == 0.5
        control.choose(Subject.MODEL, Choice.CANCEL)
        wait(qtbot, engine, EngineState.READY)
        assert told.notices == {}
        assert told.opened == []


def test_a_death_is_told_and_leaves_no_wish(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (hello(), loads(), expect("generate"), tokens("one "), die(signal.SIGKILL))
    with controlled(tmp_path, *steps) as (control, engine, told, log):
        control.begin(None)
        wait(qtbot, engine, EngineState.LOADED)
        engine.generate(QUESTION)
        qtbot.waitUntil(lambda: Subject.WORKER in told.notices, timeout=WAIT_MS)
        notice = told.notices[Subject.WORKER]
        assert "memory ran out" in notice.text
        assert notice.choices == (Choice.SMALLER_BUDGET, Choice.RESTART)
        assert engine.state is EngineState.DEAD
        assert log.names.count("hello") == 1


def test_a_restart_opens_the_same_model_again(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (hello(), loads(), expect("unload"), die(signal.SIGSEGV))
    with controlled(tmp_path, *steps) as (control, engine, told, _):
        control.open("/m.gguf")
        wait(qtbot, engine, EngineState.LOADED)
        control.unload()
        qtbot.waitUntil(lambda: Subject.WORKER in told.notices, timeout=WAIT_MS)
        control.choose(Subject.WORKER, Choice.RESTART)
        wait(qtbot, engine, EngineState.LOADED)
        assert told.opened == ["/m.gguf", "/m.gguf"]
        assert told.notices == {}


def test_a_smaller_budget_is_three_quarters_of_the_one_in_use(qtbot: QtBot, tmp_path: Path) -> None:
    event = dict(loaded()["event"], plan={"total_bytes": 4 << 30})
    steps = (hello(), expect("load"), say(event), expect("unload"), die(signal.SIGKILL))
    with controlled(tmp_path, *steps) as (control, engine, told, _):
        control.open("/m.gguf")
        wait(qtbot, engine, EngineState.LOADED)
        control.unload()
        qtbot.waitUntil(lambda: Subject.WORKER in told.notices, timeout=WAIT_MS)
        control.choose(Subject.WORKER, Choice.SMALLER_BUDGET)
        wait(qtbot, engine, EngineState.LOADED)
        assert loads_sent(engine) == ("/m.gguf", "3072M")


def test_a_model_that_crashed_is_not_loaded_again_by_itself(qtbot: QtBot, tmp_path: Path) -> None:
    LoadGuard(tmp_path).begin(Load(1, "/m.gguf"))
    with controlled(tmp_path, hello(), loads()) as (control, engine, told, _):
        control.begin("/m.gguf")
        qtbot.waitUntil(lambda: Subject.MODEL in told.notices, timeout=WAIT_MS)
        assert engine.state is EngineState.READY
        control.choose(Subject.MODEL, Choice.LOAD_ANYWAY)
        wait(qtbot, engine, EngineState.LOADED)
        assert told.opened == ["/m.gguf"]


def test_a_restart_after_a_crash_while_loading_asks_first(qtbot: QtBot, tmp_path: Path) -> None:
    with controlled(tmp_path, hello(), expect("load"), die(signal.SIGKILL)) as (control, engine, told, _):
        control.open("/m.gguf")
        qtbot.waitUntil(lambda: Subject.WORKER in told.notices, timeout=WAIT_MS)
        control.choose(Subject.WORKER, Choice.RESTART)
        qtbot.waitUntil(lambda: Subject.MODEL in told.notices, timeout=WAIT_MS)
        assert engine.state is EngineState.READY
        assert Choice.LOAD_ANYWAY in told.notices[Subject.MODEL].choices


def test_a_crash_of_one_model_does_not_keep_another_from_being_loaded(qtbot: QtBot, tmp_path: Path) -> None:
    LoadGuard(tmp_path).begin(Load(1, "/m.gguf"))
    with controlled(tmp_path, hello(), loads()) as (control, engine, _, _log):
        control.begin(None)
        wait(qtbot, engine, EngineState.LOADED)


def test_a_silent_worker_can_be_ended(qtbot: QtBot, tmp_path: Path) -> None:
    with controlled(tmp_path, hello(), loads()) as (control, engine, told, _):
        control.begin(None)
        wait(qtbot, engine, EngineState.LOADED)
        engine.unresponsive.emit(10.0)
        assert Subject.PATIENCE in told.notices
        control.choose(Subject.PATIENCE, Choice.END_WORKER)
        qtbot.waitUntil(lambda: Subject.WORKER in told.notices, timeout=WAIT_MS)
        assert Subject.PATIENCE not in told.notices


@pytest.mark.parametrize("state", ["not started", "ready"])
def test_unloading_nothing_does_nothing(qtbot: QtBot, tmp_path: Path, state: str) -> None:
    with controlled(tmp_path, hello()) as (control, engine, _, _log):
        if state == "ready":
            engine.start()
            wait(qtbot, engine, EngineState.READY)
        assert not control.can_unload
        before = engine.state
        control.unload()
        assert engine.state is before


def test_a_model_can_be_unloaded_and_loaded_again(qtbot: QtBot, tmp_path: Path) -> None:
    with controlled(tmp_path, hello(), loads(), expect("unload"), UNLOADED, loads()) as (control, engine, told, _):
        control.open("/m.gguf")
        wait(qtbot, engine, EngineState.LOADED)
        control.unload()
        wait(qtbot, engine, EngineState.READY)
        control.reload()
        wait(qtbot, engine, EngineState.LOADED)
        assert told.opened == ["/m.gguf", "/m.gguf"]
