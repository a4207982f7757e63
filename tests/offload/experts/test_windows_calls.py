"""Reading on Windows, with stand-ins for its modules and files."""

import io
import os
import threading
from pathlib import Path

import pytest

from offload.experts.windows_calls import WindowsCalls, open_file

CONTENT = bytes(range(256)) * 40


class Winapi:
    """Stands in for `_winapi`: notes how a file is opened and hands out the handle 77."""

    def __init__(self) -> None:
        self.opened: list[tuple[object, ...]] = []
        self.closed: list[int] = []

    def CreateFile(self, *arguments: object) -> int:  # noqa: N802
        self.opened.append(arguments)
        return 77

    def CloseHandle(self, handle: int) -> None:  # noqa: N802
        self.closed.append(handle)


class Msvcrt:
    """Stands in for `msvcrt`: turns a handle into a descriptor of a real file, or fails."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def open_osfhandle(self, handle: int, flags: int) -> int:
        if self._path is None:
            raise OSError("too many open files")
        return os.open(self._path, os.O_RDONLY)


@pytest.mark.parametrize(("direct", "flags"), [(True, 0x20000000), (False, 0x10000000)])
def test_direct_file_is_opened_without_buffering(tmp_path: Path, direct: bool, flags: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    winapi = Winapi()
    with open_file(path, direct, winapi, Msvcrt(path)) as file:
        assert file.read() == b"content"
    generic_read, share_read_and_delete, open_existing = 0x80000000, 5, 3
    assert winapi.opened == [(str(path), generic_read, share_read_and_delete, 0, open_existing, flags, 0)]


def test_handle_is_closed_when_it_becomes_no_file(tmp_path: Path) -> None:
    winapi = Winapi()
    with pytest.raises(OSError, match="too many open files"):
        open_file(tmp_path / "file", True, winapi, Msvcrt(None))
    assert winapi.closed == [77]


class Files:
    """Opens files over `CONTENT`, and keeps them."""

    def __init__(self) -> None:
        self.opened: list[io.BytesIO] = []

    def __call__(self, path: Path, direct: bool) -> io.BytesIO:
        self.opened.append(io.BytesIO(CONTENT))
        return self.opened[-1]


def test_buffers_are_filled_one_after_the_other() -> None:
    calls = WindowsCalls(Files())
    descriptor = calls.open(Path("file"), direct=True)
    first, second = bytearray(100), bytearray(50)
    assert calls.preadv(descriptor, [memoryview(first), memoryview(second)], 1000) == 150
    assert bytes(first + second) == CONTENT[1000:1150]


def test_end_of_file_ends_the_read() -> None:
    calls = WindowsCalls(Files())
    descriptor = calls.open(Path("file"), direct=True)
    first, second = bytearray(100), bytearray(b"untouched")
    assert calls.preadv(descriptor, [memoryview(first), memoryview(second)], len(CONTENT) - 30) == 30
    assert bytes(second) == b"untouched"


def test_threads_at_once_read_files_of_their_own() -> None:
    both = threading.Barrier(2)

    class MeetingFile(io.BytesIO):
        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            both.wait()
            return super().readinto(buffer)

    opened: list[MeetingFile] = []

    def open_meeting(path: Path, direct: bool) -> MeetingFile:
        opened.append(MeetingFile(CONTENT))
        return opened[-1]

    calls = WindowsCalls(open_meeting)
    descriptor = calls.open(Path("file"), direct=True)
    buffers = [bytearray(10), bytearray(10)]
    threads = [
        threading.Thread(target=calls.preadv, args=(descriptor, [memoryview(buffer)], 1000 * index))
        for index, buffer in enumerate(buffers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [bytes(buffer) for buffer in buffers] == [CONTENT[:10], CONTENT[1000:1010]]
    assert len(opened) == 2


def test_file_at_rest_is_used_again() -> None:
    files = Files()
    calls = WindowsCalls(files)
    descriptor = calls.open(Path("file"), direct=True)
    for _ in range(3):
        calls.preadv(descriptor, [memoryview(bytearray(10))], 0)
    assert len(files.opened) == 1


def test_close_closes_every_file() -> None:
    files = Files()
    calls = WindowsCalls(files)
    calls.close(calls.open(Path("file"), direct=True))
    assert [file.closed for file in files.opened] == [True]
