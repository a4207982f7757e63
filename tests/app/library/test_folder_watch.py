"""The folder watch: looks in a thread, never twice at once, and again when something changes."""

import queue
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from offload_app.library.folder_watch import FolderWatch
from offload_app.model_folder import FolderScan, scan_folder

WAIT_MS = 20000


class SlowDisk:
    """A scan that waits until it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate: queue.SimpleQueue[None] = queue.SimpleQueue()

    def __call__(self, folder: str, others: Iterable[str]) -> FolderScan:
        self.asked.append(folder)
        self.gate.get(timeout=20)
        return FolderScan(folder)


@pytest.fixture
def disk() -> Iterator[SlowDisk]:
    """Return a slow disk, which is let go at the end."""
    disk = SlowDisk()
    yield disk
    for _ in range(10):
        disk.gate.put(None)


def test_a_folder_is_looked_at(qtbot: QtBot, tmp_path: Path) -> None:
    watch = FolderWatch()
    (tmp_path / "a.gguf").touch()
    with qtbot.waitSignal(watch.scanned, timeout=WAIT_MS) as told:
        watch.look(str(tmp_path), ["/gone.gguf"])
    (scan,) = told.args
    assert [model.path for model in scan.models] == [str(tmp_path / "a.gguf")]
    assert scan.missing == ("/gone.gguf",)
    watch.close()


def test_the_last_wish_is_looked_at_and_looks_never_overlap(qtbot: QtBot, disk: SlowDisk) -> None:
    watch = FolderWatch(disk)
    told: list[str] = []
    watch.scanned.connect(lambda scan: told.append(scan.folder))
    for folder in ("/a", "/b", "/c"):
        watch.look(folder, ())
    disk.gate.put(None)
    qtbot.waitUntil(lambda: disk.asked == ["/a", "/c"], timeout=WAIT_MS)
    disk.gate.put(None)
    qtbot.waitUntil(lambda: told == ["/c"], timeout=WAIT_MS)
    watch.close()


def test_a_change_is_told_while_watching(qtbot: QtBot, tmp_path: Path) -> None:
    watch = FolderWatch()
    seen: list[tuple[str, ...]] = []
    watch.scanned.connect(lambda scan: seen.append(tuple(model.path for model in scan.models)))
    watch.look(str(tmp_path), ())
    watch.watch(True)
    qtbot.waitUntil(lambda: bool(seen), timeout=WAIT_MS)
    (tmp_path / "new.gguf").touch()
    qtbot.waitUntil(lambda: seen[-1] == (str(tmp_path / "new.gguf"),), timeout=WAIT_MS)
    watch.close()


def test_no_look_is_started_while_nobody_watches(qtbot: QtBot, tmp_path: Path) -> None:
    watch = FolderWatch()
    watch.look(str(tmp_path), ())
    watch.watch(True)
    with qtbot.waitSignal(watch.scanned, timeout=WAIT_MS):
        pass
    watch.watch(False)
    assert watch.watched_folders == ()
    watch.close()


def test_after_close_nothing_is_told(qtbot: QtBot, disk: SlowDisk) -> None:
    watch = FolderWatch(disk)
    told: list[FolderScan] = []
    watch.scanned.connect(told.append)
    watch.look("/a", ())
    qtbot.waitUntil(lambda: disk.asked == ["/a"], timeout=WAIT_MS)
    watch.close()
    disk.gate.put(None)
    other = FolderWatch()
    with qtbot.waitSignal(other.scanned, timeout=WAIT_MS):
        other.look("/none", ())
    watch.look("/b", ())
    assert told == []
    assert disk.asked == ["/a"]
    other.close()


def test_the_disk_is_read_in_a_thread_of_its_own(qtbot: QtBot, tmp_path: Path) -> None:
    asked: list[str] = []

    def scan(folder: str, others: Iterable[str]) -> FolderScan:
        asked.append(threading.current_thread().name)
        return scan_folder(folder, others)

    watch = FolderWatch(scan)
    with qtbot.waitSignal(watch.scanned, timeout=WAIT_MS):
        watch.look(str(tmp_path), ())
    assert asked == ["model-folder"]
    watch.close()
