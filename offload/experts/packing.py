"""Writes a model's experts into a packed store: reads, interleaves, compresses where it pays, and writes, all at once.

Worker threads take one expert each: read it past the page cache, interleave it, and hand back a finished record. The
calling thread writes records in order and reports progress. Memory is bounded: a fixed number of records is under way.
"""

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from offload.errors import CancelledError, OffloadError, UsageError
from offload.experts.bounce import BounceBuffer
from offload.experts.disk_probe import probe_direct_io
from offload.experts.fingerprint import source_files
from offload.experts.gguf_store import GgufStore, tensors_by_layer
from offload.experts.key import ExpertKey
from offload.experts.packed_file import is_packed_file
from offload.experts.packed_format import (
    INDEX_DTYPE,
    Description,
    PackedLayer,
    PackedPart,
    encode_head,
    head_bytes,
)
from offload.experts.part_codec import Compression, encode_part, worth_compressing
from offload.experts.partial_file import DiskWriter, OpenWriter, PartialFile
from offload.experts.reader import Target
from offload.experts.span_reader import SpanReader
from offload.experts.store import PAGE, Codec, Span, WeightKind, WeightLayout, page_ceil
from offload.gguf_header import ExpertTensor, GgufHeader

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

PLAIN_CPU_LAYOUT = "plain"
_SAMPLE_BYTES = 256 << 10
_MAX_WAITING_BYTES = 512 << 20


class Interleaver(Protocol):
    """Arranges one expert's matrix as the CPU's kernels want it. Any thread may call."""

    @property
    def layout_name(self) -> str:
        """Name of the layout: equal names mean equal bytes."""
        ...

    def supports(self, ggml_type: int, ne0: int, ne1: int) -> bool:
        """Say whether this CPU has an interleaved kernel for such a matrix."""
        ...

    def interleave(self, ggml_type: int, ne0: int, ne1: int, source: Bytes, out: Bytes) -> None:
        """Write the interleaved `source` to `out`, of the same size."""
        ...


@dataclass(frozen=True, slots=True)
class PackedResult:
    """What was packed; `source_bytes` are the experts' bytes in the model, `file_bytes` the packed store's."""

    path: Path
    n_experts: int
    source_bytes: int
    file_bytes: int
    n_parts: int
    n_compressed_parts: int


class _EncodedPart(NamedTuple):
    stored_bytes: int
    crc32: int
    codec: Codec


@dataclass(frozen=True, slots=True)
class _Record:
    """One expert, ready to be written: `region` holds its parts, each from a page boundary, padded with zeros."""

    region: memoryview
    parts: tuple[_EncodedPart, ...]


@dataclass(frozen=True, slots=True)
class _Workspace:
    """Memory of one expert under way: its record, and a part that was read and is yet to be interleaved."""

    record: BounceBuffer = field(default_factory=BounceBuffer)
    source: BounceBuffer = field(default_factory=BounceBuffer)


def pack_model(
    header: GgufHeader,
    destination: Path,
    *,
    interleaver: Interleaver | None,
    layout: WeightLayout = WeightLayout.INTERLEAVED,
    compress: Compression = Compression.AUTO,
    on_progress: Callable[[int, int], bool] | None = None,
    n_workers: int = 2,
    read_bytes_per_second: float | None = None,
    open_writer: OpenWriter = DiskWriter,
) -> PackedResult:
    """Write the experts of the model `header` into a packed store `destination`.

    Matrices that `interleaver` does not support are stored plain, and all are with `layout` PLAIN. The file appears
    under its name only when it is whole; until then, and on any error or Ctrl-C, what was there stays.
    `on_progress(done_bytes, total_bytes)`, of uncompressed records, is called in this thread after each expert; False
    stops. `read_bytes_per_second` is the disk's speed, for the choice of what to compress; None: measured.

    Raises:
        UsageError: the model has no experts, or `destination` is something else than a packed store.
        DiskFullError: there is no room for the file.
        ModelFileError: the model's tensors contradict each other.
        ExpertReadError: the model could not be read.
        OffloadError: the file could not be written.
        CancelledError: `on_progress` returned False.
    """
    tensors = tensors_by_layer(header)
    _check_destination(header, destination, n_layers=len(tensors))
    if layout is WeightLayout.PLAIN:
        interleaver = None
    description = _describe(header, tensors, interleaver)
    needed_bytes = head_bytes(description) + description.record_bytes
    store = GgufStore(header)
    with (
        SpanReader.open(store, direct=True) as reader,
        PartialFile(destination, needed_bytes, open_writer=open_writer) as partial,
    ):
        packer = _Packer(store, reader, description, interleaver, compress, read_bytes_per_second)
        return packer.write_to(partial, destination, n_workers, on_progress)


