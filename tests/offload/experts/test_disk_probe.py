"""What the probe concludes from disks of known speed, on a clock that only they move."""

import errno
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from offload.errors import ExpertReadError
from offload.experts.disk_probe import probe_direct_io

MIB = 1 << 20


class Disk:
    """The calls of a system whose every read takes the seconds given; its clock is `now`."""

    def __init__(self, *, direct_seconds: float, buffered_seconds: float, direct_reads: bool = True) -> None:
        self.now = 0.0
        self.reads: list[tuple[bool, int]] = []
        self.open_descriptors: list[int] = []
        self.forgotten = range(0)
        self.reads_were_cold = True
        self._seconds = {True: direct_seconds, False: buffered_seconds}
        self._direct_reads = direct_reads
        self._ways: list[bool] = []

    def clock(self) -> float:
        return self.now

    def open(self, path: Path, *, direct: bool) -> int:
        self._ways.append(direct)
        self.open_descriptors.append(len(self._ways) - 1)
        return len(self._ways) - 1

    def preadv(self, descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        direct = self._ways[descriptor]
        if direct and not self._direct_reads:
            raise OSError(errno.EINVAL, "no direct reads here")
        self.reads.append((direct, offset))
        self.reads_were_cold &= direct or offset in self.forgotten
        self.now += self._seconds[direct]
        return sum(len(buffer) for buffer in buffers)

    def forget(self, descriptor: int, offset: int, n_bytes: int) -> None:
        self.forgotten = range(offset, offset + n_bytes)

    def close(self, descriptor: int) -> None:
        self.open_descriptors.remove(descriptor)


def empty_file(path: Path, n_bytes: int) -> Path:
    with path.open("wb") as empty:
        empty.truncate(n_bytes)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return empty_file(tmp_path / "file", 100 * MIB)


@pytest.mark.parametrize(
    ("direct_seconds", "buffered_seconds", "direct"),
    [(0.001, 0.002, True), (0.002, 0.001, False), (0.001, 0.001, True), (0.00110, 0.001, True)],
)
def test_buffered_reads_are_chosen_only_where_clearly_faster(
    file: Path, direct_seconds: float, buffered_seconds: float, direct: bool
) -> None:
    disk = Disk(direct_seconds=direct_seconds, buffered_seconds=buffered_seconds)
    probe = probe_direct_io(file, calls=disk, clock=disk.clock)
    assert probe.direct is direct
    assert probe.direct_bytes_per_second == pytest.approx(MIB / direct_seconds)
    assert probe.buffered_bytes_per_second == pytest.approx(MIB / buffered_seconds)
    assert probe.bytes_per_second == pytest.approx(MIB / (direct_seconds if direct else buffered_seconds))


def test_speed_of_the_page_cache_is_not_mistaken_for_the_disks(file: Path) -> None:
    disk = Disk(direct_seconds=0.001, buffered_seconds=0.0001)
    assert probe_direct_io(file, calls=disk, clock=disk.clock).direct


@pytest.mark.parametrize("n_bytes", [MIB, 100 * MIB])
def test_direct_reads_that_are_refused_are_not_chosen(tmp_path: Path, n_bytes: int) -> None:
    disk = Disk(direct_seconds=0.001, buffered_seconds=0.002, direct_reads=False)
    probe = probe_direct_io(empty_file(tmp_path / "file", n_bytes), calls=disk, clock=disk.clock)
    assert (probe.direct, probe.direct_bytes_per_second) == (False, 0.0)


def test_page_cache_is_asked_to_drop_what_is_read_buffered(file: Path) -> None:
    disk = Disk(direct_seconds=0.001, buffered_seconds=0.001)
    probe_direct_io(file, calls=disk, clock=disk.clock)
    assert disk.reads_were_cold


def test_slow_disk_is_not_read_for_long(file: Path) -> None:
    disk = Disk(direct_seconds=0.06, buffered_seconds=0.06)
    probe_direct_io(file, calls=disk, clock=disk.clock)
    assert disk.now < 0.4


def test_measured_chunks_are_all_over_the_file_and_apart(file: Path) -> None:
    disk = Disk(direct_seconds=0.001, buffered_seconds=0.001)
    probe_direct_io(file, calls=disk, clock=disk.clock)
    offsets = sorted(offset for _, offset in disk.reads if offset)
    assert len(offsets) == 64
    assert min(after - before for before, after in pairwise(offsets)) >= MIB
    assert 98 * MIB < offsets[-1] <= 99 * MIB
    assert {offset % 4096 for offset in offsets} == {0}


@pytest.mark.parametrize("n_bytes", [0, 5, MIB, 3 * MIB])
def test_small_file_is_not_measured(tmp_path: Path, n_bytes: int) -> None:
    disk = Disk(direct_seconds=0.001, buffered_seconds=0.001)
    probe = probe_direct_io(empty_file(tmp_path / "file", n_bytes), calls=disk, clock=disk.clock)
    assert (probe.direct, probe.bytes_per_second) == (True, 0.0)


def test_everything_opened_is_closed(file: Path) -> None:
    disk = Disk(direct_seconds=0.001, buffered_seconds=0.001)
    probe_direct_io(file, calls=disk, clock=disk.clock)
    assert disk.open_descriptors == []


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExpertReadError, match="gone"):
        probe_direct_io(tmp_path / "gone")


def test_real_file_has_a_speed(file: Path) -> None:
    assert probe_direct_io(file).bytes_per_second > 0
