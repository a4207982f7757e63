"""`.routes`, this project's file of a routing trace: written step by step, read as often as is wanted."""

import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import zstandard

from offload.errors import NO_ROOM, DiskFullError, OffloadError, TraceFileError
from offload.routing.bounded_frame import decompress
from offload.routing.route_trace import RouteStep, TraceHeader
from offload.routing.trace_format import (
    END,
    MAGIC,
    MAX_HEADER_BYTES,
    PIECE,
    PREAMBLE,
    VERSION,
    PieceHead,
    TraceEnd,
    decode_end,
    decode_header,
    decode_piece,
    encode_end,
    encode_header,
    encode_piece,
    inputs_raw,
    inputs_raw_bytes,
    routes_raw,
    routes_raw_bytes,
    steps_of,
)
from offload.routing.trace_rules import MAX_STEP_CELLS, header_trouble, routes_trouble, step_trouble

MAX_INPUT_BYTES = 2 << 30
"""Router inputs of one step: 2048 tokens in 94 layers of width 4096 fit."""
_PIECE_CELLS = 1 << 19
_PIECE_INPUT_BYTES = 32 << 20
_LEVEL = 6
_HINT = "The file is damaged or was cut short: record the trace again."


class TraceWriter:
    """Writes a trace beside `path` and puts it under that name when it is whole. For one thread.

    As a context manager: left by an error or by Ctrl-C it removes what it wrote, and what lay under `path` before is
    untouched. Steps are kept until about a megabyte of them can be compressed together.
    """

    def __init__(self, path: Path, header: TraceHeader) -> None:
        """Start the file.

        Raises:
            ValueError: `header` describes no trace.
            OffloadError: the folder cannot be written to.
        """
        if trouble := header_trouble(header):
            raise ValueError(f"a trace cannot begin with this header: {trouble}")
        self.path = path
        self.header = header
        self._partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self._waiting: list[RouteStep] = []
        self._waiting_tokens = 0
        self._n_steps = self._n_tokens = self._n_bytes = 0
        self._finished = False
        try:
            self._file: BinaryIO = self._partial.open("wb")
        except OSError as error:
            raise self._failed(error) from error
        try:
            self._put(encode_header(header))
        except BaseException:
            self.close()
            raise

    def write(self, step: RouteStep) -> None:
        """Add a step; its arrays may be used again afterwards.

        Raises:
            ValueError: the step does not fit the header.
            DiskFullError: there is no room left.
            OffloadError: the system could not write it.
        """
        if trouble := step_trouble(self.header, step):
            raise ValueError(f"this step is none of the trace: {trouble}")
        n_tokens = len(step.tokens)
        if inputs_raw_bytes(self.header, n_tokens) > MAX_INPUT_BYTES:
            raise ValueError(f"the router inputs of {n_tokens} tokens are more than {MAX_INPUT_BYTES} bytes")
        if not self._has_room(n_tokens):
            self._flush()
        self._waiting.append(
            RouteStep(
                step.sequence,
                step.phase,
                step.tokens.copy(),
                step.routes.copy(),
                None if step.weights is None else step.weights.copy(),
                None if step.inputs is None else step.inputs.copy(),
            )
        )
        self._waiting_tokens += n_tokens

    def finish(self) -> None:
        """Write what waits, bring the file to disk and put it under its name.

        Raises:
            DiskFullError: there is no room left.
            OffloadError: the system could not write or rename it.
        """
        self._flush()
        end = TraceEnd(self._n_steps, self._n_tokens, self._n_bytes + END.size)
        self._put(encode_end(end))
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._partial, self.path)
        except OSError as error:
            raise self._failed(error) from error
        self._finished = True

    def close(self) -> None:
        """Remove what was written unless it is finished; again is harmless."""
        with suppress(OSError):
            self._file.close()
        if not self._finished:
            self._partial.unlink(missing_ok=True)
            self._finished = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.close()

    def _has_room(self, n_tokens: int) -> bool:
        n_tokens += self._waiting_tokens
        cells = n_tokens * len(self.header.layers) * self.header.n_expert_used
        return cells <= _PIECE_CELLS and inputs_raw_bytes(self.header, n_tokens) <= _PIECE_INPUT_BYTES

    def _flush(self) -> None:
        steps = self._waiting
        if not steps:
            return
        routes = self._compressor.compress(routes_raw(self.header, steps))
        inputs = self._compressor.compress(inputs_raw(steps)) if self.header.n_embd else b""
        n_tokens = self._waiting_tokens
        head = PieceHead(len(steps), n_tokens, len(routes), len(inputs), zlib.crc32(routes), zlib.crc32(inputs))
        self._put(encode_piece(head) + routes)
        self._put(inputs)
        self._n_steps += len(steps)
        self._n_tokens += n_tokens
        self._waiting, self._waiting_tokens = [], 0

    def _put(self, raw: bytes) -> None:
        try:
            self._file.write(raw)
        except OSError as error:
            raise self._failed(error) from error
        self._n_bytes += len(raw)

    def _failed(self, error: OSError) -> OffloadError:
        if error.errno in NO_ROOM:
            free_bytes = shutil.disk_usage(self.path.parent).free
            return DiskFullError(
                f"{self.path.parent} has {free_bytes} bytes free, too few for the trace {self.path.name}.",
                folder=self.path.parent,
                needed_bytes=self._n_bytes,
                free_bytes=free_bytes,
                hint="Make room, or write to another disk.",
            )
        return OffloadError(
            f"{self.path} could not be written: {error.strerror or error}.",
            hint="Choose a folder that can be written to.",
            file=str(self.path),
        )


