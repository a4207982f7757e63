"""Who is told of changed settings, and when they are kept."""

from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from offload_app.settings import Settings
from offload_app.settings_control import SettingsControl
from offload_app.settings_file import SettingsFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.json"


def test_a_change_is_told_and_kept(qtbot: QtBot, path: Path) -> None:
    control = SettingsControl(SettingsFile(path))
    told: list[Any] = []
    control.changed.connect(lambda before, now: told.append((before, now)))
    control.change(threads=2, budget="4G")
    now = Settings(threads=2, budget="4G")
    assert told == [(Settings(), now)]
    assert SettingsControl(SettingsFile(path)).current == now


def test_the_same_again_is_no_change(qtbot: QtBot, path: Path) -> None:
    control = SettingsControl(SettingsFile(path))
    told: list[Any] = []
    control.changed.connect(lambda before, now: told.append(now))
    control.change(threads=0)
    assert told == []
    assert not path.exists()


def test_what_cannot_be_kept_holds_and_is_told_once(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    control = SettingsControl(SettingsFile(tmp_path / "file" / "app.json"))
    told: list[str] = []
    control.not_kept.connect(told.append)
    control.change(threads=2)
    control.change(threads=3)
    assert control.current.threads == 3
    assert len(told) == 1
