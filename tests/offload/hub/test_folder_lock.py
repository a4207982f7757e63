"""One process at a time, and none after its end."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from offload.errors import OffloadError
from offload.hub.folder_lock import FolderLock

HOLD = """
import sys
from pathlib import Path
from offload.hub.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_is_for_one(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(OffloadError, match="Wait until it is done"):
        FolderLock(tmp_path)
    FolderLock(tmp_path).close()


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path / "new")
    lock.close()
    lock.close()
    assert list((tmp_path / "new").iterdir()) == []


def test_the_lock_of_a_process_that_was_killed_is_no_hindrance(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(OffloadError, match=rf"\({process.pid}\)"):
            FolderLock(tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert (tmp_path / "lock").exists()
    FolderLock(tmp_path).close()
