"""The header of a model that is still on the hub, read by ranged requests.

The reader of headers asks for bytes, and they are fetched in growing blocks, each byte once, so that no more comes than
the header and less than a block: with a tokenizer of 262,144 tokens and 280,000 merges less than 16 MB. A larger header
is fetched all the same, up to `LARGEST_HEADER_BYTES` of a file, beyond which it is refused. The bytes are then laid
into local files of the model's names and lengths, empty behind the header: holes where the file system has them.
Whatever reads headers by path, llama.cpp too, reads these; they hold no weights.
"""

from dataclasses import dataclass
from pathlib import Path

from offload.errors import HubError, HubFailure, OffloadError
from offload.gguf_bytes import HeaderBytes
from offload.gguf_header import GgufHeader, read_gguf_header
from offload.gguf_part import parse_part
from offload.hub.client import HubClient
from offload.hub.patience import PassingError
from offload.hub.repository import RemoteFile, RemoteModel

_FIRST_BLOCK_BYTES = 256 << 10
OTHER_PART_BYTES = 64 << 10
"""First block of further parts: without a tokenizer they have small headers, and there may be a hundred."""
LARGEST_BLOCK_BYTES = 2 << 20
LARGEST_HEADER_BYTES = 64 << 20
"""Of one file; those of known models have less than 16 MiB."""


@dataclass(frozen=True, slots=True)
class RemoteHeader:
    """A header, the local file that stands for the model's first, and how many bytes came for it."""

    header: GgufHeader
    path: Path
    fetched_bytes: int


def fetch_header(client: HubClient, model: RemoteModel, folder: Path) -> RemoteHeader:
    """Read the headers of all files of `model`, and write files into `folder` (empty, soon removed) that have them.

    Raises:
        HubError: the hub says no or cannot be reached.
        ModelFileError: a header is malformed.
        OffloadError: `folder` cannot be written to.
    """
    fetched_bytes = 0
    for index, file in enumerate(model.files):
        source = _RemoteBytes(client, file, OTHER_PART_BYTES if index else _FIRST_BLOCK_BYTES)
        parse_part(HeaderBytes(source, Path(model.repo) / file.name, file.n_bytes), index)
        try:
            with (folder / file.name).open("wb") as local:
                local.write(source.fetched)
                local.truncate(file.n_bytes)
        except OSError as error:
            raise OffloadError(f"{folder / file.name} cannot be written: {error.strerror or error}.") from error
        fetched_bytes += len(source.fetched)
    path = folder / model.files[0].name
    return RemoteHeader(read_gguf_header(path), path, fetched_bytes)


class _RemoteBytes:
    """Reads like a file; fetches from the beginning as far as it is read. For one thread."""

    def __init__(self, client: HubClient, file: RemoteFile, block_bytes: int) -> None:
        self.fetched = bytearray()
        self._client = client
        self._file = file
        self._position = 0
        self._block_bytes = block_bytes

    def seek(self, position: int, /) -> int:
        """Go to `position`."""
        self._position = position
        return position

    def read(self, n_bytes: int, /) -> bytes:
        """Return up to `n_bytes` from the position on; fewer, but at least one, where a block ends there."""
        if self._position >= self._file.n_bytes:
            return b""
        while len(self.fetched) <= self._position:
            self._fetch_block()
        piece = bytes(self.fetched[self._position : self._position + n_bytes])
        self._position += len(piece)
        return piece

    def _fetch_block(self) -> None:
        start = len(self.fetched)
        end = min(start + self._block_bytes, self._file.n_bytes)
        if end > LARGEST_HEADER_BYTES:
            raise HubError(
                f"{self._file.name} has a header of more than {LARGEST_HEADER_BYTES} bytes.",
                reason=HubFailure.MALFORMED,
                hint="No known model has such a header: it was not fetched any further.",
            )
        self._block_bytes = min(self._block_bytes * 2, LARGEST_BLOCK_BYTES)
        patience = self._client.patience()
        while len(self.fetched) < end:
            try:
                self._fetch(end)
            except PassingError as trouble:
                patience.failed(trouble)

    def _fetch(self, end: int) -> None:
        start = len(self.fetched)
        with self._client.body(self._file.url, start, end) as body:
            if body.start != start or body.total_bytes not in (None, self._file.n_bytes):
                raise self._malformed("does not come in ranges, or has another length than the hub lists")
            for piece in body.pieces:
                # A hub that ignores ranges sends the whole model: what was not asked for is not waited for.
                self.fetched += piece[: end - len(self.fetched)]
                if len(self.fetched) == end:
                    return
        raise PassingError(f"the transfer of {self._file.name} ended after {len(self.fetched)} bytes")

    def _malformed(self, what: str) -> HubError:
        return HubError(f"{self._file.name} {what}.", reason=HubFailure.MALFORMED)
