"""A model on its way with the real worker and a hub of one's own: searched, cut off, paused, gone on with, loaded."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from fakes import downloader
from fakes.application import application
from fakes.hub_server import FakeHub, Fault, PlannedFault, running_hub
from fakes.tiny_architectures import TinyArchitecture
from fakes.tiny_models import build_tiny_model
from offload_app.bootstrap import Application
from offload_app.engine_client import WORKER_COMMAND
from offload_app.engine_state import EngineState
from offload_app.library.download import DownloadState
from offload_app.library.download_file import DownloadFile
from offload_app.library.downloads import Downloads
from offload_app.library.find_page import FindPage
from offload_app.library.library_client import LibraryClient
from offload_app.notice import Choice, Subject
from offload_app.settings import Settings
from offload_app.settings_file import SettingsFile

WAIT_MS = 60000
REPO, NAME = "tiny/Tiny-GGUF", "tiny/Tiny-GGUF:Q4_K_M"
CUT_AT, HELD_AT = 20_000, 30_000


def test_a_model_is_searched_got_in_spite_of_everything_and_loaded(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = build_tiny_model(tmp_path / "tiny.gguf", TinyArchitecture.MIXTRAL).read_bytes()
    folder = tmp_path / "models"
    SettingsFile(tmp_path / "home" / "config" / "app.json").write(Settings(models_folder=str(folder)))
    with running_hub() as hub:
        hub.add(REPO, {"Tiny-Q4_K_M.gguf": data})
        hub.faults += [PlannedFault(Fault.CUT, CUT_AT), PlannedFault(Fault.HOLD, HELD_AT)]
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        with application(tmp_path / "home", command=WORKER_COMMAND, library=WORKER_COMMAND) as parts:
            qtbot.waitUntil(lambda: parts.engine.state is EngineState.LOADED, timeout=WAIT_MS)
            page = parts.window.finds
            parts.window.show_finds()
            search(qtbot, page, hub)
            look_up(qtbot, page)
            pause_in_the_middle(qtbot, parts, hub, folder)
            go_on(qtbot, parts, hub, len(data))
            (path,) = folder.rglob("*.gguf")
            assert path == folder / "tiny" / "Tiny-GGUF" / "Tiny-Q4_K_M.gguf"
            assert path.read_bytes() == data
            load(qtbot, parts, str(path))


def search(qtbot: QtBot, page: FindPage, hub: FakeHub) -> None:
    qtbot.waitUntil(lambda: len(page.list.rows.rows) > 5, timeout=WAIT_MS)
    page.field.setText("olmoe")
    assert ["OLMoE" in row.title for row in page.list.rows.rows] == [True]
    assert hub.asked == []


def look_up(qtbot: QtBot, page: FindPage) -> None:
    page.field.setText(NAME)
    page.offer.button.click()
    qtbot.waitUntil(lambda: page.offer.button.text() == "&Download", timeout=WAIT_MS)
    assert page.offer.reading.room.startswith("Download: ")


def pause_in_the_middle(qtbot: QtBot, parts: Application, hub: FakeHub, folder: Path) -> None:
    # The hub sends nothing more, so the stop is not heard: the worker is killed for it.
    parts.downloads._puller._stop_ms = 100
    parts.window.finds.offer.button.click()
    qtbot.waitUntil(lambda: hub.holding.is_set() and bool(parts.window.finds.downloads.cards), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: partial_bytes(folder) == CUT_AT + HELD_AT, timeout=WAIT_MS)
    (card,) = parts.window.finds.downloads.cards
    card.pause.click()
    qtbot.waitUntil(lambda: parts.downloads.all[0].state is DownloadState.PAUSED, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not parts.downloads._puller.has_worker, timeout=WAIT_MS)
    hub.release.set()


def partial_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.part"))


def go_on(qtbot: QtBot, parts: Application, hub: FakeHub, n_bytes: int) -> None:
    (card,) = parts.window.finds.downloads.cards
    card.resume.click()
    qtbot.waitUntil(lambda: parts.downloads.all[0].state is DownloadState.DONE, timeout=WAIT_MS)
    assert hub.ranges() == [None, f"bytes={CUT_AT}-", f"bytes={CUT_AT + HELD_AT}-"]
    assert parts.downloads.all[0].total_bytes == n_bytes


def load(qtbot: QtBot, parts: Application, path: str) -> None:
    assert [notice.subject for notice in parts.window.notices.notices] == [Subject.DOWNLOAD]
    parts.window.notices.chosen.emit(Subject.DOWNLOAD, Choice.LOAD)
    qtbot.waitUntil(
        lambda: parts.model.status.model == path and parts.engine.state is EngineState.LOADED, timeout=WAIT_MS
    )


def test_a_program_that_is_killed_in_the_middle_loses_nothing(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * 1000
    queue, folder = tmp_path / "downloads.json", tmp_path / "models"
    with running_hub() as hub:
        hub.add(REPO, {"Tiny-Q4_K_M.gguf": data})
        hub.faults.append(PlannedFault(Fault.HOLD, HELD_AT))
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        with subprocess.Popen([sys.executable, downloader.__file__, str(queue), str(folder), NAME]) as program:
            qtbot.waitUntil(lambda: partial_bytes(folder) == HELD_AT, timeout=WAIT_MS)
            program.kill()
        hub.release.set()
        # The worker it left behind ends by itself.
        qtbot.waitUntil(lambda: not list(folder.rglob("lock")), timeout=WAIT_MS)
        there = partial_bytes(folder)
        above = QObject()
        puller, scout = (LibraryClient(WORKER_COMMAND, parent=above) for _ in range(2))
        downloads = Downloads(puller, scout, DownloadFile(queue), above)
        try:
            assert [(d.name, d.state, d.was_interrupted) for d in downloads.all] == [(NAME, DownloadState.PAUSED, True)]
            with qtbot.waitSignal(downloads.finished, timeout=WAIT_MS):
                downloads.resume(downloads.all[0].key)
        finally:
            downloads.close()
            scout.close()
            above.deleteLater()
        assert Path(downloads.all[0].path).read_bytes() == data
        assert hub.ranges() == [None, f"bytes={there}-"]
        assert HELD_AT <= there < len(data)
