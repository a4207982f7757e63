"""Reading on macOS, with a stand-in for fcntl."""

import errno
import os
from pathlib import Path

import pytest

from offload.experts.macos_calls import MacosCalls


class Fcntl:
    """Notes what it is asked; fails with `error`."""

    def __init__(self, error: int = 0) -> None:
        self.asked: list[tuple[int, int, int]] = []
        self._error = error

    def __call__(self, descriptor: int, command: int, argument: int) -> int:
        self.asked.append((descriptor, command, argument))
        if self._error:
            raise OSError(self._error, "refused")
        return 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    return path


def test_direct_descriptor_bypasses_the_cache(file: Path) -> None:
    fcntl = Fcntl()
    calls = MacosCalls(fcntl)
    descriptor = calls.open(file, direct=True)
    calls.close(descriptor)
    assert fcntl.asked == [(descriptor, 48, 1)]


def test_buffered_descriptor_is_left_as_it_is(file: Path) -> None:
    fcntl = Fcntl()
    calls = MacosCalls(fcntl)
    calls.close(calls.open(file, direct=False))
    assert fcntl.asked == []


def test_refused_descriptor_is_closed(file: Path) -> None:
    fcntl = Fcntl(errno.EINVAL)
    with pytest.raises(OSError, match="refused"):
        MacosCalls(fcntl).open(file, direct=True)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fcntl.asked[0][0])


@pytest.mark.parametrize("has_preadv", [True, False])
def test_reads_with_and_without_preadv(file: Path, has_preadv: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_preadv:
        monkeypatch.delattr(os, "preadv")
    calls = MacosCalls(Fcntl())
    descriptor = calls.open(file, direct=False)
    first, second = bytearray(10), bytearray(10)
    arrived = calls.preadv(descriptor, [memoryview(first), memoryview(second)], 5)
    calls.close(descriptor)
    assert (first + second)[:arrived] == bytes(range(5, 5 + arrived))
    assert arrived == (20 if has_preadv else 10)
