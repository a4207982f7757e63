"""`offload pull` as a process that is killed, interrupted, or has no room: the next one goes on."""

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.hub_server import FakeHub, Fault, PlannedFault
from offload.hub.folder_lock import FolderLock
from offload.protocol import Shutdown
from offload.protocol_hub import Pull
from offload.protocol_lines import encode

ROOT = Path(__file__).resolve().parents[3]
DATA = random.Random(3).randbytes(6 << 20)
FIRST, SECOND = DATA[: 2 << 20], DATA[2 << 20 :]
FILES = {"M-Q4_K_M-00001-of-00002.gguf": FIRST, "M-Q4_K_M-00002-of-00002.gguf": SECOND}

Begin = Callable[..., "subprocess.Popen[bytes]"]

PATIENCE_SECONDS = 10
"""Longer than any stop takes, and half of what a silent hub is waited for."""


@pytest.fixture
def pull(tmp_path: Path, hub: FakeHub) -> Iterator[Begin]:
    """Return what starts a pull of u/r; whatever still runs afterwards is killed."""
    hub.add("u/r", FILES)
    started: list[subprocess.Popen[bytes]] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def begin(preexec: Callable[[], None] | None = None, **variables: str) -> "subprocess.Popen[bytes]":
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "offload", "pull", "u/r"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                preexec_fn=preexec,
                env=os.environ | {"PYTHONPATH": str(ROOT), **variables},
            )
        )
        return started[-1]

    yield begin
    signal.signal(signal.SIGINT, before)
    for process in started:
        process.kill()
        process.communicate()


def lengths(folder: Path) -> dict[str, int]:
    """Return the length of what there is of each file, by the file's name."""
    return {path.name.split(".gguf")[0]: path.stat().st_size for path in folder.rglob("*.gguf*") if path.is_file()}


def test_killed_ten_times_it_still_comes_whole_and_nothing_twice(pull: Begin, hub: FakeHub, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "u" / "r"
    moments = random.Random(7)
    for index in range(10):
        name, data = list(FILES.items())[index // 5]
        there = lengths(folder).get(name.removesuffix(".gguf"), 0)
        # The hub stops in the middle of that file, and the process dies while it takes what has been sent.
        amount = moments.randrange(min(len(data) - there, 900_000))
        hub.faults = [PlannedFault(Fault.HOLD, amount, where=f"/cdn/{hashlib.sha256(data).hexdigest()}")]
        hub.holding.clear()
        process = pull()
        assert hub.holding.wait(60)
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
        hub.release.set()
        hub.release = threading.Event()
        # What the process before had written is not asked for again, and what this one wrote is right.
        assert hub.ranges()[-1] == (f"bytes={there}-" if there else None)
        (part,) = folder.glob(f".partial/{name}.*.part")
        assert data.startswith(part.read_bytes())
        # Part 1 is whole from the sixth time on, and has no name while part 2 is not.
        assert list(folder.glob("*.gguf")) == []
    process = pull()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.decode().strip() == str(folder / "M-Q4_K_M-00001-of-00002.gguf")
    assert {path.name: path.read_bytes() for path in folder.glob("*.gguf")} == FILES
    assert not (folder / ".partial").exists()


def test_ctrl_c_keeps_what_came_and_says_how_to_go_on(pull: Begin, hub: FakeHub, tmp_path: Path) -> None:
    hub.faults = [PlannedFault(Fault.HOLD, 1_000_000)]
    process = pull()
    assert hub.holding.wait(60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=15)
    assert (process.returncode, out) == (130, b"")
    assert b"are kept. The same command goes on from there.\n" in err
    assert b"Traceback" not in err
    there = sum(lengths(tmp_path / "models").values())
    hub.release.set()
    process = pull()
    assert process.wait(60) == 0
    # How much of what was sent it had taken is the system's to say.
    assert hub.ranges()[1] == (f"bytes={there}-" if there else None)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("fault", [Fault.HOLD, Fault.MUTE])
def test_a_pull_that_is_ended_while_the_hub_is_silent_leaves_the_folder_to_the_next(
    pull: Begin, hub: FakeHub, tmp_path: Path, ending: signal.Signals, fault: Fault
) -> None:
    hub.faults = [PlannedFault(fault, 1000)]
    process = pull()
    assert hub.holding.wait(60)
    process.send_signal(ending)
    process.communicate(timeout=PATIENCE_SECONDS)
    FolderLock(tmp_path / "models" / "u" / "r" / ".partial").close()


@pytest.mark.parametrize("last_words", [b"", encode(Shutdown())], ids=["its program died", "asked to end"])
def test_a_worker_leaves_the_folder_to_the_next_though_the_hub_is_silent(
    hub: FakeHub, tmp_path: Path, last_words: bytes
) -> None:
    hub.add("u/r", FILES)
    hub.faults = [PlannedFault(Fault.MUTE)]
    command = [sys.executable, "-m", "offload", "worker"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as worker:
        assert worker.stdin is not None
        worker.stdin.write(encode(Pull(1, "u/r", str(tmp_path / "models"))))
        worker.stdin.flush()
        assert hub.holding.wait(60)
        worker.communicate(last_words, timeout=PATIENCE_SECONDS)
        assert worker.returncode == 0
    FolderLock(tmp_path / "models" / "u" / "r" / ".partial").close()


def test_two_pulls_at_once_are_one_and_a_refusal(pull: Begin, hub: FakeHub) -> None:
    hub.faults = [PlannedFault(Fault.HOLD, 1000)]
    first = pull()
    assert hub.holding.wait(60)
    second = pull()
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"Another process ({first.pid}) is downloading".encode() in err
    hub.release.set()
    assert first.wait(60) == 0


def test_a_file_that_may_not_grow_is_a_full_disk_and_goes_on_with_room(pull: Begin, tmp_path: Path) -> None:
    limit = 1 << 20
    process = pull(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 6, err
    assert b"what has come is kept" in err
    assert sum(lengths(tmp_path / "models").values()) == limit
    assert pull().wait(60) == 0


def test_hugging_face_s_own_offline_switch_is_obeyed(pull: Begin, hub: FakeHub) -> None:
    process = pull(HF_HUB_OFFLINE="1")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, hub.asked) == (7, [])
    assert b"HF_HUB_OFFLINE forbids to ask the hub." in err