class _Packer:
    """One run of `pack_model`. The methods that workers run say so; the others are for the calling thread."""

    def __init__(
        self,
        store: GgufStore,
        reader: SpanReader,
        description: Description,
        interleaver: Interleaver | None,
        compress: Compression,
        read_bytes_per_second: float | None,
    ) -> None:
        self._store = store
        self._reader = reader
        self._description = description
        self._interleaver = interleaver
        self._compress = compress
        self._read_bytes_per_second = read_bytes_per_second

    def write_to(
        self, partial: PartialFile, destination: Path, n_workers: int, on_progress: Callable[[int, int], bool] | None
    ) -> PackedResult:
        index = np.zeros(self._description.n_parts, INDEX_DTYPE)
        position = head_bytes(self._description)
        entry = done_bytes = 0
        for layer, record in self._records(n_workers):
            partial.write(position, record.region)
            for part in record.parts:
                index[entry] = (position, part.stored_bytes, part.crc32, part.codec.value, 0, 0)
                position += page_ceil(part.stored_bytes)
                entry += 1
            done_bytes += layer.record_bytes
            if on_progress is not None and not on_progress(done_bytes, self._description.record_bytes):
                raise CancelledError("Packing was stopped; nothing was written.")
        partial.write(0, memoryview(encode_head(self._description, index)))
        partial.commit()
        return PackedResult(
            path=destination,
            n_experts=sum(layer.n_expert for layer in self._description.layers),
            source_bytes=sum(
                layer.n_expert * part.n_bytes for layer in self._description.layers for part in layer.parts
            ),
            file_bytes=position,
            n_parts=entry,
            n_compressed_parts=int(np.count_nonzero(index["codec"] == Codec.ZSTD.value)),
        )

    def _records(self, n_workers: int) -> Iterator[tuple[PackedLayer, _Record]]:
        """Yield every expert's record in order. A record's memory is used again once the next one is asked for."""
        largest = max(layer.record_bytes for layer in self._description.layers)
        # One thread more than workers: while one waits for the disk the others compute.
        n_threads = n_workers + 1
        idle = [_Workspace() for _ in range(max(2, min(2 * n_threads, _MAX_WAITING_BYTES // largest)))]
        waiting: deque[tuple[PackedLayer, _Workspace, Future[_Record]]] = deque()
        pool = ThreadPoolExecutor(n_threads, "pack")
        try:
            for layer, key, compressed in self._jobs():
                if not idle:
                    done_layer, workspace, record = waiting.popleft()
                    yield done_layer, record.result()
                    idle.append(workspace)
                workspace = idle.pop()
                waiting.append((layer, workspace, pool.submit(self._record, layer, key, compressed, workspace)))
            while waiting:
                done_layer, _, record = waiting.popleft()
                yield done_layer, record.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _jobs(self) -> Iterator[tuple[PackedLayer, ExpertKey, frozenset[WeightKind]]]:
        """Yield every expert in order, with the kinds of weights to compress."""
        for layer in self._description.layers:
            compressed = self._kinds_to_compress(layer)
            for expert in range(layer.n_expert):
                yield layer, ExpertKey(layer.layer, expert), compressed

    def _kinds_to_compress(self, layer: PackedLayer) -> frozenset[WeightKind]:
        if self._compress is Compression.OFF:
            return frozenset()
        samples: dict[WeightKind, list[memoryview]] = {part.kind: [] for part in layer.parts}
        for expert in sorted({0, layer.n_expert // 2}):
            for span in self._store.spans(ExpertKey(layer.layer, expert)):
                n_bytes = min(span.n_bytes, _SAMPLE_BYTES)
                target = Target(BounceBuffer().region(n_bytes), 0, n_bytes)
                start = span._replace(stored_bytes=n_bytes, n_bytes=n_bytes)
                self._reader.read_spans([start], {span.kind: target})
                samples[span.kind].append(target.payload)
        return frozenset(
            kind for kind, of_kind in samples.items() if worth_compressing(of_kind, self._disk_bytes_per_second)
        )

    def _disk_bytes_per_second(self) -> float:
        """Return the disk's speed, measured when first asked for."""
        if not self._read_bytes_per_second:
            self._read_bytes_per_second = probe_direct_io(self._store.files[-1]).bytes_per_second
        return self._read_bytes_per_second

    def _record(
        self, layer: PackedLayer, key: ExpertKey, compressed: frozenset[WeightKind], workspace: _Workspace
    ) -> _Record:
        """Read, interleave and compress one expert. Run by workers."""
        region = workspace.record.region(layer.record_bytes)
        parts: list[_EncodedPart] = []
        position = 0
        for part, span in zip(layer.parts, self._store.spans(key), strict=True):
            window = region[position : position + page_ceil(part.n_bytes)]
            self._read_part(part, span, window, workspace.source)
            codec, stored_bytes = Codec.RAW, part.n_bytes
            if part.kind in compressed:
                codec, encoded = encode_part(window[: part.n_bytes])
                if codec is Codec.ZSTD:
                    stored_bytes = len(encoded)
                    window[:stored_bytes] = encoded
            end = page_ceil(stored_bytes)
            window[stored_bytes:end] = bytes(end - stored_bytes)
            parts.append(_EncodedPart(stored_bytes, zlib.crc32(window[:stored_bytes]), codec))
            position += end
        return _Record(region[:position], tuple(parts))

    def _read_part(self, part: PackedPart, span: Span, window: memoryview, source: BounceBuffer) -> None:
        """Bring one part to the start of `window`, in the layout it is stored in. Run by workers."""
        if part.layout is WeightLayout.PLAIN or self._interleaver is None:
            self._reader.read_spans([span], {span.kind: Target(window, 0, part.n_bytes)})
            return
        start = span.offset % PAGE
        plain = Target(source.region(start + part.n_bytes), start, part.n_bytes)
        self._reader.read_spans([span], {span.kind: plain})
        out = np.frombuffer(window[: part.n_bytes], np.uint8)
        shape = (part.type.value, part.n_columns, part.n_rows)
        self._interleaver.interleave(*shape, np.frombuffer(plain.payload, np.uint8), out)


def _describe(
    header: GgufHeader, tensors: dict[int, tuple[ExpertTensor, ...]], interleaver: Interleaver | None
) -> Description:
    layers = tuple(
        PackedLayer(layer, of_layer[0].n_expert, tuple(_packed_part(tensor, interleaver) for tensor in of_layer))
        for layer, of_layer in tensors.items()
    )
    return Description(
        written_by=_version(),
        architecture=header.architecture,
        cpu_layout=interleaver.layout_name if interleaver is not None else PLAIN_CPU_LAYOUT,
        sources=source_files(header),
        layers=layers,
    )


def _packed_part(tensor: ExpertTensor, interleaver: Interleaver | None) -> PackedPart:
    type_, n_columns, n_rows = tensor.info.type, tensor.info.shape[0], tensor.info.shape[1]
    interleaved = interleaver is not None and interleaver.supports(type_.value, n_columns, n_rows)
    layout = WeightLayout.INTERLEAVED if interleaved else WeightLayout.PLAIN
    return PackedPart(WeightKind(tensor.kind), layout, tensor.expert_bytes, type_, n_columns, n_rows)


def _version() -> str:
    try:
        return f"offload {metadata.version('offload')}"
    except metadata.PackageNotFoundError:
        return "offload, not installed"


def _check_destination(header: GgufHeader, destination: Path, *, n_layers: int) -> None:
    """Refuse what cannot be packed, and to replace anything but a packed store."""
    if not n_layers:
        raise UsageError(f"{header.files[0]} has no experts: there is nothing to pack.", hint="Use the model as it is.")
    if destination.is_dir():
        raise UsageError(f"{destination} is a folder.", hint="Name a file with -o.")
    try:
        if destination.exists() and not is_packed_file(destination):
            raise UsageError(
                f"{destination} exists and is not a packed store; it is not replaced.", hint="Name another with -o."
            )
    except OSError as error:
        raise OffloadError(f"{destination} could not be read: {error.strerror or error}.") from error
