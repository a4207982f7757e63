"""`MemoryCalls`: the calls of a system whose files lie in memory, as strict about alignment as a real one."""

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from offload.experts.store import PAGE


class Read(NamedTuple):
    """One read that was asked for."""

    direct: bool
    offset: int
    lengths: tuple[int, ...]


class MemoryCalls:
    """One file of `content`; refuses direct opens or reads, reads in small steps or fails, as told."""

    def __init__(
        self,
        content: bytes,
        *,
        direct_opens: bool = True,
        direct_reads: bool = True,
        step_bytes: int | None = None,
        error: int = 0,
    ) -> None:
        self.content = content
        self.reads: list[Read] = []
        self.forgotten: list[tuple[int, int]] = []
        self.open_descriptors: dict[int, bool] = {}
        self._direct_opens = direct_opens
        self._direct_reads = direct_reads
        self._step_bytes = step_bytes
        self._error = error
        self._n_opened = 0

    def open(self, path: Path, *, direct: bool) -> int:
        if direct and not self._direct_opens:
            raise OSError(errno.EINVAL, "no direct opens here")
        self._n_opened += 1
        self.open_descriptors[self._n_opened] = direct
        return self._n_opened

    def preadv(self, descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        direct = self.open_descriptors[descriptor]
        self.reads.append(Read(direct, offset, tuple(len(buffer) for buffer in buffers)))
        if self._error:
            raise OSError(self._error, "the disk failed")
        aligned = offset % PAGE == 0 and all(
            len(buffer) % PAGE == 0 and np.frombuffer(buffer, np.uint8).ctypes.data % PAGE == 0 for buffer in buffers
        )
        if direct and not (self._direct_reads and aligned):
            raise OSError(errno.EINVAL, "not aligned, or no direct reads here")
        left = self.content[offset:][: self._step_bytes]
        arrived = 0
        for buffer in buffers:
            part = left[arrived : arrived + len(buffer)]
            buffer[: len(part)] = part
            arrived += len(part)
        return arrived

    def forget(self, descriptor: int, offset: int, n_bytes: int) -> None:
        self.forgotten.append((offset, n_bytes))

    def close(self, descriptor: int) -> None:
        del self.open_descriptors[descriptor]