class TraceFile:
    """A `.routes` file that was opened: its header, and its steps as often as is wanted. Any thread may iterate."""

    def __init__(self, path: Path, header: TraceHeader, start: int, end: TraceEnd, *, inputs: bool) -> None:
        self.path = path
        self.n_steps = end.n_steps
        self.n_tokens = end.n_tokens
        self._header = header
        self._start = start
        self._end = end
        self._inputs = inputs and header.n_embd > 0

    @property
    def header(self) -> TraceHeader:
        """What all steps have in common."""
        return self._header

    def steps(self) -> Iterator[RouteStep]:
        """Yield the steps in the order they were computed, reading a piece of the file at a time.

        Raises:
            TraceFileError: a piece is damaged, or the file cannot be read any more.
        """
        try:
            with self.path.open("rb") as file:
                yield from self._steps(file)
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def _steps(self, file: BinaryIO) -> Iterator[RouteStep]:
        at, last = self._start, self._end.file_bytes - END.size
        n_steps = n_tokens = 0
        while at < last:
            file.seek(at)
            head = decode_piece(file.read(PIECE.size))
            if head is None:
                raise _damaged(self.path, "no piece begins here", at)
            after = at + PIECE.size + head.routes_bytes + head.inputs_bytes
            if after > last:
                raise _damaged(self.path, f"a piece of {after - at} bytes does not end inside the file", at)
            yield from self._piece(file, head, at)
            n_steps, n_tokens, at = n_steps + head.n_steps, n_tokens + head.n_tokens, after
        if (n_steps, n_tokens) != (self.n_steps, self.n_tokens):
            trouble = f"it has {n_steps} steps and {n_tokens} tokens, its end says {self.n_steps} and {self.n_tokens}"
            raise _damaged(self.path, trouble, last)

    def _piece(self, file: BinaryIO, head: PieceHead, at: int) -> list[RouteStep]:
        header = self._header
        cells = head.n_tokens * len(header.layers) * header.n_expert_used
        inputs_bytes = inputs_raw_bytes(header, head.n_tokens)
        if not 1 <= head.n_steps <= head.n_tokens or cells > MAX_STEP_CELLS or inputs_bytes > MAX_INPUT_BYTES:
            raise _damaged(self.path, f"a piece of {head.n_steps} steps and {head.n_tokens} tokens is impossible", at)
        start = at + PIECE.size
        raw_bytes = routes_raw_bytes(header, head.n_steps, head.n_tokens)
        try:
            routes = _frame(file, head.routes_bytes, head.routes_crc32, raw_bytes)
            inputs = None
            if self._inputs:
                inputs = _frame(file, head.inputs_bytes, head.inputs_crc32, inputs_bytes)
            steps = steps_of(header, head.n_steps, head.n_tokens, routes, inputs)
            for step in steps:
                if trouble := routes_trouble(header, step.tokens, step.routes):
                    raise ValueError(trouble)
        except ValueError as error:
            raise _damaged(self.path, str(error), start) from error
        return steps


