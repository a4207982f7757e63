"""From the hub into the models folder: whole, checked, and never twice."""

import errno
import hashlib
import json
import os
import random
from pathlib import Path

import pytest

from fakes.hub_server import FakeHub, Fault, PlannedFault
from offload.errors import CancelledError, DiskFullError, HubError, HubFailure, ModelFileError, OffloadError, UsageError
from offload.hub.client import HubClient
from offload.hub.download import Download, Downloaded, Phase, Progress
from offload.hub.folder_lock import FolderLock
from offload.hub.origin import origin_path, read_origin
from offload.hub.reference import HubReference
from offload.hub.repository import find_model

DATA = random.Random(1).randbytes(1_000_003)
OTHER = random.Random(2).randbytes(1_000_003)
PARTS = {f"M-Q4_K_M-{number:05d}-of-00003.gguf": DATA[: number * 100_000] for number in (1, 2, 3)}


class Puller:
    """Pulls u/r as a command does, and keeps what was told."""

    def __init__(self, client: HubClient, folder: Path) -> None:
        self.client = client
        self.models = folder / "models"
        self.folder = self.models / "u" / "r"
        self.said: list[str] = []
        self.progress: list[Progress] = []
        self.stop_at = -1

    def download(self) -> Download:
        return Download(self.client, find_model(self.client, HubReference.parse("u/r")), self.models)

    def pull(self) -> Downloaded:
        return self.download().run(self._on_progress, self.said.append)

    def names(self) -> list[str]:
        """Return all files there are, below the model's folder."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())

    def part(self) -> Path:
        (part,) = (self.folder / ".partial").glob("*.part")
        return part

    def _on_progress(self, progress: Progress) -> bool:
        self.progress.append(progress)
        return not 0 <= self.stop_at <= progress.done_bytes


def dying_after(n_renames: int, patch: pytest.MonkeyPatch) -> None:
    """End the process, as it were, at the rename after that many."""
    replace, left = os.replace, [n_renames]

    def dying(source: Path, target: Path) -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        replace(source, target)

    patch.setattr("os.replace", dying)


@pytest.fixture
def puller(client: HubClient, tmp_path: Path) -> Puller:
    return Puller(client, tmp_path)


def test_a_model_comes_whole_with_its_origin(hub: FakeHub, puller: Puller) -> None:
    repository = hub.add("u/r", {"M-Q4_K_M.gguf": DATA})
    downloaded = puller.pull()
    assert downloaded.path == puller.folder / "M-Q4_K_M.gguf"
    assert downloaded.path.read_bytes() == DATA
    assert downloaded.fetched_bytes == len(DATA)
    assert puller.names() == ["M-Q4_K_M.gguf", "M-Q4_K_M.gguf.origin.json"]
    assert not (puller.folder / ".partial").exists()
    origin = read_origin(downloaded.path)
    assert origin == downloaded.origin
    assert (origin.repo, origin.revision, origin.asked_revision) == ("u/r", repository.commit_name(0), "main")
    assert origin.files[0].sha256 == hashlib.sha256(DATA).hexdigest()


def test_all_parts_come_and_keep_their_order(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {f"Q4_K_M/{name}": data for name, data in PARTS.items()})
    downloaded = puller.pull()
    assert downloaded.path.name == "M-Q4_K_M-00001-of-00003.gguf"
    assert {path.name: path.read_bytes() for path in puller.folder.glob("*.gguf")} == PARTS
    assert [file.path for file in downloaded.origin.files] == [f"Q4_K_M/{name}" for name in PARTS]


def test_progress_goes_from_nothing_to_all_and_then_checks(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", PARTS)
    puller.pull()
    loading = [progress.done_bytes for progress in puller.progress if progress.phase is Phase.DOWNLOADING]
    assert (loading[0], loading[-1]) == (0, 600_000)
    assert loading == sorted(loading)
    assert {progress.file.name for progress in puller.progress if progress.phase is Phase.CHECKING} == PARTS.keys()


def test_what_is_there_is_not_asked_for_again(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", PARTS)
    puller.pull()
    served = hub.served_bytes
    assert puller.download().already_there() is not None
    assert puller.pull().fetched_bytes == 0
    assert hub.served_bytes == served


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


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.RESET])
def test_a_connection_that_breaks_off_goes_on_from_there(
    hub: FakeHub, puller: Puller, waits: list[float], fault: Fault
) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(fault, amount) for amount in (300_000, 200_000, 0, 100_000)]
    assert puller.pull().path.read_bytes() == DATA
    starts = [int(range_.removeprefix("bytes=").removesuffix("-")) for range_ in hub.ranges() if range_]
    assert starts == sorted(starts)
    assert waits == [] or waits == [1.0]
    if fault is Fault.CUT:
        # Nothing that came before an orderly end is lost.
        assert starts == [300_000, 500_000, 500_000, 600_000]
        assert hub.served_bytes == len(DATA)


def test_a_connection_that_falls_silent_is_left(hub: FakeHub, tmp_path: Path) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.HOLD, 100_000)]
    puller = Puller(HubClient(endpoint=hub.url, timeout_seconds=0.3), tmp_path)
    assert puller.pull().path.read_bytes() == DATA
    assert hub.ranges() == [None, "bytes=100000-"]


def test_a_connection_that_brings_nothing_is_given_up_and_what_came_is_kept(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.CUT, 400_000), *[PlannedFault(Fault.CUT, 0)] * 5]
    with pytest.raises(HubError, match="what has come is kept") as caught:
        puller.pull()
    assert caught.value.reason is HubFailure.UNREACHABLE
    assert puller.part().read_bytes() == DATA[:400_000]


def test_goes_on_from_what_there_is(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    puller.stop_at = 500_000
    with pytest.raises(CancelledError, match=r"Stopped: .* of 976\.6 KiB are kept\. The same command goes on"):
        puller.pull()
    kept = puller.part().stat().st_size
    assert 500_000 <= kept < len(DATA)
    assert puller.download().place.missing_bytes() == len(DATA) - kept
    puller.stop_at = -1
    assert puller.pull().fetched_bytes == len(DATA) - kept
    assert hub.ranges() == [None, f"bytes={kept}-"]
    assert (puller.folder / "M.gguf").read_bytes() == DATA


def test_parts_that_are_whole_are_kept_too(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", PARTS)
    puller.stop_at = 350_000
    with pytest.raises(CancelledError):
        puller.pull()
    assert puller.names()[1].endswith(".checked")
    puller.stop_at = -1
    assert puller.pull().fetched_bytes <= 250_000
    assert sorted(path.name for path in puller.folder.glob("*.gguf")) == list(PARTS)


def test_a_hub_that_cannot_resume_sends_all_of_it(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.CUT, 400_000), PlannedFault(Fault.NO_RANGES)]
    assert puller.pull().path.read_bytes() == DATA
    assert hub.served_bytes == 400_000 + len(DATA)


def test_wrong_bytes_never_get_the_name(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.CORRUPT, 777_777)]
    with pytest.raises(ModelFileError) as caught:
        puller.pull()
    damaged = bytearray(DATA)
    damaged[777_777] ^= 1
    assert hashlib.sha256(damaged).hexdigest() in str(caught.value)
    assert hashlib.sha256(DATA).hexdigest() in str(caught.value)
    assert puller.names() == ["M.gguf.damaged"]
    assert (puller.folder / "M.gguf.damaged").read_bytes() == damaged
    assert puller.pull().path.read_bytes() == DATA


def test_wrong_bytes_in_the_part_that_was_there_are_found_too(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.CUT, 400_000), *[PlannedFault(Fault.CUT, 0)] * 5]
    with pytest.raises(HubError):
        puller.pull()
    with puller.part().open("r+b") as part:
        part.write(b"wrong")
    with pytest.raises(ModelFileError, match="has the SHA-256"):
        puller.pull()
    assert not (puller.folder / "M.gguf").exists()


@pytest.mark.parametrize("fault", [Fault.SHORT, Fault.LONG])
def test_another_length_than_the_hub_lists_is_refused(hub: FakeHub, puller: Puller, fault: Fault) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(fault, 5)]
    with pytest.raises(HubError, match=r"as M\.gguf, but lists 1000003") as caught:
        puller.pull()
    assert caught.value.reason is HubFailure.MALFORMED
    assert not (puller.folder / "M.gguf").exists()


@pytest.mark.parametrize("amount", [0, -1000])
def test_a_hub_that_tells_no_length_is_understood(hub: FakeHub, puller: Puller, amount: int) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.UNSIZED, amount)]
    assert puller.pull().path.read_bytes() == DATA
    assert hub.ranges()[1:] == ([f"bytes={len(DATA) + amount}-"] if amount else [])


def test_a_hub_that_does_not_end_is_left(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.UNSIZED, 1)]
    with pytest.raises(HubError, match="or more as"):
        puller.pull()
    assert not (puller.folder / "M.gguf").exists()


def test_other_bytes_than_were_asked_for_are_not_taken(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.CUT, 1000), PlannedFault(Fault.SHIFT, 7)]
    with pytest.raises(HubError, match=r"sends M\.gguf from byte 1007, asked for was 1000"):
        puller.pull()
    assert puller.pull().path.read_bytes() == DATA


def test_compressed_bytes_are_not_taken(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.COMPRESSED)]
    with pytest.raises(HubError, match="compressed, which was not asked for"):
        puller.pull()


def test_a_partial_file_longer_than_the_file_is_begun_anew(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    puller.stop_at = 1
    with pytest.raises(CancelledError):
        puller.pull()
    puller.part().write_bytes(DATA + b"more")
    assert puller.download().place.missing_bytes() == len(DATA)
    puller.stop_at = -1
    assert puller.pull().path.read_bytes() == DATA


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


def test_another_commit_with_the_same_bytes_goes_on(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    puller.stop_at = 500_000
    with pytest.raises(CancelledError):
        puller.pull()
    repository = hub.add("u/r", {"M.gguf": DATA, "README.md": b"new words"})
    puller.stop_at = -1
    downloaded = puller.pull()
    assert downloaded.path.read_bytes() == DATA
    assert downloaded.origin.revision == repository.commit_name(1)
    assert puller.said == []


def test_all_requests_of_a_pull_are_of_one_commit(hub: FakeHub, puller: Puller) -> None:
    repository = hub.add("u/r", PARTS)
    download = puller.download()
    hub.add("u/r", dict.fromkeys(PARTS, OTHER))
    download.run(lambda _: True, puller.said.append)
    resolved = [asked.path for asked in hub.asked if "/resolve/" in asked.path]
    assert len(resolved) == 3
    assert all(f"/resolve/{repository.commit_name(0)}/" in path for path in resolved)


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


def test_the_first_part_gets_its_name_last(hub: FakeHub, puller: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("u/r", PARTS)
    named: list[str] = []
    replace = os.replace

    def noting(source: Path, target: Path) -> None:
        named.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr("os.replace", noting)
    puller.pull()
    assert named[-4:] == [*reversed(PARTS), f"{next(iter(PARTS))}.origin.json"]
    assert all(name.endswith(".checked") for name in named[:-4])


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


@pytest.mark.parametrize("n_renames", range(3, 7))
def test_a_pull_that_dies_between_two_names_is_completed_without_the_network(
    hub: FakeHub, puller: Puller, monkeypatch: pytest.MonkeyPatch, n_renames: int
) -> None:
    hub.add("u/r", PARTS)
    with monkeypatch.context() as patch:
        dying_after(n_renames, patch)
        with pytest.raises(KeyboardInterrupt):
            puller.pull()
    served = hub.served_bytes
    assert puller.pull().fetched_bytes == 0
    assert hub.served_bytes == served
    assert {path.name: path.read_bytes() for path in puller.folder.glob("*.gguf")} == PARTS


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


def test_without_a_checksum_it_is_said(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA}, small={"M.gguf"})
    downloaded = puller.pull()
    assert puller.said == ["M.gguf is not checked: the hub gives no checksum."]
    assert downloaded.origin.files[0].sha256 is None
    assert puller.download().already_there() is not None


def test_without_a_checksum_another_commit_is_fetched(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA}, small={"M.gguf"})
    puller.pull()
    hub.add("u/r", {"M.gguf": OTHER})
    assert puller.pull().path.read_bytes() == OTHER


def test_a_gated_model_says_what_to_do(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA}, gated=True)
    with pytest.raises(HubError, match=r"is gated\. Accept its terms") as caught:
        puller.pull()
    assert caught.value.reason is HubFailure.GATED


def test_the_token_opens_a_gated_model_and_never_reaches_the_cdn(hub: FakeHub, tmp_path: Path) -> None:
    hub.add("u/r", {"M.gguf": DATA}, gated=True)
    assert Puller(HubClient(endpoint=hub.url, token=hub.token), tmp_path).pull().path.read_bytes() == DATA
    assert {asked.authorization for asked in hub.asked if "/cdn/" not in asked.path} == {f"Bearer {hub.token}"}
    assert {asked.authorization for asked in hub.asked if "/cdn/" in asked.path} == {None}


def test_a_cdn_that_refuses_is_said_without_its_signature(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.STATUS, 403)]
    with pytest.raises(HubError, match=r"The hub refuses M\.gguf with 403") as caught:
        puller.pull()
    assert "signature" not in str(caught.value)


def test_a_busy_cdn_is_waited_for(hub: FakeHub, puller: Puller, waits: list[float]) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.STATUS, 429, headers=(("Retry-After", "11"),)), PlannedFault(Fault.STATUS, 503)]
    assert puller.pull().path.read_bytes() == DATA
    assert waits == [11, 1]


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


def test_an_origin_that_cannot_be_read_speaks_for_nothing(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    path = puller.pull().path
    for text in ("", "{", "[]", json.dumps({"format": 2}), json.dumps({"format": 1, "files": []})):
        origin_path(path).write_text(text)
        assert read_origin(path) is None
    served = hub.served_bytes
    assert puller.pull().fetched_bytes == 0
    assert hub.served_bytes == served
    assert read_origin(path) is not None
