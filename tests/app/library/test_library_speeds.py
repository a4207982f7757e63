"""The library's predicted speeds: after the plan, and without them the plan stays as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from fakes.scripted_models import serves_models
from fakes.scripted_worker import Step, expect, failed, hello, worker
from offload.protocol import EngineConfig
from offload_app.library.folder_watch import FolderWatch
from offload_app.library.library import Library
from offload_app.library.library_client import LibraryClient

WAIT_MS = 20000


@contextmanager
def library(*predictor: Step) -> Iterator[Library]:
    above = QObject()
    served = worker(hello(), serves_models())
    asker, packer = (LibraryClient(served, parent=above) for _ in range(2))
    parts = Library(
        asker,
        packer,
        FolderWatch(parent=above),
        above,
        predictor=LibraryClient(worker(hello(), *predictor), parent=above),
    )
    try:
        yield parts
    finally:
        parts.close()
        above.deleteLater()


def speeds(parts: Library) -> list[float]:
    outline = parts.outlook.outline if parts.outlook is not None else None
    return [point.tokens_per_second for point in outline.points] if outline is not None else []


def test_the_plan_is_there_before_its_speeds(qtbot: QtBot) -> None:
    seen: list[list[float]] = []
    with library(serves_models(speed=2.0)) as parts:
        parts.outlook_changed.connect(lambda: seen.append(speeds(parts)))
        parts.plan("/a.gguf", EngineConfig())
        qtbot.waitUntil(lambda: speeds(parts) == [2.0, 4.0, 6.0], timeout=WAIT_MS)
    assert seen == [[], [0.0, 0.0, 0.0], [2.0, 4.0, 6.0]]


def test_a_plan_without_speeds_stays_as_it_is(qtbot: QtBot, tmp_path: Path) -> None:
    with library(expect("plan"), failed("OffloadError", "Nothing was predicted.")) as parts:
        assert parts._predictor is not None
        with qtbot.waitSignal(parts._predictor.refused, timeout=WAIT_MS):
            parts.plan("/a.gguf", EngineConfig())
        assert speeds(parts) == [0.0, 0.0, 0.0]
        assert parts.outlook is not None
        assert parts.outlook.refusal is None


def test_speeds_of_a_model_that_is_not_chosen_any_more_are_not_shown(qtbot: QtBot) -> None:
    with library(serves_models(speed=2.0)) as parts:
        for name in ("/a.gguf", "/b.gguf"):
            parts.plan(name, EngineConfig())
            qtbot.waitUntil(lambda: bool(speeds(parts)), timeout=WAIT_MS)
        qtbot.waitUntil(lambda: speeds(parts) == [2.0, 4.0, 6.0], timeout=WAIT_MS)
        assert parts.outlook is not None
        assert parts.outlook.key == "/b.gguf"


def test_planned_again_the_speeds_stay_until_there_are_new_ones(qtbot: QtBot) -> None:
    seen: list[list[float]] = []
    with library(serves_models(speed=2.0)) as parts:
        parts.plan("/a.gguf", EngineConfig())
        qtbot.waitUntil(lambda: speeds(parts) == [2.0, 4.0, 6.0], timeout=WAIT_MS)
        parts.outlook_changed.connect(lambda: seen.append(speeds(parts)))
        parts.plan("/a.gguf", EngineConfig())
        qtbot.waitUntil(lambda: len(seen) == 3, timeout=WAIT_MS)
    assert seen == [[2.0, 4.0, 6.0]] * 3


def test_speeds_of_another_context_are_not_taken_over(qtbot: QtBot) -> None:
    seen: list[list[float]] = []
    with library(serves_models(speed=2.0)) as parts:
        parts.plan("/a.gguf", EngineConfig())
        qtbot.waitUntil(lambda: speeds(parts) == [2.0, 4.0, 6.0], timeout=WAIT_MS)
        parts.outlook_changed.connect(lambda: seen.append(speeds(parts)))
        parts.plan("/a.gguf", EngineConfig(n_ctx=8192))
        qtbot.waitUntil(lambda: len(seen) == 3, timeout=WAIT_MS)
    assert seen[1:] == [[0.0, 0.0, 0.0], [2.0, 4.0, 6.0]]
