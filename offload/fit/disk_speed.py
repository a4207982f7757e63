"""Measures how fast experts can be read: reads of a few sizes at random places, by as many threads as engines have."""

import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from offload.errors import DiskFullError, ExpertReadError
from offload.experts.bounce import BounceBuffer
from offload.experts.disk_probe import probe_direct_io
from offload.experts.open_reader import open_reader
from offload.experts.reader import FileReader, Target
from offload.experts.store import PAGE
from offload.fit.estimate import of_samples
from offload.fit.machine_speed import DiskPoint, DiskSpeed
from offload.machine import free_disk_bytes

REQUEST_SIZES = (256 << 10, 1 << 20, 4 << 20)
"""Bytes of a read: parts of experts are from 0.2 to some MB."""
SAMPLE_BYTES = 256 << 20
"""Of the file that is written where there is none large enough to read."""
_LEAST_FILE_BYTES = 128 << 20
"""Of a file that is read: a smaller one may lie in a cache of the disk as a whole."""
_ROOM_SHARE = 4
"""Free room there must be, in samples."""
_WINDOWS = 6
_WINDOW_SECONDS = 0.07
_BLOCK_BYTES = 8 << 20


def measure_disk(
    file: Path,
    *,
    n_readers: int,
    direct: bool | None = None,
    open_file: Callable[..., FileReader] = open_reader,
    clock: Callable[[], float] = time.perf_counter,
) -> DiskSpeed:
    """Read `file` for about 1.3 s; `direct` None: whichever way the engine would choose.

    Raises:
        ExpertReadError: it cannot be read, or is smaller than any read.
    """
    file_bytes = _size_of(file)
    sizes = [size for size in REQUEST_SIZES if size <= file_bytes // 4]
    if not sizes:
        raise ExpertReadError(f"{file} is too small to measure a disk with.", file=file, offset=0)
    reader = open_file(file, direct=probe_direct_io(file).direct if direct is None else direct)
    try:
        points = []
        for size in sizes:
            windows = [_window(reader, size, file_bytes, n_readers, index, clock) for index in range(_WINDOWS)]
            points.append(DiskPoint(size, of_samples(windows[1:])))
        return DiskSpeed(tuple(points))
    finally:
        reader.close()


@contextmanager
def readable_file(place: Path, candidates: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Give the first of `candidates` that is large enough, else a file of 256 MiB in the folder `place`, then removed.

    Raises:
        DiskFullError: there is too little room for it.
        OSError: it cannot be written.
    """
    for candidate in candidates:
        if _has_bytes(candidate, _LEAST_FILE_BYTES):
            yield candidate
            return
    folder = nearest_folder(place)
    free_bytes = free_disk_bytes(folder)
    if free_bytes < _ROOM_SHARE * SAMPLE_BYTES:
        raise DiskFullError(
            f"There is too little room in {folder} to measure its disk.",
            folder=folder,
            needed_bytes=_ROOM_SHARE * SAMPLE_BYTES,
            free_bytes=free_bytes,
        )
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".offload-probe-") as sample:
        for _ in range(SAMPLE_BYTES // _BLOCK_BYTES):
            sample.write(random.randbytes(_BLOCK_BYTES))
        sample.flush()
        os.fsync(sample.fileno())
        yield Path(sample.name)


def nearest_folder(place: Path) -> Path:
    """Return `place`, or the nearest of its parents that is a folder."""
    found = place.absolute()
    while not found.is_dir() and found != found.parent:
        found = found.parent
    return found


def _window(
    reader: FileReader, size: int, file_bytes: int, n_readers: int, seed: int, clock: Callable[[], float]
) -> float:
    """Return the bytes a second that all readers read for a while."""
    n_bytes = [0] * n_readers
    failures: list[ExpertReadError] = []
    start = clock()

    def read(index: int) -> None:
        places = random.Random(f"{size} {seed} {index}")  # other places each time: disks have caches
        target = Target(BounceBuffer().region(size), 0, size)
        try:
            while not n_bytes[index] or clock() - start < _WINDOW_SECONDS:
                reader.read(places.randrange((file_bytes - size) // PAGE + 1) * PAGE, [target])
                n_bytes[index] += size
        except ExpertReadError as error:
            failures.append(error)

    threads = [threading.Thread(target=read, args=(index,), daemon=True) for index in range(n_readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(n_bytes) / max(clock() - start, 1e-9)


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise ExpertReadError(f"{file} could not be read: {error.strerror or error}.", file=file, offset=0) from error


def _has_bytes(file: Path, n_bytes: int) -> bool:
    """Say whether the file has so many bytes, and holds no holes, which no disk needs to read."""
    try:
        found = file.stat()
    except OSError:
        return False
    blocks = getattr(found, "st_blocks", None)
    return found.st_size >= n_bytes and (blocks is None or blocks * 512 >= n_bytes)
