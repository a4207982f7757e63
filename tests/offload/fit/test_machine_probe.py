"""`MachineProbe`: what is measured, what is kept, and when it is measured again."""

import json
from pathlib import Path

import pytest

from fakes.measuring import DISK, F32, Q4, STEP, WEIGHTS, FakeMeasuring
from offload.errors import ExpertReadError
from offload.fit import machine_probe
from offload.fit.json_file import JsonFile
from offload.fit.machine_probe import BUSY_SHARE, MOST_KEPT, MachineProbe
from offload.fit.machine_speed import ASSUMED_DISK, MachineSpeed, WeightForm
from offload.fit.measuring import DiskPlace
from offload.gguf_types import GgmlType

FORMS = (Q4, F32)


@pytest.fixture(autouse=True)
def _one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_probe, "machine_name", lambda: "a machine")
    monkeypatch.setattr(machine_probe, "disk_name", lambda place: f"disk of {place.name}")


@pytest.fixture
def kept(tmp_path: Path) -> JsonFile:
    return JsonFile(tmp_path / "cache" / "speed.json")


def probed(
    kept: JsonFile,
    measuring: FakeMeasuring,
    *,
    again: bool = False,
    folder: str = "models",
    forms: tuple[WeightForm, ...] = FORMS,
    n_threads: int = 2,
    n_readers: int = 2,
) -> MachineSpeed:
    probe = MachineProbe(kept, measuring, again=again)
    return probe.speed(forms, DiskPlace(Path(folder)), n_threads=n_threads, n_readers=n_readers)


def test_everything_is_measured_once(kept: JsonFile) -> None:
    first, second = FakeMeasuring(), FakeMeasuring()
    speed = probed(kept, first)
    assert sorted(first.asked) == ["F32", "Q4_K", "disk", "step"]
    assert speed == MachineSpeed(DISK, STEP, {Q4: WEIGHTS, F32: WEIGHTS})
    assert probed(kept, second) == speed
    assert second.asked == []


def test_what_is_measured_is_told_before(kept: JsonFile) -> None:
    told: list[str] = []
    probe = MachineProbe(kept, FakeMeasuring(), on_measuring=told.append)
    probe.speed(FORMS, DiskPlace(Path("models")), n_threads=2, n_readers=2)
    assert told == ["the processor"] * 3 + ["the disk"]


def test_a_new_form_of_weights_is_measured_alone(kept: JsonFile) -> None:
    probed(kept, FakeMeasuring())
    measuring = FakeMeasuring()
    probed(kept, measuring, forms=(*FORMS, WeightForm(GgmlType.Q6_K, interleaved=True)))
    assert measuring.asked == ["Q6_K"]


def test_another_disk_is_measured_alone(kept: JsonFile) -> None:
    probed(kept, FakeMeasuring())
    measuring = FakeMeasuring()
    probed(kept, measuring, folder="elsewhere")
    assert measuring.asked == ["disk"]


def test_other_hardware_is_measured_again(kept: JsonFile, monkeypatch: pytest.MonkeyPatch) -> None:
    probed(kept, FakeMeasuring())
    monkeypatch.setattr(machine_probe, "machine_name", lambda: "the same with more memory")
    measuring = FakeMeasuring()
    probed(kept, measuring)
    assert sorted(measuring.asked) == ["F32", "Q4_K", "disk", "step"]


def test_another_release_of_the_library_computes_at_another_speed(
    kept: JsonFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    probed(kept, FakeMeasuring())
    monkeypatch.setattr(machine_probe, "library_name", lambda: "a later one")
    measuring = FakeMeasuring()
    probed(kept, measuring)
    assert sorted(measuring.asked) == ["F32", "Q4_K", "step"]


def test_another_number_of_threads_and_of_readers_is_another_speed(kept: JsonFile) -> None:
    probed(kept, FakeMeasuring())
    threads, readers = FakeMeasuring(), FakeMeasuring()
    probed(kept, threads, n_threads=1)
    probed(kept, readers, n_readers=4)
    assert sorted(threads.asked) == ["F32", "Q4_K", "step"]
    assert readers.asked == ["disk"]


def test_it_is_measured_again_where_that_is_asked_for(kept: JsonFile) -> None:
    probed(kept, FakeMeasuring())
    measuring = FakeMeasuring()
    probed(kept, measuring, again=True)
    assert sorted(measuring.asked) == ["F32", "Q4_K", "disk", "step"]


def test_what_was_measured_on_a_busy_machine_is_said_so_and_not_kept(kept: JsonFile) -> None:
    assert probed(kept, FakeMeasuring(others=BUSY_SHARE + 0.1)).is_busy
    measuring = FakeMeasuring()
    assert not probed(kept, measuring).is_busy
    assert sorted(measuring.asked) == ["F32", "Q4_K", "disk", "step"]


@pytest.mark.parametrize("error", [ExpertReadError("no", file=Path("f"), offset=0), OSError("no"), PermissionError()])
def test_a_disk_that_cannot_be_measured_is_assumed_to_be_some_disk(kept: JsonFile, error: Exception) -> None:
    assert probed(kept, FakeMeasuring(disk_error=error)).disk == ASSUMED_DISK
    assert probed(kept, FakeMeasuring()).disk == DISK


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'"text"',
        b'{"version": 1}',
        b'{"version": 1, "measured": []}',
        b'{"version": 999, "measured": {}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_measured_anew_and_mended(kept: JsonFile, content: bytes) -> None:
    kept.path.parent.mkdir()
    kept.path.write_bytes(content)
    assert probed(kept, FakeMeasuring()).disk == DISK
    measuring = FakeMeasuring()
    probed(kept, measuring)
    assert measuring.asked == []


@pytest.mark.parametrize("entry", [None, 5, "x", [], [1, 2], [3, 2, 1], [-1, 1, 2], [True, 1, 2], [[1, 2]], {"a": 1}])
def test_a_damaged_entry_is_measured_anew(kept: JsonFile, entry: object) -> None:
    probed(kept, FakeMeasuring())
    content = json.loads(kept.path.read_text())
    content["measured"] = dict.fromkeys(content["measured"], entry)
    kept.path.write_text(json.dumps(content))
    measuring = FakeMeasuring()
    assert probed(kept, measuring).disk == DISK
    assert sorted(measuring.asked) == ["F32", "Q4_K", "disk", "step"]


def test_where_nothing_can_be_written_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert probed(JsonFile(tmp_path / "file" / "speed.json"), FakeMeasuring()).disk == DISK


def test_the_file_does_not_grow_for_ever(kept: JsonFile) -> None:
    for number in range(MOST_KEPT + 5):
        probed(kept, FakeMeasuring(), folder=str(number))
    assert len(json.loads(kept.path.read_text())["measured"]) == MOST_KEPT
