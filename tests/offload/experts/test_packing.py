"""What is packed comes back, and what fails leaves nothing behind."""

import errno
import os
import zlib
from pathlib import Path

import pytest

from fakes.expert_files import Bytes, ReversingInterleaver, keys_of, slot_targets, write_expert_model
from offload.errors import CancelledError, DiskFullError, ExpertReadError, UsageError
from offload.experts.packed_file import read_packed_file
from offload.experts.packed_store import PackedStore
from offload.experts.packing import pack_model
from offload.experts.part_codec import Compression
from offload.experts.partial_file import DiskWriter
from offload.experts.span_reader import SpanReader
from offload.experts.store import Codec, WeightLayout
from offload.gguf_header import GgufHeader, read_gguf_header

NAME = "REVERSED/test"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def packed_bytes(store: PackedStore, *, direct: bool = True) -> dict[tuple[int, int, str], bytes]:
    """Return every part of every expert as its slot gets it."""
    found = {}
    with SpanReader.open(store, direct=direct) as reader:
        for key in keys_of(store):
            targets = slot_targets(store.layers[key.layer])
            reader.read_spans(store.spans(key), targets)
            for kind, target in targets.items():
                found[key.layer, key.expert, kind.value] = bytes(target.payload)
    return found


def expected_bytes(
    written: dict[tuple[int, str], Bytes], *, reversed_kinds: tuple[str, ...] = ()
) -> dict[tuple[int, int, str], bytes]:
    return {
        (layer, expert, kind): (row[::-1] if kind in reversed_kinds else row).tobytes()
        for (layer, kind), rows in written.items()
        for expert, row in enumerate(rows)
    }


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("shape", [(10, 1000), (4, 2048), (1, 32)])
@pytest.mark.parametrize("kinds", [("gate", "up", "down"), ("up", "down"), ("gate_up", "down")])
def test_interleaved_experts_come_back(
    model: Path, kinds: tuple[str, ...], shape: tuple[int, int], direct: bool
) -> None:
    written = write_expert_model(model, kinds=kinds, shape=shape)
    header = read_gguf_header(model)
    result = pack_model(header, model.with_suffix(".offload"), interleaver=ReversingInterleaver())
    store = PackedStore.open(result.path, header, NAME)
    assert packed_bytes(store, direct=direct) == expected_bytes(written, reversed_kinds=kinds)
    layouts = {part.layout for layer in store.layers.values() for part in layer.parts}
    assert layouts == {WeightLayout.INTERLEAVED}


def test_unsupported_matrices_are_packed_plain(model: Path) -> None:
    written = write_expert_model(model)
    header = read_gguf_header(model)
    result = pack_model(header, model.with_suffix(".offload"), interleaver=ReversingInterleaver(n_rows=7))
    store = PackedStore.open(result.path, header, NAME)
    assert packed_bytes(store) == expected_bytes(written)
    assert {part.layout for part in store.layers[0].parts} == {WeightLayout.PLAIN}


def test_plain_layout_is_packed_plain_for_any_cpu(model: Path) -> None:
    written = write_expert_model(model)
    header = read_gguf_header(model)
    destination = model.with_suffix(".offload")
    pack_model(header, destination, interleaver=ReversingInterleaver(), layout=WeightLayout.PLAIN)
    store = PackedStore.open(destination, header, "another CPU's layout")
    assert packed_bytes(store) == expected_bytes(written)


def test_record_of_an_expert_is_one_read(model: Path) -> None:
    write_expert_model(model)
    header = read_gguf_header(model)
    result = pack_model(header, model.with_suffix(".offload"), interleaver=None)
    store = PackedStore.open(result.path, header, NAME)
    for key in keys_of(store):
        first, second, third = store.spans(key)
        assert first.offset % 4096 == 0
        assert (second.offset, third.offset) == (first.offset + 3 * 4096, first.offset + 6 * 4096)


def test_compressed_experts_come_back_from_a_smaller_file(model: Path) -> None:
    written = write_expert_model(model, n_values=2)
    header = read_gguf_header(model)
    result = pack_model(
        header, model.with_suffix(".offload"), interleaver=ReversingInterleaver(), read_bytes_per_second=1.0
    )
    store = PackedStore.open(result.path, header, NAME)
    assert {span.codec for key in keys_of(store) for span in store.spans(key)} == {Codec.ZSTD}
    assert packed_bytes(store) == expected_bytes(written, reversed_kinds=("gate", "up", "down"))
    assert result.n_compressed_parts == result.n_parts == 24
    assert result.path.stat().st_size == result.file_bytes < result.source_bytes


def test_weights_that_do_not_shrink_stay_raw(model: Path) -> None:
    write_expert_model(model)
    result = pack_model(
        read_gguf_header(model), model.with_suffix(".offload"), interleaver=None, read_bytes_per_second=1.0
    )
    assert result.n_compressed_parts == 0


def test_compression_can_be_switched_off(model: Path) -> None:
    write_expert_model(model, n_values=2)
    result = pack_model(
        read_gguf_header(model),
        model.with_suffix(".offload"),
        interleaver=None,
        compress=Compression.OFF,
        read_bytes_per_second=1.0,
    )
    assert result.n_compressed_parts == 0


