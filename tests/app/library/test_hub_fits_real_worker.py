"""A model of the hub with the real worker: planned with by its header, then downloaded and loaded as it was chosen."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from fakes.application import application
from fakes.hub_server import FakeHub, running_hub
from fakes.measuring import FakeMeasuring
from fakes.tiny_architectures import TinyArchitecture
from fakes.tiny_models import build_tiny_model
from offload.config import EngineConfig
from offload.engine_speeds import outline_speeds
from offload_app.bootstrap import Application
from offload_app.engine_client import WORKER_COMMAND
from offload_app.engine_state import EngineState
from offload_app.library.download import DownloadState
from offload_app.notice import Choice, Subject
from offload_app.settings import Settings
from offload_app.settings_file import SettingsFile

WAIT_MS = 60000
REPO, NAME = "tiny/Tiny-GGUF", "tiny/Tiny-GGUF:Q4_K_M"
TRAILING = 4 << 20
"""Behind the model: more than any header."""


def test_a_model_is_planned_with_by_its_header_and_loaded_as_chosen(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    tiny = build_tiny_model(tmp_path / "tiny.gguf", TinyArchitecture.MIXTRAL)
    know_this_machine(tiny, folder, tmp_path / "cache", monkeypatch)
    data = tiny.read_bytes() + bytes(TRAILING)
    SettingsFile(tmp_path / "home" / "config" / "app.json").write(Settings(models_folder=str(folder)))
    with running_hub() as hub:
        hub.add(REPO, {"Tiny-Q4_K_M.gguf": data})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        with application(tmp_path / "home", command=WORKER_COMMAND, library=WORKER_COMMAND) as parts:
            qtbot.waitUntil(lambda: parts.engine.state is EngineState.LOADED, timeout=WAIT_MS)
            parts.window.show_finds()
            budget_bytes = plan(qtbot, parts, hub)
            assert 0 < hub.served_bytes < len(data) - TRAILING
            assert list(folder.iterdir()) == []
            get_and_load(qtbot, parts)
            assert parts.engine.model_load is not None
            assert parts.engine.model_load.config.memory == budget_bytes


def know_this_machine(model: Path, folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the machine known before, for the worker too: nothing needs to be measured, however busy it is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    outline_speeds(model, EngineConfig(), 1, folder=folder, measuring=FakeMeasuring())


def plan(qtbot: QtBot, parts: Application, hub: FakeHub) -> int:
    """Look the model up, ask how it will run, and return the budget that is chosen then."""
    page = parts.window.finds
    page.field.setText(NAME)
    assert hub.asked == []
    page.offer.button.click()
    qtbot.waitUntil(page.offer.fit.isVisible, timeout=WAIT_MS)
    assert hub.served_bytes == 0
    page.offer.fit.click()
    qtbot.waitUntil(page.offer.plan.isVisible, timeout=WAIT_MS)
    fit = parts.fits.of(NAME)
    assert fit is not None
    assert fit.outlook.outline is not None
    assert all(point.tokens_per_second > 0 for point in fit.outlook.outline.points)
    assert page.offer.plan.speed.isVisible()
    QTest.keyClick(page.offer.plan.slider, Qt.Key.Key_End)
    return fit.outlook.outline.points[-1].budget_bytes


def get_and_load(qtbot: QtBot, parts: Application) -> None:
    parts.window.finds.offer.button.click()
    qtbot.waitUntil(
        lambda: [download.state for download in parts.downloads.all] == [DownloadState.DONE], timeout=WAIT_MS
    )
    path = parts.downloads.all[0].path
    parts.window.notices.chosen.emit(Subject.DOWNLOAD, Choice.LOAD)
    qtbot.waitUntil(
        lambda: parts.model.status.model == path and parts.engine.state is EngineState.LOADED, timeout=WAIT_MS
    )