def read_trace(path: Path, *, inputs: bool = True) -> TraceFile:
    """Open a `.routes` file; its steps are read when they are asked for, without router inputs if not `inputs`.

    Raises:
        TraceFileError: there is no such file, or it is no trace, cut short, malformed, or of a newer version.
    """
    try:
        with path.open("rb") as file:
            return _open(path, file, os.fstat(file.fileno()).st_size, inputs)
    except OSError as error:
        raise _unreadable(path, error) from error


def _open(path: Path, file: BinaryIO, file_bytes: int, inputs: bool) -> TraceFile:
    raw = file.read(PREAMBLE.size)
    if raw[: len(MAGIC)] != MAGIC:
        raise TraceFileError("This is not a routing trace of offload.", file=path, offset=0)
    if len(raw) < PREAMBLE.size:
        raise _damaged(path, f"it ends after {len(raw)} bytes", len(raw))
    _, version, n_bytes, crc32 = PREAMBLE.unpack(raw)
    if version != VERSION:
        raise TraceFileError(
            f"The trace has format version {version}, this release reads {VERSION}.",
            file=path,
            offset=len(MAGIC),
            hint="Read it with the release that wrote it, or record it again.",
        )
    if n_bytes > MAX_HEADER_BYTES:
        raise _damaged(path, f"a header of {n_bytes} bytes is more than any model needs", len(MAGIC))
    text = file.read(n_bytes)
    if len(text) < n_bytes:
        raise _damaged(path, "it ends in its header", PREAMBLE.size)
    if zlib.crc32(text) != crc32:
        raise _damaged(path, "the header does not have its checksum", PREAMBLE.size)
    try:
        header = decode_header(text)
    except ValueError as error:
        raise _damaged(path, str(error), PREAMBLE.size) from error
    start = PREAMBLE.size + n_bytes
    last = max(start, file_bytes - END.size)
    file.seek(last)
    end = decode_end(file.read(END.size))
    if end is None or end.file_bytes != file_bytes:
        raise _damaged(path, "its end is missing", last)
    return TraceFile(path, header, start, end, inputs=inputs)


def _frame(file: BinaryIO, stored_bytes: int, crc32: int, raw_bytes: int) -> bytearray:
    """Read and decompress one frame. Memory grows with what is really there, never to more than `raw_bytes`."""
    if stored_bytes > raw_bytes + raw_bytes // 128 + 1024:
        raise ValueError(f"a piece takes {stored_bytes} bytes for {raw_bytes} bytes of steps")
    stored = file.read(stored_bytes)
    if len(stored) != stored_bytes or zlib.crc32(stored) != crc32:
        raise ValueError("a piece does not have its checksum")
    try:
        raw = decompress(stored, raw_bytes)
    except zstandard.ZstdError as error:
        raise ValueError("a piece cannot be decompressed") from error
    if len(raw) != raw_bytes:
        raise ValueError(f"a piece does not hold the {raw_bytes} bytes of its steps")
    return raw


def _damaged(path: Path, trouble: str, offset: int) -> TraceFileError:
    return TraceFileError(f"The trace is malformed: {trouble}.", file=path, offset=offset, hint=_HINT)


def _unreadable(path: Path, error: OSError) -> TraceFileError:
    return TraceFileError(f"The trace could not be read: {error.strerror or error}.", file=path)
