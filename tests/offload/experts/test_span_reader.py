"""Which way spans take into their targets, and that the bytes are the right ones whichever it is."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import zstandard

from fakes.expert_files import Bytes, aligned_memory, keys_of, slot_targets, write_expert_model
from fakes.memory_calls import MemoryCalls
from offload.errors import ExpertReadError
from offload.experts.gguf_store import GgufStore
from offload.experts.key import ExpertKey
from offload.experts.reader import Target
from offload.experts.span_reader import SpanReader, bounce_bytes
from offload.experts.store import Codec, LayerLayout, Span, WeightKind
from offload.experts.system_reader import SystemReader
from offload.gguf_header import read_gguf_header

GATE, UP, DOWN = WeightKind.GATE, WeightKind.UP, WeightKind.DOWN
CONTENT = np.random.default_rng(3).bytes(12 * 4096 + 50)


class OneFile:
    """A store of one file and no layers: spans are made by the tests."""

    files = (Path("experts"),)
    layers: Mapping[int, LayerLayout] = {}

    def spans(self, key: ExpertKey) -> tuple[Span, ...]:
        raise KeyError(key)


def raw_span(kind: WeightKind, offset: int, n_bytes: int) -> Span:
    return Span(0, offset, n_bytes, kind, n_bytes, Codec.RAW)


def reader_over(calls: MemoryCalls, *, direct: bool = True) -> SpanReader:
    return SpanReader(OneFile(), [SystemReader(OneFile.files[0], direct=direct, calls=calls)])


def target(n_bytes: int, start: int = 0) -> Target:
    return Target(aligned_memory(start + n_bytes), start, n_bytes)


def test_parts_that_lie_page_by_page_take_one_read() -> None:
    calls = MemoryCalls(CONTENT)
    spans = [raw_span(GATE, 4096, 5000), raw_span(UP, 3 * 4096, 4096), raw_span(DOWN, 4 * 4096, 100)]
    targets = {span.kind: target(span.n_bytes) for span in spans}
    assert reader_over(calls).read_spans(spans, targets) == 4 * 4096
    assert [(read.offset, read.lengths) for read in calls.reads] == [(4096, (8192, 4096, 4096))]
    for span in spans:
        assert bytes(targets[span.kind].payload) == CONTENT[span.offset : span.offset + span.n_bytes]


@pytest.mark.parametrize(
    "spans",
    [
        [raw_span(GATE, 4096, 5000), raw_span(UP, 4 * 4096, 4096)],
        [raw_span(GATE, 4096, 5000), raw_span(UP, 4096 + 5000, 4096)],
        [raw_span(UP, 4 * 4096, 4096), raw_span(GATE, 4096, 5000)],
    ],
)
def test_parts_apart_are_read_apart(spans: Sequence[Span]) -> None:
    calls = MemoryCalls(CONTENT)
    targets = {span.kind: target(span.n_bytes) for span in spans}
    reader_over(calls).read_spans(spans, targets)
    assert len(calls.reads) == 2
    for span in spans:
        assert bytes(targets[span.kind].payload) == CONTENT[span.offset : span.offset + span.n_bytes]


def test_adjacent_part_that_starts_within_a_page_of_its_slot_is_read_apart() -> None:
    spans = [raw_span(GATE, 4096, 4096), raw_span(UP, 2 * 4096, 3000)]
    targets = {GATE: target(4096), UP: target(3000, start=100)}
    reader_over(MemoryCalls(CONTENT)).read_spans(spans, targets)
    assert bytes(targets[UP].payload) == CONTENT[8192 : 8192 + 3000]


def test_part_with_the_slots_phase_lands_in_place() -> None:
    calls = MemoryCalls(CONTENT)
    into = target(5000, start=100)
    reader_over(calls).read_spans([raw_span(UP, 4196, 5000)], {UP: into})
    assert bytes(into.region[:100]) == CONTENT[4096:4196]
    assert bytes(into.payload) == CONTENT[4196:9196]


@pytest.mark.parametrize(("offset", "start"), [(4196, 0), (4196, 101), (4096, 100)])
def test_part_with_another_phase_goes_through_the_bounce_buffer(offset: int, start: int) -> None:
    calls = MemoryCalls(CONTENT)
    into = target(5000, start=start)
    reader_over(calls).read_spans([raw_span(UP, offset, 5000)], {UP: into})
    assert bytes(into.payload) == CONTENT[offset : offset + 5000]
    assert bytes(into.region[:start]) == b"\xee" * start
    assert calls.reads[0].direct


def test_part_whose_pages_do_not_fit_the_slot_goes_through_the_bounce_buffer() -> None:
    into = Target(aligned_memory(8192)[:5000], 0, 5000)
    reader_over(MemoryCalls(CONTENT)).read_spans([raw_span(UP, 4096, 5000)], {UP: into})
    assert bytes(into.payload) == CONTENT[4096 : 4096 + 5000]


def test_buffered_reads_need_no_bounce_buffer() -> None:
    calls = MemoryCalls(CONTENT)
    into = target(5000)
    reader_over(calls, direct=False).read_spans([raw_span(UP, 4197, 5000)], {UP: into})
    assert bytes(into.payload) == CONTENT[4197 : 4197 + 5000]
    assert calls.reads[0].lengths == (5000,)


def test_reader_that_falls_back_midway_reads_the_same_bytes() -> None:
    calls = MemoryCalls(CONTENT, direct_reads=False)
    reader = reader_over(calls)
    spans = [raw_span(GATE, 4096, 5000), raw_span(UP, 3 * 4096, 4096), raw_span(DOWN, 16500, 100)]
    targets = {span.kind: target(span.n_bytes) for span in spans}
    reader.read_spans(spans, targets)
    assert not reader.direct
    for span in spans:
        assert bytes(targets[span.kind].payload) == CONTENT[span.offset : span.offset + span.n_bytes]


def compressed(data: bytes, offset: int = 4096, n_bytes: int | None = None) -> tuple[Span, bytes]:
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(data)
    span = Span(0, offset, len(frame), UP, len(data) if n_bytes is None else n_bytes, Codec.ZSTD)
    return span, bytes(offset) + frame


@pytest.mark.parametrize("direct", [True, False])
def test_compressed_parts_are_decoded_into_the_target(direct: bool) -> None:
    data = bytes(range(200)) * 100
    span, content = compressed(data)
    into = target(len(data), start=8)
    reader_over(MemoryCalls(content), direct=direct).read_spans([span], {UP: into})
    assert bytes(into.payload) == data
    assert bytes(into.region[:8]) == b"\xee" * 8


@pytest.mark.parametrize("n_bytes", [19_999, 20_001])
def test_compressed_part_of_another_size_is_an_error(n_bytes: int) -> None:
    span, content = compressed(bytes(range(200)) * 100, n_bytes=n_bytes)
    with pytest.raises(ExpertReadError, match=f"do not decode to {n_bytes}") as caught:
        reader_over(MemoryCalls(content)).read_spans([span], {UP: target(n_bytes)})
    assert caught.value.offset == 4096


@pytest.mark.parametrize("damaged", [0, 20, -1])
def test_damaged_compressed_part_is_an_error(damaged: int) -> None:
    span, content = compressed(bytes(range(200)) * 100)
    broken = bytearray(content)
    broken[4096 + damaged if damaged >= 0 else damaged] ^= 0xFF
    with pytest.raises(ExpertReadError, match="do not decode"):
        reader_over(MemoryCalls(bytes(broken))).read_spans([span], {UP: target(20_000)})


def test_target_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="up has 5000 bytes, its target 4999"):
        reader_over(MemoryCalls(CONTENT)).read_spans([raw_span(UP, 0, 5000)], {UP: target(4999)})


def test_every_file_needs_its_reader() -> None:
    with pytest.raises(ValueError, match="0 readers for 1 files"):
        SpanReader(OneFile(), [])


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path)
    store = GgufStore(read_gguf_header(path))
    path.unlink()
    with pytest.raises(ExpertReadError, match=r"model\.gguf"):
        SpanReader.open(store, direct=True)


def test_closing_closes_the_files() -> None:
    calls = MemoryCalls(CONTENT)
    with reader_over(calls) as reader:
        reader.read_spans([raw_span(UP, 7, 5000)], {UP: target(5000)})
    reader.close()
    assert calls.open_descriptors == {}


@pytest.mark.parametrize("shape", [(10, 1000), (4, 2048)])
@pytest.mark.parametrize("direct", [True, False])
def test_every_expert_of_a_model_is_read(tmp_path: Path, shape: tuple[int, int], direct: bool) -> None:
    path = tmp_path / "model.gguf"
    written = write_expert_model(path, shape=shape)
    store = GgufStore(read_gguf_header(path))
    with SpanReader.open(store, direct=direct) as reader:
        for key in keys_of(store):
            targets = slot_targets(store.layers[key.layer])
            reader.read_spans(store.spans(key), targets)
            assert wrong_kinds(written, key, targets) == []


def wrong_kinds(
    written: Mapping[tuple[int, str], Bytes], key: ExpertKey, targets: Mapping[WeightKind, Target]
) -> list[str]:
    return [
        kind.value
        for kind, into in targets.items()
        if bytes(into.payload) != written[key.layer, kind.value][key.expert].tobytes()
    ]


def test_threads_read_at_once_without_mixing_bytes(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    written = write_expert_model(path, n_expert=16)
    store = GgufStore(read_gguf_header(path))
    wrong: list[tuple[ExpertKey, list[str]]] = []
    start = threading.Barrier(4)

    def read_all(reader: SpanReader) -> None:
        start.wait()
        for key in keys_of(store):
            targets = slot_targets(store.layers[key.layer])
            reader.read_spans(store.spans(key), targets)
            if kinds := wrong_kinds(written, key, targets):
                wrong.append((key, kinds))

    with SpanReader.open(store, direct=True) as reader:
        threads = [threading.Thread(target=read_all, args=(reader,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_scratch_memory_has_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path, shape=(10, 1000))
    assert bounce_bytes(GgufStore(read_gguf_header(path))) == 3 * 4096 + 4096
