"""Where something is there already, or has no room."""

import errno
import os

import pytest

from fakes.hub_server import FakeHub
from fakes.puller import DATA, OTHER, PARTS, Puller, dying_after
from offload.errors import CancelledError, DiskFullError, OffloadError, UsageError
from offload.hub.folder_lock import FolderLock
from offload.hub.origin import read_origin


def test_the_same_bytes_of_another_commit_are_noted_as_of_it(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    assert puller.download().is_up_to_date(puller.pull())
    repository = hub.add("u/r", {"M.gguf": DATA, "README.md": b"new words"})
    served = hub.served_bytes
    there = puller.download().already_there()
    assert there is not None
    assert not puller.download().is_up_to_date(there)
    assert puller.pull().origin.revision == repository.commit_name(1)
    assert puller.names() == ["M.gguf", "M.gguf.origin.json"]
    assert hub.served_bytes == served


def test_a_file_that_changed_upstream_is_started_over(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    puller.stop_at = 500_000
    with pytest.raises(CancelledError):
        puller.pull()
    hub.add("u/r", {"M.gguf": OTHER})
    puller.stop_at = -1
    assert puller.pull().path.read_bytes() == OTHER
    assert puller.said == ["M.gguf has changed on the hub: it is started over."]
    assert hub.ranges() == [None, None]


def test_a_newer_version_replaces_the_older_once_it_is_whole(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    puller.pull()
    hub.add("u/r", {"M.gguf": OTHER})
    puller.stop_at = 500_000
    with pytest.raises(CancelledError):
        puller.pull()
    assert (puller.folder / "M.gguf").read_bytes() == DATA
    puller.stop_at = -1
    assert puller.pull().path.read_bytes() == OTHER


def test_a_newer_version_that_dies_between_two_names_is_not_fetched_again(
    hub: FakeHub, puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("u/r", PARTS)
    puller.pull()
    newer = {name: OTHER[: len(data)] for name, data in PARTS.items()}
    hub.add("u/r", newer)
    with monkeypatch.context() as patch:
        dying_after(4, patch)
        with pytest.raises(KeyboardInterrupt):
            puller.pull()
    served = hub.served_bytes
    assert puller.pull().fetched_bytes == 0
    assert hub.served_bytes == served
    assert {path.name: path.read_bytes() for path in puller.folder.glob("*.gguf")} == newer


def test_a_file_put_here_by_hand_is_read_and_accepted(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    puller.folder.mkdir(parents=True)
    (puller.folder / "M.gguf").write_bytes(DATA)
    assert puller.pull().fetched_bytes == 0
    assert hub.served_bytes == 0
    assert read_origin(puller.folder / "M.gguf") is not None


@pytest.mark.parametrize("content", [OTHER, b"short"])
def test_a_file_of_others_is_left_alone(hub: FakeHub, puller: Puller, content: bytes) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    puller.folder.mkdir(parents=True)
    (puller.folder / "M.gguf").write_bytes(content)
    with pytest.raises(UsageError, match="is there already and not the hub's"):
        puller.pull()
    assert (puller.folder / "M.gguf").read_bytes() == content
    assert hub.served_bytes == 0


def test_a_file_of_ours_that_was_cut_is_fetched_anew(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    path = puller.pull().path
    path.write_bytes(DATA[:1000])
    assert puller.download().already_there() is None
    assert puller.pull().path.read_bytes() == DATA


def test_a_full_disk_is_said_before_anything_comes(
    hub: FakeHub, puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(DiskFullError, match=r"u/r needs 976\.6 KiB more, but .* has 1000 B free") as caught:
        puller.pull()
    assert (caught.value.needed_bytes, caught.value.free_bytes) == (len(DATA), 1000)
    assert hub.served_bytes == 0


def test_a_disk_that_becomes_full_keeps_what_came(
    hub: FakeHub, puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    write, room = os.write, [600_000]

    def filling(descriptor: int, data: bytes) -> int:
        written = write(descriptor, memoryview(data)[: room[0]]) if room[0] else 0
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if len(data) > 20:
            room[0] -= written
        return written

    with monkeypatch.context() as patch:
        patch.setattr("os.write", filling)
        with pytest.raises(DiskFullError, match="what has come is kept"):
            puller.pull()
    assert puller.part().read_bytes() == DATA[:600_000]
    assert puller.pull().fetched_bytes == len(DATA) - 600_000


def test_two_at_once_are_refused_in_words(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    with (
        FolderLock(puller.folder / ".partial"),
        pytest.raises(OffloadError, match=rf"\({os.getpid()}\) is downloading"),
    ):
        puller.pull()
    assert puller.pull().path.read_bytes() == DATA


def test_a_folder_that_cannot_be_written_to_is_said(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    puller.models.parent.mkdir(exist_ok=True)
    puller.models.write_text("a file")
    with pytest.raises(OffloadError, match="cannot be written"):
        puller.pull()
