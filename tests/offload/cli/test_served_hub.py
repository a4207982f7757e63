"""Models that are not here, for a worker, with the real huggingface-hub and a hub of one's own."""

import builtins
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fakes.hub_server import FakeHub, Fault, PlannedFault, running_hub
from offload.cli import served_hub
from offload.cli.worker import EngineModels
from offload.errors import CancelledError, DiskFullError, HubError, HubFailure, UsageError
from offload.hub.client import HubClient
from offload.hub.origin import read_origin
from offload.model_offer import PullPhase

REPO, NAME = "user/Tiny-GGUF", "user/Tiny-GGUF:Q4_K_M"
DATA = bytes(range(256)) * 1000


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Run a hub with one model, named by the environment."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running_hub() as hub:
        hub.add(REPO, {"Tiny-Q4_K_M.gguf": DATA, "Tiny-Q8_0.gguf": DATA[::-1]})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


class Told:
    """Keeps what is told of a download, and says no to it where `stops_at` bytes have come."""

    def __init__(self, stops_at: int | None = None) -> None:
        self.all: list[tuple[PullPhase, int, int]] = []
        self._stops_at = stops_at

    def __call__(self, phase: PullPhase, done_bytes: int, total_bytes: int) -> bool:
        self.all.append((phase, done_bytes, total_bytes))
        return self._stops_at is None or done_bytes < self._stops_at


def always() -> bool:
    return True


def test_a_model_is_looked_up_and_nothing_of_it_comes(hub: FakeHub, tmp_path: Path) -> None:
    offer = served_hub.find(REPO, str(tmp_path), go_on=always)
    assert (offer.name, offer.n_files, offer.n_bytes, offer.there_bytes) == (NAME, 1, len(DATA), 0)
    assert offer.path == str(tmp_path / "user" / "Tiny-GGUF" / "Tiny-Q4_K_M.gguf")
    assert offer.free_bytes > 0
    assert not offer.is_there
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_pulled_whole_and_then_known_as_there(hub: FakeHub, tmp_path: Path) -> None:
    told = Told()
    path = served_hub.pull(NAME, str(tmp_path), on_progress=told)
    assert path.read_bytes() == DATA
    assert read_origin(path) is not None
    assert {phase for phase, _, _ in told.all} == {PullPhase.DOWNLOADING, PullPhase.CHECKING}
    assert (PullPhase.DOWNLOADING, len(DATA), len(DATA)) in told.all
    assert served_hub.find(NAME, str(tmp_path), go_on=always).is_there


def test_a_stop_keeps_what_has_come_and_a_pull_goes_on_from_there(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        served_hub.pull(NAME, str(tmp_path), on_progress=Told(stops_at=10_000))
    there = served_hub.find(NAME, str(tmp_path), go_on=always).there_bytes
    assert 10_000 <= there < len(DATA)
    assert served_hub.pull(NAME, str(tmp_path), on_progress=Told()).read_bytes() == DATA
    assert hub.ranges() == [None, f"bytes={there}-"]


def test_while_the_hub_is_waited_for_a_stop_is_heard(hub: FakeHub, tmp_path: Path) -> None:
    hub.faults += [PlannedFault(Fault.CUT, 5000), PlannedFault(Fault.STATUS, 503), PlannedFault(Fault.STATUS, 503)]
    told: list[tuple[PullPhase, int]] = []

    def on_progress(phase: PullPhase, done_bytes: int, total_bytes: int) -> bool:
        told.append((phase, done_bytes))
        return phase is not PullPhase.WAITING

    with pytest.raises(CancelledError):
        served_hub.pull(NAME, str(tmp_path), on_progress=on_progress)
    assert told[-1] == (PullPhase.WAITING, 5000)


def test_a_search_that_waits_for_the_hub_is_stopped(hub: FakeHub, tmp_path: Path) -> None:
    hub.faults += [PlannedFault(Fault.STATUS, 503, where="/api/") for _ in range(2)]
    with pytest.raises(CancelledError):
        served_hub.find(NAME, str(tmp_path), go_on=lambda: False)


@pytest.mark.parametrize("where", ["/api/", "/cdn/"])
def test_a_hub_that_says_nothing_holds_nobody_who_stops(
    hub: FakeHub, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.cli.hub_access.HubClient", partial(HubClient, timeout_seconds=1000))
    hub.faults.append(PlannedFault(Fault.MUTE, where=where))
    with pytest.raises(CancelledError):
        served_hub.pull(NAME, str(tmp_path), on_progress=lambda *far: not hub.holding.is_set())
    assert not hub.release.is_set()


def test_what_has_come_of_one_model_is_discarded_and_all_else_stays(hub: FakeHub, tmp_path: Path) -> None:
    whole = served_hub.pull(f"{REPO}:Q8_0", str(tmp_path), on_progress=Told())
    for name in (NAME, NAME):
        with pytest.raises(CancelledError):
            served_hub.pull(name, str(tmp_path), on_progress=Told(stops_at=10_000))
    freed = served_hub.discard(NAME, str(tmp_path))
    assert freed >= 10_000
    assert list(tmp_path.rglob("*.part")) == []
    assert whole.read_bytes() == DATA[::-1]
    assert served_hub.find(NAME, str(tmp_path), go_on=always).there_bytes == 0


def test_nothing_to_discard_is_no_error(tmp_path: Path) -> None:
    assert served_hub.discard(NAME, str(tmp_path)) == 0


def test_a_damaged_download_is_discarded_too(hub: FakeHub, tmp_path: Path) -> None:
    hub.faults.append(PlannedFault(Fault.CORRUPT, 7))
    with pytest.raises(Exception, match="SHA-256"):
        served_hub.pull(NAME, str(tmp_path), on_progress=Told())
    assert served_hub.discard(NAME, str(tmp_path)) == len(DATA)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_disk_without_room_is_refused_with_both_numbers(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.hub.download.Download.free_bytes", lambda self: 1000)
    with pytest.raises(DiskFullError) as caught:
        served_hub.pull(NAME, str(tmp_path), on_progress=Told())
    assert caught.value.numbers["free_bytes"] == 1000


@pytest.mark.parametrize(
    "ask",
    [
        lambda folder: EngineModels().find("no/such", folder, go_on=always),
        lambda folder: EngineModels().pull("no/such", folder, on_progress=Told()),
    ],
)
def test_a_model_the_hub_has_not_is_a_typed_error(hub: FakeHub, tmp_path: Path, ask: Callable[[str], object]) -> None:
    with pytest.raises(HubError) as caught:
        ask(str(tmp_path))
    assert caught.value.reason is HubFailure.NOT_FOUND


def test_a_name_that_is_none_is_refused_before_anybody_is_asked(hub: FakeHub, tmp_path: Path) -> None:
    for name in ("x", "../..", "a/b/c"):
        with pytest.raises(UsageError):
            served_hub.find(name, str(tmp_path), go_on=always)
    assert hub.asked == []


def test_without_huggingface_hub_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_import = builtins.__import__

    def without_it(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("huggingface_hub"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_it)
    with pytest.raises(UsageError) as caught:
        EngineModels().pull(NAME, str(tmp_path), on_progress=Told())
    assert "offload[hub]" in caught.value.hint


def test_the_catalogue_is_the_one_that_was_installed() -> None:
    entries = EngineModels().catalog()
    assert len(entries) > 5
    assert [entry.size_bytes for entry in entries] == sorted(entry.size_bytes for entry in entries)
    assert all(entry.name.count("/") == 1 and ":" in entry.name for entry in entries)
