"""Measures how fast a file can be read, and whether past the page cache or through it is faster."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from offload.errors import ExpertReadError
from offload.experts.bounce import BounceBuffer
from offload.experts.open_reader import calls_of
from offload.experts.reader import Target
from offload.experts.store import page_floor
from offload.experts.system_reader import FileCalls, SystemReader

_CHUNK_BYTES = 1 << 20
_MAX_PAIRS = 32
_MAX_SECONDS = 0.15
_FOLIO_BYTES = 4 << 20
"""Linux keeps a file in folios of up to some MiB and drops only whole ones: so more than the chunk is forgotten."""
_CLEARLY_FASTER = 1.3
"""Buffered reads must be this much faster to be chosen: they cost page cache and a copy on the computing cores."""
_NOT_THE_DISK = 3.0
"""Buffered reads this much faster come out of the page cache: a file just written cannot be dropped from it. That
says nothing of the disk, and would not last, since buffered readers drop what they have read."""


@dataclass(frozen=True, slots=True)
class DiskProbe:
    """What one thread read from a file. A speed is 0.0 where it was not measured."""

    direct: bool
    """Whether direct reads are possible and not clearly slower."""
    direct_bytes_per_second: float
    buffered_bytes_per_second: float

    @property
    def bytes_per_second(self) -> float:
        """The speed of the chosen way."""
        return self.direct_bytes_per_second if self.direct else self.buffered_bytes_per_second


def probe_direct_io(
    path: Path, *, calls: FileCalls | None = None, clock: Callable[[], float] = time.perf_counter
) -> DiskProbe:
    """Read chunks all over `path` by turns direct and buffered, for at most about 0.2 seconds.

    A file of a few MiB is not measured: direct reads are chosen where they are possible.

    Raises:
        ExpertReadError: the file cannot be opened or read.
    """
    calls = calls if calls is not None else calls_of(sys.platform)
    direct = SystemReader(path, direct=True, calls=calls)
    buffered = SystemReader(path, direct=False, calls=calls)
    try:
        seconds = {direct: 0.0, buffered: 0.0}
        n_pairs = _read_by_turns(path, direct, buffered, seconds, calls, clock)
        direct_speed, buffered_speed = (_speed(n_pairs, seconds[reader]) for reader in (direct, buffered))
        buffered_wins = _CLEARLY_FASTER * direct_speed < buffered_speed < _NOT_THE_DISK * direct_speed
        return DiskProbe(
            direct=direct.direct and not buffered_wins,
            direct_bytes_per_second=direct_speed if direct.direct else 0.0,
            buffered_bytes_per_second=buffered_speed,
        )
    finally:
        direct.close()
        buffered.close()


def _read_by_turns(
    path: Path,
    direct: SystemReader,
    buffered: SystemReader,
    seconds: dict[SystemReader, float],
    calls: FileCalls,
    clock: Callable[[], float],
) -> int:
    """Add the time each reader takes to `seconds`; return how many chunks each has read."""
    try:
        file_bytes = path.stat().st_size
        descriptor = calls.open(path, direct=False)
    except OSError as error:
        raise ExpertReadError(f"{path} could not be read: {error.strerror or error}.", file=path, offset=0) from error
    try:
        n_pairs = min(file_bytes // _CHUNK_BYTES // 2, _MAX_PAIRS)
        target = Target(BounceBuffer().region(_CHUNK_BYTES), 0, _CHUNK_BYTES)
        # A first read finds out whether direct reads work at all, and pays what only first reads pay.
        if file_bytes >= _CHUNK_BYTES:
            direct.read(0, [target])
        if n_pairs < 2:
            return 0
        step = page_floor((file_bytes - _CHUNK_BYTES) // (2 * n_pairs))
        started = clock()
        for pair in range(n_pairs):
            for turn, reader in enumerate((direct, buffered)):
                offset = (2 * pair + 1 + turn) * step
                calls.forget(descriptor, max(offset - _FOLIO_BYTES, 0), _CHUNK_BYTES + 2 * _FOLIO_BYTES)
                before = clock()
                reader.read(offset, [target])
                seconds[reader] += clock() - before
            if clock() - started > _MAX_SECONDS:
                return pair + 1
        return n_pairs
    finally:
        calls.close(descriptor)


def _speed(n_chunks: int, seconds: float) -> float:
    return n_chunks * _CHUNK_BYTES / seconds if seconds > 0 else 0.0
