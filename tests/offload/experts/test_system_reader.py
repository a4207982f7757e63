"""How a system reader reads, over files in memory and over real ones."""

import errno
from pathlib import Path

import numpy as np
import pytest

from fakes.expert_files import aligned_memory
from fakes.memory_calls import MemoryCalls
from offload.errors import ExpertReadError
from offload.experts.macos_calls import MacosCalls
from offload.experts.open_reader import calls_of, open_reader
from offload.experts.posix_calls import PosixCalls
from offload.experts.reader import Target
from offload.experts.system_reader import SystemReader
from offload.experts.windows_calls import WindowsCalls

CONTENT = np.random.default_rng(7).bytes(5 * 4096 + 100)
FILE = Path("model.gguf")


def reader_over(calls: MemoryCalls, *, direct: bool = True) -> SystemReader:
    return SystemReader(FILE, direct=direct, calls=calls)


def test_direct_read_lands_in_place_at_its_phase() -> None:
    calls = MemoryCalls(CONTENT)
    target = Target(aligned_memory(3 * 4096), 100, 5000)
    reader_over(calls).read(4096 + 100, [target])
    assert bytes(target.payload) == CONTENT[4196 : 4196 + 5000]
    assert [(read.direct, read.offset, read.lengths) for read in calls.reads] == [(True, 4096, (8192,))]


def test_direct_read_touches_nothing_beyond_its_pages() -> None:
    target = Target(aligned_memory(3 * 4096), 100, 3000)
    reader_over(MemoryCalls(CONTENT)).read(100, [target])
    assert bytes(target.region[4096:]) == b"\xee" * 8192


def test_direct_read_of_the_last_page_ends_with_the_file() -> None:
    target = Target(aligned_memory(4096), 0, 100)
    reader_over(MemoryCalls(CONTENT)).read(5 * 4096, [target])
    assert bytes(target.payload) == CONTENT[-100:]


def test_several_targets_take_one_call() -> None:
    calls = MemoryCalls(CONTENT)
    targets = [Target(aligned_memory(8192), 0, 5000), Target(aligned_memory(4096), 0, 4096)]
    reader_over(calls).read(4096, targets)
    assert bytes(targets[0].payload) == CONTENT[4096 : 4096 + 5000]
    assert bytes(targets[1].payload) == CONTENT[3 * 4096 : 4 * 4096]
    assert [read.lengths for read in calls.reads] == [(8192, 4096)]


@pytest.mark.parametrize("step_bytes", [4096, 5000, 8192])
@pytest.mark.parametrize("direct", [True, False])
def test_reads_that_arrive_in_pieces_are_continued(step_bytes: int, direct: bool) -> None:
    calls = MemoryCalls(CONTENT, step_bytes=step_bytes)
    targets = [Target(aligned_memory(8192), 0, 8000), Target(aligned_memory(8192), 0, 8000)]
    reader_over(calls, direct=direct).read(0, targets)
    assert bytes(targets[0].payload) == CONTENT[:8000]
    assert bytes(targets[1].payload) == CONTENT[8192:16192]
    assert {read.direct for read in calls.reads} == {direct}


@pytest.mark.parametrize("direct", [True, False])
def test_file_that_ends_early_is_an_error_with_its_place(direct: bool) -> None:
    reader = reader_over(MemoryCalls(CONTENT), direct=direct)
    with pytest.raises(ExpertReadError, match=r"the file ends after 100 of 200 bytes") as caught:
        reader.read(5 * 4096, [Target(aligned_memory(4096), 0, 200)])
    assert (caught.value.file, caught.value.offset) == (FILE, 5 * 4096)


def test_read_beyond_the_file_is_an_error() -> None:
    with pytest.raises(ExpertReadError, match="the file ends after 0 of 10 bytes"):
        reader_over(MemoryCalls(CONTENT)).read(100 * 4096, [Target(aligned_memory(4096), 0, 10)])


