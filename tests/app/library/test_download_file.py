"""The queue of downloads on disk."""

import json
import os
from pathlib import Path

import pytest

from offload_app.library.download import Download, DownloadState
from offload_app.library.download_file import DownloadFile

A = Download("u/größer:Q4_K_M", "/modelle/ä", "Größer", DownloadState.RUNNING, 5, 10)
B = Download("u/b", "/m", "B", DownloadState.PAUSED)
ENTRY = {"name": "u/r", "folder": "/m", "title": "R", "done_bytes": 1, "total_bytes": 2, "is_under_way": False}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "downloads.json"


def test_what_was_kept_is_there_again_and_rests(path: Path) -> None:
    assert DownloadFile(path).write([A, B])
    first, second = DownloadFile(path).read()
    assert (first.name, first.folder, first.title) == (A.name, A.folder, A.title)
    assert (first.state, first.done_bytes, first.total_bytes) == (DownloadState.PAUSED, 5, 10)
    assert first.was_interrupted
    assert second == B


def test_what_is_done_is_not_kept(path: Path) -> None:
    DownloadFile(path).write([Download("u/r", "/m", "R", DownloadState.DONE), B])
    assert [download.name for download in DownloadFile(path).read()] == ["u/b"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'{"downloads": 7}',
        b'{"downloads": {"a": 1}}',
        b'{"other": []}',
        b"[" * 100_000,
        b'{"downloads": [' + b"[" * 50_000,
        b'{"downloads": [null, 1, "x", {}]}',
    ],
)
def test_whatever_lies_there_is_read(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert DownloadFile(path).read() == ()


def test_a_folder_in_its_place_is_read_as_nothing(path: Path) -> None:
    path.mkdir(parents=True)
    assert DownloadFile(path).read() == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": 7},
        {"folder": None},
        {"title": ""},
        {"title": "x" * 5000},
        {"name": "u/\udcff"},
        {"folder": "/m\0"},
        {"done_bytes": -1},
        {"total_bytes": 1.5},
        {"total_bytes": 2**63},
        {"done_bytes": True},
    ],
)
def test_what_is_wrong_is_left_out_alone(path: Path, wrong: dict[str, object]) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"downloads": [{**ENTRY, **wrong}, {**ENTRY, "name": "u/good"}]}))
    assert [download.name for download in DownloadFile(path).read()] == ["u/good"]


def test_a_model_that_is_listed_twice_is_read_once(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"downloads": [ENTRY, {**ENTRY, "name": "U/R"}, {**ENTRY, "folder": "/other"}]}))
    assert [(download.name, download.folder) for download in DownloadFile(path).read()] == [
        ("u/r", "/m"),
        ("u/r", "/other"),
    ]


def test_more_than_all_has_never_come(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"downloads": [{**ENTRY, "done_bytes": 9}]}))
    assert DownloadFile(path).read()[0].done_bytes == 2


def test_a_write_that_fails_leaves_the_old_queue(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = DownloadFile(path)
    file.write([B])

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    assert not file.write([A, B])
    assert [download.name for download in file.read()] == ["u/b"]
