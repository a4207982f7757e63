"""From a partial file to a name: whole, compared, all parts together."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from fakes.hub_server import FakeHub, Fault, PlannedFault
from fakes.puller import DATA, OTHER, PARTS, Puller, dying_after
from offload.errors import HubError, HubFailure, ModelFileError
from offload.hub.origin import origin_path, read_origin


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
