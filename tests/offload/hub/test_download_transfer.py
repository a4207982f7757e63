"""From the hub into a partial file: what breaks off goes on, and nothing comes twice."""

from pathlib import Path

import pytest

from fakes.hub_server import FakeHub, Fault, PlannedFault
from fakes.puller import DATA, OTHER, PARTS, Puller
from offload.errors import CancelledError, HubError, HubFailure
from offload.hub.client import HubClient
from offload.hub.download import Phase
from offload.hub.folder_lock import FolderLock


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


@pytest.mark.parametrize(("fault", "amount"), [(Fault.HOLD, 100_000), (Fault.MUTE, 0)])
def test_a_stop_is_heard_while_nothing_comes(hub: FakeHub, tmp_path: Path, fault: Fault, amount: int) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(fault, amount)]
    puller = Puller(HubClient(endpoint=hub.url, timeout_seconds=1000), tmp_path)
    # Told once when that much has come, and again only because nothing more does.
    puller.stop_when = lambda: [told.done_bytes for told in puller.progress].count(amount) > 1
    with pytest.raises(CancelledError):
        puller.pull()
    assert puller.part().stat().st_size == amount
    assert not hub.release.is_set()
    FolderLock(puller.folder / ".partial").close()


def test_a_transfer_that_was_left_costs_the_next_one_nothing(hub: FakeHub, tmp_path: Path) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.HOLD, 100_000)]
    puller = Puller(HubClient(endpoint=hub.url, timeout_seconds=1000), tmp_path)
    puller.stop_when = hub.holding.is_set
    with pytest.raises(CancelledError):
        puller.pull()
    puller.stop_when = lambda: False
    assert puller.pull().path.read_bytes() == DATA
    assert not hub.release.is_set()


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


@pytest.mark.parametrize("amount", [0, -1000])
def test_a_hub_that_tells_no_length_is_understood(hub: FakeHub, puller: Puller, amount: int) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    hub.faults = [PlannedFault(Fault.UNSIZED, amount)]
    assert puller.pull().path.read_bytes() == DATA
    assert hub.ranges()[1:] == ([f"bytes={len(DATA) + amount}-"] if amount else [])


def test_a_partial_file_longer_than_the_file_is_begun_anew(hub: FakeHub, puller: Puller) -> None:
    hub.add("u/r", {"M.gguf": DATA})
    puller.stop_at = 1
    with pytest.raises(CancelledError):
        puller.pull()
    puller.part().write_bytes(DATA + b"more")
    assert puller.download().place.missing_bytes() == len(DATA)
    puller.stop_at = -1
    assert puller.pull().path.read_bytes() == DATA


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
