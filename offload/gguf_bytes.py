"""The bytes of one model file's header, read in order and never past a checked limit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from struct import Struct
from typing import Protocol

from offload.errors import ModelFileError, ModelNotFoundError

MAX_HEADER_BYTES = 256 << 20
MAX_STRING_BYTES = 64 << 20
MAX_SHOWN_CHARACTERS = 80

_WINDOW_BYTES = 256 << 10
_LENGTH = Struct("<Q")


def shown(text: str) -> str:
    """Return `text` quoted for an error message, shortened to what a terminal line can hold."""
    return repr(text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "…")


class HeaderSource(Protocol):
    """Where a header's bytes come from: an unbuffered file, or something that reads like one."""

    def seek(self, position: int, /) -> object:
        """Go to `position`."""
        ...

    def read(self, n_bytes: int, /) -> bytes:
        """Return up to `n_bytes` from the position on, and go past them; nothing at the end. May raise OSError."""
        ...


class HeaderBytes:
    """A forward-only view of a file's first bytes through a small window; every length is checked before it is used.

    Reads instead of mapping the file, because a mapped file that shrinks kills the process.
    After an error the position is unspecified. One thread at a time.
    """

    def __init__(self, file: HeaderSource, path: Path, file_bytes: int) -> None:
        self.path = path
        self.file_bytes = file_bytes
        self.position = 0
        self._file = file
        self._limit = min(file_bytes, MAX_HEADER_BYTES)
        self._window = b""
        self._window_start = 0

    def error(
        self, message: str, *, tensor: str | None = None, offset: int | None = None, hint: str = ""
    ) -> ModelFileError:
        """Return the error that blames this file, at `offset` or else at the current position."""
        at = self.position if offset is None else offset
        return ModelFileError(message, file=self.path, tensor=tensor, offset=at, hint=hint)

    def require(self, n_bytes: int, what: str) -> None:
        """Raise ModelFileError unless `n_bytes` more bytes of header can follow."""
        if n_bytes <= self._limit - self.position:
            return
        if n_bytes > self.file_bytes - self.position:
            raise self.error(
                f"The file ends inside {what}: {n_bytes} bytes needed, {self.file_bytes - self.position} left.",
                hint="The file is truncated or damaged: download or convert it again.",
            )
        raise self.error(f"The header is larger than {MAX_HEADER_BYTES} bytes at {what}.")

    def take(self, n_bytes: int, what: str) -> bytes:
        """Return the next `n_bytes` bytes and move past them."""
        start = self.position - self._window_start
        if start + n_bytes > len(self._window):
            self.require(n_bytes, what)
            self._fill(n_bytes, what)
            start = 0
        self.position += n_bytes
        return self._window[start : start + n_bytes]

    def number(self, layout: Struct, what: str) -> int:
        """Return the next integer, stored as `layout` says."""
        value: int = layout.unpack(self.take(layout.size, what))[0]
        return value

    def string(self, max_bytes: int, what: str) -> bytes:
        """Return the next length-prefixed string, undecoded."""
        length = self.number(_LENGTH, f"the length of {what}")
        if length > max_bytes:
            raise self.error(
                f"The length of {what} is {length} bytes, more than the {max_bytes} allowed.",
                offset=self.position - _LENGTH.size,
            )
        return self.take(length, what)

    def skip(self, n_bytes: int, what: str) -> None:
        """Move past `n_bytes` bytes without reading them."""
        self.require(n_bytes, what)
        self.position += n_bytes

    def skip_strings(self, n_strings: int, what: str) -> None:
        """Move past `n_strings` length-prefixed strings, reading the window by window and keeping none.

        150,000 strings of a tokenizer take some 20 ms: the inner loop touches only the lengths.
        """
        self.require(n_strings * _LENGTH.size, what)
        length_at = _LENGTH.unpack_from
        while n_strings:
            self.require(_LENGTH.size, what)
            if self.position - self._window_start + _LENGTH.size > len(self._window):
                self._fill(_LENGTH.size, what)
            window = self._window
            at = self.position - self._window_start
            last = len(window) - _LENGTH.size
            while n_strings and at <= last:
                length = length_at(window, at)[0]
                if length > MAX_STRING_BYTES:
                    raise self.error(
                        f"A string in {what} is {length} bytes long, more than the {MAX_STRING_BYTES} allowed.",
                        offset=self._window_start + at,
                    )
                at += _LENGTH.size + length
                n_strings -= 1
            self.skip(self._window_start + at - self.position, what)

    def _fill(self, n_bytes: int, what: str) -> None:
        """Start the window at the position, with at least `n_bytes` bytes, which `require` has allowed.

        More is taken as far as the same reads give it: bytes may come from far, and none are asked for needlessly.
        """
        wanted = min(max(n_bytes, _WINDOW_BYTES), self._limit - self.position)
        chunks = []
        self._file.seek(self.position)
        there = 0
        while there < n_bytes:
            chunk = self._file.read(wanted - there)
            if not chunk:
                raise self.error(f"The file became shorter while {what} was read.", hint="Is it still being written?")
            chunks.append(chunk)
            there += len(chunk)
        self._window = b"".join(chunks)
        self._window_start = self.position


@contextmanager
def open_header(path: Path) -> Iterator[HeaderBytes]:
    """Open a regular file for reading its header; closes it at the end.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it is a folder, no regular file, or the system refuses to read it.

    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ModelNotFoundError(f"There is no model file {path}.", path=path, hint="Check the path.") from None
    except (OSError, ValueError) as error:
        raise ModelFileError(f"The file cannot be opened: {error}.", file=path) from error
    if S_ISDIR(status.st_mode):
        raise ModelFileError(
            "This is a folder, not a model file.", file=path, hint="Give the path of a .gguf file inside it."
        )
    if not S_ISREG(status.st_mode):
        raise ModelFileError(
            "This is a device or pipe, not a model file.", file=path, hint="Give a .gguf file on disk."
        )
    try:
        with path.open("rb", buffering=0) as file:
            yield HeaderBytes(file, path, status.st_size)
    except OSError as error:
        raise ModelFileError(f"The file cannot be read: {error}.", file=path) from error
