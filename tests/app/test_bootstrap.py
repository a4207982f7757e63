"""The whole application, as a person meets it: first run, an answer, a death, a second start, the end."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from fakes.application import application
from fakes.engine_log import WAIT_MS
from fakes.scripted_worker import answers, die, expect, hello, loads, tokens, tokens_until_stop, worker
from offload.protocol import Load
from offload_app.bootstrap import Application
from offload_app.conversation import MessageState
from offload_app.engine_state import EngineState
from offload_app.load_guard import LoadGuard
from offload_app.notice import Subject
from offload_app.places import Places


def type_text(parts: Application, text: str) -> None:
    """Type into what has the focus, and send."""
    for letter in text:
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClicks(focus, letter)
    QTest.keyClick(QApplication.focusWidget() or parts.window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def ready(qtbot: QtBot, parts: Application) -> None:
    qtbot.waitUntil(lambda: parts.engine.state is EngineState.LOADED, timeout=WAIT_MS)
    parts.window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is parts.window)


def subjects(parts: Application) -> list[Subject]:
    return [notice.subject for notice in parts.window.notices.notices]


def press_button(parts: Application, name: str) -> None:
    (button,) = [each for each in parts.window.notices.findChildren(QPushButton) if each.text() == name]
    button.click()


def test_at_the_first_start_the_demo_model_is_asked_and_answers(qtbot: QtBot, tmp_path: Path) -> None:
    with application(tmp_path, hello(), loads(), answers("Once upon ", "a time.")) as parts:
        assert parts.window.isVisible()
        ready(qtbot, parts)
        assert parts.engine.model_load is not None
        assert parts.engine.model_load.model is None
        type_text(parts, "Tell me a story")
        qtbot.waitUntil(lambda: parts.session.last_answer is not None, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: not parts.session.is_answering, timeout=WAIT_MS)
        question, answer = parts.session.conversation.messages
        assert question.text == "Tell me a story"
        assert answer.text == "Once upon a time."
        assert subjects(parts) == []


def test_a_death_is_told_its_text_kept_and_the_worker_restarted(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (hello(), loads(), expect("generate"), tokens("Once ", "upon "), die(signal.SIGKILL))
    with application(tmp_path, *steps) as parts:
        ready(qtbot, parts)
        type_text(parts, "Tell me a story")
        qtbot.waitUntil(lambda: Subject.WORKER in subjects(parts), timeout=WAIT_MS)
        assert parts.session.conversation.messages[-1].text == "Once upon "
        press_button(parts, "Restart")
        qtbot.waitUntil(lambda: parts.engine.state is EngineState.LOADED, timeout=WAIT_MS)
        assert subjects(parts) == []
        assert parts.session.conversation.messages[-1].text == "Once upon "


def test_the_model_that_was_open_is_opened_again(qtbot: QtBot, tmp_path: Path) -> None:
    with application(tmp_path, hello(), loads(), model="/models/m.gguf") as parts:
        ready(qtbot, parts)
    with application(tmp_path, hello(), loads()) as parts:
        ready(qtbot, parts)
        assert parts.engine.model_load is not None
        assert parts.engine.model_load.model == "/models/m.gguf"


def test_a_model_that_crashed_the_last_time_is_asked_about(qtbot: QtBot, tmp_path: Path) -> None:
    LoadGuard(Places.below(tmp_path).state).begin(Load(1))
    with application(tmp_path, hello(), loads()) as parts:
        qtbot.waitUntil(lambda: Subject.MODEL in subjects(parts), timeout=WAIT_MS)
        press_button(parts, "Load anyway")
        qtbot.waitUntil(lambda: parts.engine.state is EngineState.LOADED, timeout=WAIT_MS)


def test_damaged_settings_are_told_and_everything_works(qtbot: QtBot, tmp_path: Path) -> None:
    places = Places.below(tmp_path)
    places.config.mkdir(parents=True)
    places.settings.write_text("{damaged", encoding="utf-8")
    with application(tmp_path, hello(), loads()) as parts:
        assert subjects(parts) == [Subject.SETTINGS]
        press_button(parts, "Dismiss")
        assert subjects(parts) == []
        ready(qtbot, parts)


def test_damaged_conversations_are_told_and_everything_works(qtbot: QtBot, tmp_path: Path) -> None:
    places = Places.below(tmp_path)
    places.data.mkdir(parents=True)
    places.conversations.write_bytes(b"no database" * 1000)
    with application(tmp_path, hello(), loads(), answers("Hi.")) as parts:
        qtbot.waitUntil(lambda: Subject.STORE in subjects(parts), timeout=WAIT_MS)
        ready(qtbot, parts)
        type_text(parts, "hi")
        qtbot.waitUntil(lambda: parts.session.last_answer is not None, timeout=WAIT_MS)


def test_what_nobody_foresaw_is_shown_and_nothing_is_lost(qtbot: QtBot, tmp_path: Path) -> None:
    with application(tmp_path, hello(), loads()) as parts:
        ready(qtbot, parts)
        error = RuntimeError("slot 7 has no arena")
        parts.unexpected.report(type(error), error, None)
        qtbot.waitUntil(lambda: Subject.DEFECT in subjects(parts))
        assert parts.engine.state is EngineState.LOADED


def test_quitting_in_the_middle_of_an_answer_keeps_what_had_come(qtbot: QtBot, tmp_path: Path) -> None:
    with application(tmp_path, hello(), loads(), expect("generate"), tokens_until_stop("word ")) as parts:
        ready(qtbot, parts)
        type_text(parts, "Talk")
        qtbot.waitUntil(lambda: "word" in parts.session.conversation.messages[-1].text, timeout=WAIT_MS)
        with qtbot.waitSignal(parts.shutdown.done, timeout=WAIT_MS):
            parts.window.close()
        assert not parts.window.isVisible()
        assert parts.engine.state is EngineState.NOT_RUNNING
        id = parts.session.conversation.id
    with application(tmp_path, hello(), loads()) as parts:
        kept = parts.store.submit(lambda store: store.load(id)).result()
        assert kept.messages[-1].text.startswith("word word")
        assert kept.messages[-1].state is not MessageState.COMPLETE


def test_place_and_panes_of_the_window_are_kept(qtbot: QtBot, tmp_path: Path) -> None:
    with application(tmp_path, hello(), loads()) as parts:
        parts.window.resize(760, 520)
        parts.window.close()
    with application(tmp_path, hello(), loads()) as parts:
        assert (parts.window.width(), parts.window.height()) == (760, 520)


_RUN = """
import sys, json
from pathlib import Path
from offload_app.bootstrap import Surroundings, main
from offload_app.places import Places
surroundings = Surroundings(Places.below(Path(sys.argv[1])), tuple(json.loads(sys.argv[2])))
sys.exit(main(sys.argv[3:], surroundings))
"""
_TOUCHING = """
import os, sys
open(sys.argv[1], "w").close()
os.execv(sys.argv[2], sys.argv[2:])
"""


_LOOKING = """
import gc, json, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from offload_app.bootstrap import Surroundings, main, qt_application
from offload_app.places import Places
qt = qt_application()
def look():
    print(json.dumps([gc.get_freeze_count() > 10_000, qt.windowIcon().isNull()]))
    qt.exit(0)