@pytest.mark.parametrize("n_values", [256, 2])
def test_padding_is_zero(model: Path, n_values: int) -> None:
    write_expert_model(model, n_values=n_values)
    result = pack_model(
        read_gguf_header(model), model.with_suffix(".offload"), interleaver=None, read_bytes_per_second=1.0
    )
    content = result.path.read_bytes()
    for entry in read_packed_file(result.path).index:
        end = int(entry["offset"]) + int(entry["stored_bytes"])
        assert content[end : -(-end // 4096) * 4096].strip(b"\0") == b""


def test_checksums_are_of_the_stored_bytes(model: Path) -> None:
    write_expert_model(model)
    result = pack_model(read_gguf_header(model), model.with_suffix(".offload"), interleaver=None)
    content = result.path.read_bytes()
    for entry in read_packed_file(result.path).index:
        start = int(entry["offset"])
        assert zlib.crc32(content[start : start + int(entry["stored_bytes"])]) == int(entry["crc32"])


@pytest.mark.parametrize("n_workers", [1, 4])
def test_file_is_the_same_however_many_work(model: Path, n_workers: int) -> None:
    write_expert_model(model, n_expert=16)
    header = read_gguf_header(model)
    one, two = model.with_name("one.offload"), model.with_name("two.offload")
    pack_model(header, one, interleaver=ReversingInterleaver())
    pack_model(header, two, interleaver=ReversingInterleaver(), n_workers=n_workers)
    assert one.read_bytes() == two.read_bytes()


def test_progress_ends_at_the_total(model: Path) -> None:
    write_expert_model(model)
    seen: list[tuple[int, int]] = []

    def note(done_bytes: int, total_bytes: int) -> bool:
        seen.append((done_bytes, total_bytes))
        return True

    pack_model(read_gguf_header(model), model.with_suffix(".offload"), interleaver=None, on_progress=note)
    record_bytes = 3 * 3 * 4096
    assert seen == [(expert * record_bytes, 8 * record_bytes) for expert in range(1, 9)]


def stop_at_once(done_bytes: int, total_bytes: int) -> bool:
    return False


def interrupt(done_bytes: int, total_bytes: int) -> bool:
    raise KeyboardInterrupt


def test_stopped_packing_leaves_nothing(model: Path) -> None:
    write_expert_model(model)
    with pytest.raises(CancelledError):
        pack_model(read_gguf_header(model), model.with_suffix(".offload"), interleaver=None, on_progress=stop_at_once)
    assert os.listdir(model.parent) == [model.name]


def test_interrupted_packing_leaves_the_packed_store_that_was_there(model: Path) -> None:
    write_expert_model(model)
    header = read_gguf_header(model)
    destination = model.with_suffix(".offload")
    pack_model(header, destination, interleaver=None)
    before = destination.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        pack_model(header, destination, interleaver=ReversingInterleaver(), on_progress=interrupt)
    assert destination.read_bytes() == before
    assert sorted(os.listdir(model.parent)) == [model.name, destination.name]


class FullDiskWriter(DiskWriter):
    """Has room for a few records only."""

    def write(self, offset: int, data: memoryview) -> None:
        if offset > 100_000:
            raise OSError(errno.ENOSPC, "no space left on device")
        super().write(offset, data)


def test_disk_that_fills_up_leaves_nothing(model: Path) -> None:
    write_expert_model(model)
    with pytest.raises(DiskFullError) as caught:
        pack_model(read_gguf_header(model), model.with_suffix(".offload"), interleaver=None, open_writer=FullDiskWriter)
    assert caught.value.needed_bytes == 4096 + 8 * 9 * 4096
    assert os.listdir(model.parent) == [model.name]


def test_model_cut_short_meanwhile_leaves_nothing(model: Path) -> None:
    write_expert_model(model)
    header = read_gguf_header(model)
    os.truncate(model, model.stat().st_size // 2)
    with pytest.raises(ExpertReadError):
        pack_model(header, model.with_suffix(".offload"), interleaver=None)
    assert os.listdir(model.parent) == [model.name]


class FailingInterleaver(ReversingInterleaver):
    """Fails at work."""

    def interleave(self, ggml_type: int, ne0: int, ne1: int, source: Bytes, out: Bytes) -> None:
        raise MemoryError("the native call failed")


def test_error_of_a_worker_reaches_the_caller(model: Path) -> None:
    write_expert_model(model)
    with pytest.raises(MemoryError, match="the native call failed"):
        pack_model(read_gguf_header(model), model.with_suffix(".offload"), interleaver=FailingInterleaver())
    assert os.listdir(model.parent) == [model.name]


def dense_model(path: Path) -> GgufHeader:
    write_expert_model(path, kinds=())
    return read_gguf_header(path)


def test_dense_model_is_refused(model: Path) -> None:
    with pytest.raises(UsageError, match="nothing to pack"):
        pack_model(dense_model(model), model.with_suffix(".offload"), interleaver=None)


def test_model_itself_is_not_overwritten(model: Path) -> None:
    write_expert_model(model)
    before = model.read_bytes()
    with pytest.raises(UsageError, match="is not a packed store; it is not replaced"):
        pack_model(read_gguf_header(model), model, interleaver=None)
    assert model.read_bytes() == before


def test_folder_as_destination_is_refused(model: Path) -> None:
    write_expert_model(model)
    with pytest.raises(UsageError, match="is a folder"):
        pack_model(read_gguf_header(model), model.parent, interleaver=None)
