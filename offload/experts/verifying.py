"""Checks every record of a packed store against its checksum."""

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from offload.errors import CancelledError, ExpertReadError
from offload.experts.bounce import BounceBuffer
from offload.experts.key import ExpertKey
from offload.experts.open_reader import open_reader
from offload.experts.packed_file import PackedFile, read_packed_file
from offload.experts.reader import FileReader, Target
from offload.experts.store import page_ceil

_N_WORKERS = 2


def verify_packed(path: Path, on_progress: Callable[[int, int], bool] | None = None) -> list[ExpertKey]:
    """Read every record of the packed store `path`; return the experts whose bytes are not what was written.

    `on_progress(done_bytes, total_bytes)` is called in this thread after each record; False stops the check.

    Raises:
        ModelNotFoundError: there is no such file.
        StaleStoreError: the file has another format version.
        ModelFileError: it is no packed store, or its tables are malformed or truncated.
        CancelledError: `on_progress` returned False.
    """
    file = read_packed_file(path)
    stored = file.index["stored_bytes"].tolist()
    total_bytes, done_bytes = sum(stored), 0
    bad: list[ExpertKey] = []
    reader = open_reader(path, direct=True)
    idle = [BounceBuffer() for _ in range(2 * _N_WORKERS)]
    waiting: deque[tuple[ExpertKey, range, BounceBuffer, Future[bool]]] = deque()
    pool = ThreadPoolExecutor(_N_WORKERS, "verify")
    try:
        records = _records(file)
        while True:
            while idle and (record := next(records, None)) is not None:
                key, entries = record
                bounce = idle.pop()
                waiting.append((key, entries, bounce, pool.submit(_is_intact, reader, file, entries, bounce)))
            if not waiting:
                return bad
            key, entries, bounce, intact = waiting.popleft()
            if not intact.result():
                bad.append(key)
            idle.append(bounce)
            done_bytes += sum(stored[entry] for entry in entries)
            if on_progress is not None and not on_progress(done_bytes, total_bytes):
                raise CancelledError("The check was stopped.")
    finally:
        pool.shutdown(cancel_futures=True)
        reader.close()


def _records(file: PackedFile) -> Iterator[tuple[ExpertKey, range]]:
    """Yield every expert with its entries in the index."""
    first = 0
    for layer in file.description.layers:
        for expert in range(layer.n_expert):
            yield ExpertKey(layer.layer, expert), range(first, first + len(layer.parts))
            first += len(layer.parts)


def _is_intact(reader: FileReader, file: PackedFile, entries: range, bounce: BounceBuffer) -> bool:
    for entry in entries:
        row = file.index[entry]
        n_bytes = int(row["stored_bytes"])
        target = Target(bounce.region(page_ceil(n_bytes)), 0, n_bytes)
        try:
            reader.read(int(row["offset"]), [target])
        except ExpertReadError:
            return False
        if zlib.crc32(target.payload) != int(row["crc32"]):
            return False
    return True
