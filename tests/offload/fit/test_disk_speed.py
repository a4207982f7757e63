"""Measuring a disk."""

from pathlib import Path

import pytest

from fakes.measuring import FakeClock, TimedReader
from offload.errors import DiskFullError, ExpertReadError
from offload.experts.store import PAGE
from offload.fit import disk_speed
from offload.fit.disk_speed import REQUEST_SIZES, measure_disk, nearest_folder, readable_file

MIB = 1 << 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of 64 MiB, all holes."""
    path = tmp_path / "model.gguf"
    with path.open("wb") as opened:
        opened.truncate(64 * MIB)
    return path


def test_the_speed_is_that_of_the_reads(file: Path) -> None:
    clock = FakeClock()
    reader = TimedReader(clock, lambda n_bytes: 1e-3 + n_bytes / 1e9)
    speed = measure_disk(file, n_readers=1, direct=True, open_file=reader, clock=clock)
    assert [point.request_bytes for point in speed.points] == list(REQUEST_SIZES)
    for point in speed.points:
        assert point.bytes_per_second.middle == pytest.approx(point.request_bytes / (1e-3 + point.request_bytes / 1e9))
    assert reader.is_closed


def test_reads_are_aligned_spread_and_inside_the_file(file: Path) -> None:
    clock = FakeClock()
    reader = TimedReader(clock, lambda n_bytes: 1e-2)
    measure_disk(file, n_readers=1, direct=True, open_file=reader, clock=clock)
    assert all(offset % PAGE == 0 and 0 <= offset <= 64 * MIB - REQUEST_SIZES[0] for offset in reader.offsets)
    assert len(set(reader.offsets)) > len(reader.offsets) // 2


def test_a_disk_slower_than_a_window_is_read_at_least_once_in_each(file: Path) -> None:
    clock = FakeClock()
    speed = measure_disk(file, n_readers=1, direct=True, open_file=TimedReader(clock, lambda _: 10.0), clock=clock)
    assert speed.points[0].bytes_per_second.middle == pytest.approx(REQUEST_SIZES[0] / 10)


def test_a_failing_disk_is_an_error_and_the_file_is_closed(file: Path) -> None:
    reader = TimedReader(FakeClock(), lambda _: 0.0, fails=True)
    with pytest.raises(ExpertReadError):
        measure_disk(file, n_readers=2, direct=True, open_file=reader)
    assert reader.is_closed


@pytest.mark.parametrize("n_bytes", [0, 1000])
def test_a_file_too_small_is_an_error(tmp_path: Path, n_bytes: int) -> None:
    path = tmp_path / "small"
    path.write_bytes(bytes(n_bytes))
    with pytest.raises(ExpertReadError, match="too small"):
        measure_disk(path, n_readers=1)


def test_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExpertReadError):
        measure_disk(tmp_path / "none", n_readers=1)


def test_a_real_file_has_a_speed(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(bytes(2 * MIB))
    speed = measure_disk(path, n_readers=2)
    assert all(point.bytes_per_second.low > 0 for point in speed.points)


def test_a_model_that_is_large_enough_is_read_itself(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_speed, "_LEAST_FILE_BYTES", 3 * PAGE)
    model = tmp_path / "whole.gguf"
    model.write_bytes(b"x" * 4 * PAGE)
    with readable_file(tmp_path, (tmp_path / "none", model)) as found:
        assert found == model
    assert model.is_file()


def test_a_file_of_holes_is_no_measure_of_a_disk(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_speed, "_LEAST_FILE_BYTES", MIB)
    monkeypatch.setattr(disk_speed, "SAMPLE_BYTES", MIB)
    monkeypatch.setattr(disk_speed, "_BLOCK_BYTES", MIB // 4)
    with readable_file(tmp_path, (file,)) as found:
        assert found != file
        assert found.stat().st_size == MIB
    assert not found.exists()


def test_the_file_that_was_written_is_removed_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_speed, "SAMPLE_BYTES", MIB)
    monkeypatch.setattr(disk_speed, "_BLOCK_BYTES", MIB)
    with pytest.raises(RuntimeError), readable_file(tmp_path / "not" / "there" / "yet"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_not_filled_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_speed, "free_disk_bytes", lambda folder: 300 * MIB)
    with pytest.raises(DiskFullError), readable_file(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_nearest_folder_of_a_path_that_is_not_there_is_a_parent(tmp_path: Path) -> None:
    assert nearest_folder(tmp_path / "a" / "b") == tmp_path
