"""Settings on disk: read whatever lies there, written whole."""

import json
import os
from pathlib import Path

import pytest

from offload_app.settings import Settings, ThemeChoice
from offload_app.settings_file import SettingsFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "app.json"


def test_without_a_file_settings_are_those_of_a_first_start(path: Path) -> None:
    assert SettingsFile(path).read() == (Settings(), "")


def test_settings_are_kept(path: Path) -> None:
    assert SettingsFile(path).write(Settings(budget="6G")) == ""
    assert SettingsFile(path).read() == (Settings(budget="6G"), "")


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"{", b"[1]", b'{"theme":"pink"}', b'{"x":1}', b"\0" * 4096])
def test_whatever_lies_there_settings_are_read(path: Path, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    settings, trouble = SettingsFile(path).read()
    assert settings == Settings()
    assert trouble


def test_a_folder_in_the_file_s_place_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    settings, trouble = SettingsFile(path).read()
    assert settings == Settings()
    assert str(path) in trouble


def test_damage_is_told_once_and_kept_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"theme": "dark", "threads": "many"}))
    settings, trouble = SettingsFile(path).read()
    assert settings == Settings(theme=ThemeChoice.DARK)
    assert "threads" in trouble
    assert "theme" not in trouble.partition("(")[2].partition(")")[0]
    assert "many" in path.with_suffix(".damaged.json").read_text()
    assert SettingsFile(path).read() == (settings, "")


def test_a_write_that_fails_leaves_the_old_settings(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SettingsFile(path)
    file.write(Settings(threads=1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    trouble = file.write(Settings(threads=2))
    assert "No space left on device" in trouble
    assert SettingsFile(path).read() == (Settings(threads=1), "")
