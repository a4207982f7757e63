"""One file of the hub into one partial file, going on from what there is.

A partial file holds the first bytes of the file and nothing else, so its length says where to go on. It is appended
to as bytes come: what a killed process had written is not asked for again. After a power cut some file systems keep
a length without its bytes; the checksum of the whole finds that.
"""

import os
from collections.abc import Callable
from pathlib import Path

from offload.errors import HubError, HubFailure
from offload.hub.client import Body, HubClient
from offload.hub.patience import PassingError
from offload.hub.repository import RemoteFile

_SYNC_BYTES = 64 << 20
"""This much may wait in the page cache before it is sent to the disk."""


def transfer(client: HubClient, file: RemoteFile, part: Path, on_length: Callable[[int], None]) -> None:
    """Bring `part` to the length of `file`. Calls `on_length` with the length so far after every piece.

    Also a few times a second while nothing comes, so that what it raises ends a transfer that stalls. Whatever ends it,
    `part` keeps what has come.

    Raises:
        HubError: the hub says no, cannot be reached in spite of patience, or sends another length than it lists.
        OSError: it cannot be written.
    """
    patience = client.patience(hint="Check the connection and try again; what has come is kept.")
    with part.open("ab", buffering=0) as output:
        growing = _GrowingFile(output.fileno(), file)

        def tell() -> None:
            on_length(growing.length)

        tell()
        while growing.length < file.n_bytes:
            try:
                with client.body(file.url, growing.length, while_waiting=tell) as body:
                    _check_answer(file, body, growing.length)
                    if body.start < growing.length:
                        # It cannot resume: all of it comes again.
                        growing.empty()
                    for piece in body.pieces:
                        growing.append(piece)
                        patience.progressed()
                        tell()
                if growing.length < file.n_bytes:
                    raise PassingError(f"{file.name} ended after {growing.length} of {file.n_bytes} bytes")
            except PassingError as trouble:
                patience.failed(trouble)
                tell()
        growing.sync()


class _GrowingFile:
    """A partial file open for appending, and how long it is. Never longer than the file it becomes."""

    def __init__(self, descriptor: int, file: RemoteFile) -> None:
        self.length = os.fstat(descriptor).st_size
        self._descriptor = descriptor
        self._file = file
        self._unsynced_bytes = 0
        if self.length > file.n_bytes:
            self.empty()

    def append(self, piece: bytes) -> None:
        if self.length + len(piece) > self._file.n_bytes:
            raise _other_length(self._file, self.length + len(piece))
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self.length += len(piece)
        self._unsynced_bytes += len(piece)
        if self._unsynced_bytes >= _SYNC_BYTES:
            self.sync()

    def empty(self) -> None:
        os.ftruncate(self._descriptor, 0)
        self.length = 0

    def sync(self) -> None:
        os.fsync(self._descriptor)
        self._unsynced_bytes = 0


def _check_answer(file: RemoteFile, body: Body, length: int) -> None:
    if body.start not in (0, length):
        raise HubError(
            f"The hub sends {file.name} from byte {body.start}, asked for was {length}.", reason=HubFailure.MALFORMED
        )
    if body.total_bytes is not None and body.total_bytes != file.n_bytes:
        raise _other_length(file, body.total_bytes)


def _other_length(file: RemoteFile, n_bytes: int) -> HubError:
    return HubError(
        f"The hub sends {n_bytes} bytes or more as {file.name}, but lists {file.n_bytes}.",
        reason=HubFailure.MALFORMED,
        hint="Try again later; what has come is kept.",
    )
