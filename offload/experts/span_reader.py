"""`SpanReader`: brings an expert's spans from a store's files into the memory of a slot."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np
import zstandard

from offload.errors import ExpertReadError
from offload.experts.bounce import BounceBuffer
from offload.experts.open_reader import open_reader
from offload.experts.reader import FileReader, Target, in_place
from offload.experts.store import PAGE, Codec, ExpertStore, Span, WeightKind, page_ceil, page_floor

_MAX_ZSTD_WINDOW = 1 << 27
"""Bytes of history a zstd frame may ask for; more than any level of `packing` uses."""


def bounce_bytes(store: ExpertStore) -> int:
    """Return how much scratch memory one reading thread may need, an upper bound, in bytes."""
    parts = [part for layout in store.layers.values() for part in layout.parts]
    return max((page_ceil(part.n_bytes) + PAGE for part in parts), default=0)


class SpanReader:
    """Reads spans of one store. Any number of threads may read at once; nobody may read during or after `close`.

    Takes the shortest way for each span: parts that lie page by page in one record come in one vectored read, a part
    whose phase is that of its slot lands in place, and everything else goes through a bounce buffer of the thread.
    """

    def __init__(self, store: ExpertStore, readers: Sequence[FileReader]) -> None:
        """Read `store` through `readers`, one for each of its files, in order; they are closed with this."""
        if len(readers) != len(store.files):
            raise ValueError(f"{len(readers)} readers for {len(store.files)} files")
        self._files = store.files
        self._readers = tuple(readers)
        self._scratch = threading.local()

    @classmethod
    def open(cls, store: ExpertStore, *, direct: bool) -> Self:
        """Open every file of `store`, with direct I/O where `direct` and the system permit.

        Raises:
            ExpertReadError: a file cannot be opened.
        """
        readers: list[FileReader] = []
        try:
            for file in store.files:
                readers.append(open_reader(file, direct=direct))
        except BaseException:
            for reader in readers:
                reader.close()
            raise
        return cls(store, readers)

    @property
    def direct(self) -> bool:
        """Whether every file is read past the page cache now."""
        return all(reader.direct for reader in self._readers)

    def read_spans(self, spans: Sequence[Span], targets: Mapping[WeightKind, Target]) -> int:
        """Read `spans` of one expert into `targets`; return the bytes of file that were read, whole pages.

        Raises:
            ExpertReadError: something could not be read or decoded; the targets' contents are then undefined.
        """
        for run in _runs(spans, targets):
            reader = self._readers[run[0].file_index]
            lands = run[0].codec is Codec.RAW and (not reader.direct or in_place(run[0].offset, targets[run[0].kind]))
            if len(run) > 1 or lands:
                reader.read(run[0].offset, [targets[span.kind] for span in run])
            else:
                self._through_bounce(reader, run[0], targets[run[0].kind])
        return sum(page_ceil(span.offset + span.stored_bytes) - page_floor(span.offset) for span in spans)

    def close(self) -> None:
        """Close the files and give the scratch memory back; again is harmless."""
        self._scratch = threading.local()
        for reader in self._readers:
            reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _through_bounce(self, reader: FileReader, span: Span, target: Target) -> None:
        phase = span.offset % PAGE
        region = self._bounce().region(phase + span.stored_bytes)
        stored = Target(region, phase, span.stored_bytes)
        reader.read(span.offset, [stored])
        if span.codec is Codec.RAW:
            # NumPy copies without the interpreter lock, a memoryview's slice assignment with it.
            np.copyto(np.frombuffer(target.payload, np.uint8), np.frombuffer(stored.payload, np.uint8))
        else:
            self._decompress(span, stored.payload, target.payload)

    def _decompress(self, span: Span, stored: memoryview, payload: memoryview) -> None:
        try:
            with self._decompressor().stream_reader(stored, closefd=False) as stream:
                filled = 0
                while filled < len(payload) and (arrived := stream.readinto(payload[filled:])):
                    filled += arrived
                whole = filled == len(payload) and not stream.read(1)
        except zstandard.ZstdError:
            whole = False
        if not whole:
            file = self._files[span.file_index]
            raise ExpertReadError(
                f"{file}, offset {span.offset}: {span.stored_bytes} compressed bytes do not decode to {span.n_bytes}.",
                file=file,
                offset=span.offset,
                hint="The packed store is damaged: pack the model again.",
            )

    def _bounce(self) -> BounceBuffer:
        bounce: BounceBuffer | None = getattr(self._scratch, "bounce", None)
        if bounce is None:
            bounce = self._scratch.bounce = BounceBuffer()
        return bounce

    def _decompressor(self) -> zstandard.ZstdDecompressor:
        decompressor: zstandard.ZstdDecompressor | None = getattr(self._scratch, "decompressor", None)
        if decompressor is None:
            decompressor = self._scratch.decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
        return decompressor


def _runs(spans: Sequence[Span], targets: Mapping[WeightKind, Target]) -> Iterator[list[Span]]:
    """Group spans that one vectored read can fill: raw, page-aligned, each at the first page behind the one before."""
    run: list[Span] = []
    for span in spans:
        target = targets[span.kind]
        if target.n_bytes != span.n_bytes:
            raise ValueError(f"{span.kind.value} has {span.n_bytes} bytes, its target {target.n_bytes}")
        if run and _follows(run[-1], span, targets):
            run.append(span)
            continue
        if run:
            yield run
        run = [span]
    if run:
        yield run


def _follows(before: Span, span: Span, targets: Mapping[WeightKind, Target]) -> bool:
    aligned = all(
        one.codec is Codec.RAW
        and one.offset % PAGE == 0
        and targets[one.kind].start == 0
        and len(targets[one.kind].region) >= page_ceil(one.n_bytes)
        for one in (before, span)
    )
    next_offset = page_ceil(before.offset + before.stored_bytes)
    return aligned and before.file_index == span.file_index and span.offset == next_offset
