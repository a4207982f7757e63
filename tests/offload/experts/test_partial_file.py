"""A partial file appears whole or not at all."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fakes.expert_files import aligned_memory
from offload.errors import DiskFullError, OffloadError
from offload.experts.partial_file import DiskWriter, PartialFile


class FailingWriter(DiskWriter):
    """Writes to disk until `fails_at`, then fails with `error`."""

    def __init__(self, path: Path, *, error: int, fails_at: str = "write") -> None:
        super().__init__(path)
        self._error, self._fails_at = error, fails_at

    def write(self, offset: int, data: memoryview) -> None:
        if self._fails_at == "write" and offset:
            raise OSError(self._error, os.strerror(self._error))
        super().write(offset, data)

    def sync(self) -> None:
        if self._fails_at == "sync":
            raise OSError(self._error, os.strerror(self._error))
        super().sync()


def failing(error: int, fails_at: str = "write") -> Callable[[Path], FailingWriter]:
    return lambda path: FailingWriter(path, error=error, fails_at=fails_at)


def write_half_of(destination: Path) -> None:
    with PartialFile(destination, 10) as partial:
        partial.write(0, memoryview(b"half"))
        raise KeyboardInterrupt


def write_too_much(destination: Path, open_writer: Callable[[Path], FailingWriter]) -> None:
    with PartialFile(destination, 8192, open_writer=open_writer) as partial:
        partial.write(0, memoryview(b"fits"))
        partial.write(4096, memoryview(b"does not"))
        partial.commit()


def test_committed_file_has_what_was_written(tmp_path: Path) -> None:
    destination = tmp_path / "out"
    page = aligned_memory(8192)
    page[:] = np.random.default_rng(5).bytes(8192)
    with PartialFile(destination, 3 * 4096) as partial:
        partial.write(4096, page)
        partial.write(0, memoryview(b"head"))
        partial.commit()
    assert destination.read_bytes() == b"head".ljust(4096, b"\0") + bytes(page)
    assert os.listdir(tmp_path) == ["out"]


def test_nothing_is_under_the_name_before_the_commit(tmp_path: Path) -> None:
    with PartialFile(tmp_path / "out", 10) as partial:
        partial.write(0, memoryview(b"half"))
        assert os.listdir(tmp_path) == ["out.partial"]
    assert os.listdir(tmp_path) == []


def test_error_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    destination = tmp_path / "out"
    destination.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        write_half_of(destination)
    assert destination.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["out"]


def test_commit_replaces_the_file_that_was_there(tmp_path: Path) -> None:
    destination = tmp_path / "out"
    destination.write_bytes(b"before, and longer")
    with PartialFile(destination, 10) as partial:
        partial.write(0, memoryview(b"after"))
        partial.commit()
    assert destination.read_bytes() == b"after"


def test_leftover_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "out.partial").write_bytes(b"left over by a process that was killed")
    with PartialFile(tmp_path / "out", 10) as partial:
        partial.write(0, memoryview(b"new"))
        partial.commit()
    assert (tmp_path / "out").read_bytes() == b"new"


def test_second_writer_of_the_same_file_is_refused(tmp_path: Path) -> None:
    with PartialFile(tmp_path / "out", 10) as first:
        first.write(0, memoryview(b"first"))
        with pytest.raises(OffloadError, match="Another process is writing"):
            PartialFile(tmp_path / "out", 10)
        first.commit()
    assert (tmp_path / "out").read_bytes() == b"first"


def test_missing_room_is_found_before_writing(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match="bytes free") as caught:
        PartialFile(tmp_path / "out", 1 << 60)
    assert caught.value.needed_bytes == 1 << 60
    assert 0 < caught.value.free_bytes < 1 << 60
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("fails_at", ["write", "sync"])
def test_room_that_runs_out_leaves_nothing(tmp_path: Path, error: int, fails_at: str) -> None:
    with pytest.raises(DiskFullError) as caught:
        write_too_much(tmp_path / "out", failing(error, fails_at))
    assert caught.value.needed_bytes == 8192
    assert os.listdir(tmp_path) == []


def test_failing_disk_is_an_error_with_the_file(tmp_path: Path) -> None:
    partial = PartialFile(tmp_path / "out", 8192, open_writer=failing(errno.EIO))
    with pytest.raises(OffloadError, match=r"out could not be written: Input/output error"), partial:
        partial.write(4096, memoryview(b"data"))
    assert os.listdir(tmp_path) == []


def test_missing_folder_is_an_error_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(OffloadError, match=r"missing/out could not be written: No such file"):
        PartialFile(tmp_path / "missing" / "out", 10)


def test_name_taken_by_a_folder_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    partial = PartialFile(tmp_path / "out", 10)
    with pytest.raises(OffloadError, match="could not be written"), partial:
        partial.commit()
    assert os.listdir(tmp_path) == ["out"]