QTimer.singleShot(0, look)
sys.exit(main([], Surroundings(Places.below(Path(sys.argv[1])), tuple(json.loads(sys.argv[2])))))
"""


def started(folder: Path, command: Sequence[str], *arguments: str) -> "subprocess.Popen[str]":
    line = [sys.executable, "-c", _RUN, str(folder), json.dumps(list(command)), *arguments]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_asked_to_end_ends_cleanly(qtbot: QtBot, tmp_path: Path, number: signal.Signals) -> None:
    started_worker = tmp_path / "started"
    touching = (sys.executable, "-c", _TOUCHING, str(started_worker), *worker(hello(), loads()))
    with started(tmp_path, touching) as process:
        # A signal before the handlers are there would simply end it.
        qtbot.waitUntil(started_worker.exists, timeout=WAIT_MS)
        process.send_signal(number)
        out, err = process.communicate(timeout=WAIT_MS / 1000)
    assert process.returncode == 0, err
    assert (out, _words(err)) == ("", [])
    assert Places.below(tmp_path).settings.exists()


def test_a_start_has_an_icon_and_leaves_its_objects_to_no_collector(tmp_path: Path) -> None:
    line = [sys.executable, "-c", _LOOKING, str(tmp_path), json.dumps(list(worker(hello())))]
    run = subprocess.run(line, capture_output=True, text=True, check=True, timeout=WAIT_MS / 1000)
    assert (json.loads(run.stdout), _words(run.stderr)) == ([True, False], [])


def test_a_second_start_brings_the_first_forward_and_ends(qtbot: QtBot, tmp_path: Path) -> None:
    with application(tmp_path, hello(), loads()) as parts:
        ready(qtbot, parts)
        with started(tmp_path, worker(hello()), "/models/other.gguf") as second:
            over = threading.Thread(target=second.wait)
            over.start()
            qtbot.waitUntil(lambda: not over.is_alive(), timeout=WAIT_MS)
            assert [_words(text) for text in second.communicate()] == [[], []]
        assert second.returncode == 0
        assert parts.engine.model_load is not None
        assert parts.engine.model_load.model == "/models/other.gguf"


def _words(text: str) -> list[str]:
    return [line for line in text.splitlines() if "This plugin does not support" not in line]