@pytest.mark.parametrize("direct", [True, False])
def test_failing_disk_is_an_error_with_its_place(direct: bool) -> None:
    calls = MemoryCalls(CONTENT, error=errno.EIO)
    with pytest.raises(ExpertReadError, match=r"model.gguf, offset 4096: could not be read: the disk failed") as caught:
        reader_over(calls, direct=direct).read(4096, [Target(aligned_memory(4096), 0, 10)])
    assert caught.value.offset == 4096


def test_disk_that_fails_is_read_again_directly() -> None:
    calls = MemoryCalls(CONTENT, error=errno.EIO)
    reader = reader_over(calls)
    with pytest.raises(ExpertReadError):
        reader.read(0, [Target(aligned_memory(4096), 0, 10)])
    assert reader.direct


def test_refused_direct_open_falls_back_to_buffered() -> None:
    reader = reader_over(MemoryCalls(CONTENT, direct_opens=False))
    target = Target(aligned_memory(4096), 0, 100)
    assert not reader.direct
    reader.read(7, [target])
    assert bytes(target.payload) == CONTENT[7:107]


def test_refused_direct_read_falls_back_to_buffered_for_good() -> None:
    calls = MemoryCalls(CONTENT, direct_reads=False)
    reader = reader_over(calls)
    target = Target(aligned_memory(4096), 7, 100)
    for _ in range(2):
        reader.read(7, [target])
        assert bytes(target.payload) == CONTENT[7:107]
    assert [read.direct for read in calls.reads] == [True, False, False]
    assert not reader.direct


def test_buffered_reads_leave_the_page_cache() -> None:
    calls = MemoryCalls(CONTENT)
    reader_over(calls, direct=False).read(4000, [Target(aligned_memory(4096), 0, 200)])
    assert calls.forgotten == [(0, 8192)]


def test_buffered_read_is_exact() -> None:
    calls = MemoryCalls(CONTENT)
    target = Target(aligned_memory(4096), 10, 200)
    reader_over(calls, direct=False).read(4001, [target])
    assert bytes(target.region[:10]) + bytes(target.region[210:]) == b"\xee" * (4096 - 200)
    assert calls.reads[0].lengths == (200,)


@pytest.mark.parametrize("calls", [MemoryCalls(CONTENT), MemoryCalls(CONTENT, direct_reads=False)])
def test_close_closes_every_descriptor_once(calls: MemoryCalls) -> None:
    reader = reader_over(calls)
    reader.read(0, [Target(aligned_memory(4096), 0, 10)])
    reader.close()
    reader.close()
    assert calls.open_descriptors == {}


def test_direct_read_that_cannot_land_in_place_is_refused() -> None:
    with pytest.raises(ValueError, match="in place"):
        reader_over(MemoryCalls(CONTENT)).read(7, [Target(aligned_memory(4096), 0, 10)])


def test_missing_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ExpertReadError, match=r"gone\.gguf") as caught:
        open_reader(tmp_path / "gone.gguf", direct=True)
    assert caught.value.file == tmp_path / "gone.gguf"


@pytest.mark.parametrize("direct", [True, False])
def test_real_files_are_read(tmp_path: Path, direct: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    reader = open_reader(path, direct=direct)
    targets = [Target(aligned_memory(8192), 0, 5000), Target(aligned_memory(8192), 0, 4196)]
    reader.read(2 * 4096, targets)
    reader.close()
    assert bytes(targets[0].payload) == CONTENT[8192 : 8192 + 5000]
    assert bytes(targets[1].payload) == CONTENT[16384:]


@pytest.mark.parametrize(
    ("platform", "expected"), [("linux", PosixCalls), ("darwin", MacosCalls), ("win32", WindowsCalls)]
)
def test_every_system_has_its_calls(platform: str, expected: type) -> None:
    assert type(calls_of(platform)) is expected
