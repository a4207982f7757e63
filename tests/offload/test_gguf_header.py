"""The GGUF header reader: what it reads from good files, and the place it names in bad ones."""

import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from struct import pack

import gguf
import numpy as np
import pytest
from llama_cpp import llama_cpp

from fakes.raw_gguf import (
    ARRAY,
    BOOL,
    FLOAT32,
    INT64,
    MOE_METADATA,
    MOE_TENSORS,
    Q4_K,
    STRING,
    UINT8,
    UINT32,
    UINT64,
    RawGguf,
    RawTensor,
    raw_array,
    raw_string,
    raw_text,
    raw_u16,
    raw_u32,
    raw_value,
)
from offload.demo_model import demo_model_path
from offload.errors import ModelFileError, ModelNotFoundError
from offload.gguf_bytes import HeaderBytes
from offload.gguf_header import (
    TYPE_TRAITS,
    ArraySummary,
    GgmlType,
    GgufHeader,
    MetadataType,
    TypeTraits,
    read_gguf_header,
)

N_EXPERT, N_LAYER = 4, 2


def write_model(path: Path, *, split_max_tensors: int = 0) -> dict[str, np.ndarray]:
    """Write a small model with llama.cpp's own writer and return what is in its tensors."""
    random = np.random.default_rng(7)
    tensors: dict[str, np.ndarray] = {"token_embd.weight": random.random((10, 32), dtype=np.float32)}
    for layer in range(N_LAYER):
        tensors[f"blk.{layer}.ffn_norm.weight"] = random.random(33, dtype=np.float32)
        for kind, rows, columns in (("gate", 6, 32), ("up", 6, 32), ("down", 32, 6)):
            name = f"blk.{layer}.ffn_{kind}_exps.weight"
            tensors[name] = random.random((N_EXPERT, rows, columns), dtype=np.float32).astype(np.float16)
    writer = gguf.GGUFWriter(path, "qwen3moe", split_max_tensors=split_max_tensors)
    writer.add_block_count(N_LAYER)
    writer.add_expert_count(N_EXPERT)
    writer.add_expert_used_count(2)
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def stored(header: GgufHeader, name: str) -> bytes:
    info = header.tensors[name]
    with header.files[info.file_index].open("rb") as file:
        file.seek(info.offset)
        return file.read(info.n_bytes)


# ---- types


def test_every_type_has_the_block_and_byte_size_of_the_native_library() -> None:
    native = {
        type_: TypeTraits(llama_cpp._lib.ggml_blck_size(int(type_)), llama_cpp._lib.ggml_type_size(int(type_)))
        for type_ in GgmlType
    }
    assert dict(TYPE_TRAITS) == native


def test_type_sizes_agree_with_the_gguf_package() -> None:
    sizes = {
        GgmlType(type_.value): TypeTraits(*size)
        for type_, size in gguf.GGML_QUANT_SIZES.items()
        if type_.name != "Q8_1"  # 40 bytes there, 36 in ggml-common.h
    }
    assert sizes.items() <= TYPE_TRAITS.items()


# ---- good files


def test_every_tensor_is_found_where_the_writer_put_it(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    written = write_model(path)
    header = read_gguf_header(path)
    assert {name: stored(header, name) for name in header.tensors} == {n: v.tobytes() for n, v in written.items()}


def test_shapes_are_in_ggml_order_with_the_row_first(tmp_path: Path) -> None:
    write_model(tmp_path / "model.gguf")
    header = read_gguf_header(tmp_path / "model.gguf")
    assert header.tensors["blk.1.ffn_down_exps.weight"].shape == (6, 32, N_EXPERT)
    assert header.tensors["blk.1.ffn_down_exps.weight"].type is GgmlType.F16


def test_an_expert_is_one_slice_of_its_tensor(tmp_path: Path) -> None:
    written = write_model(tmp_path / "model.gguf")
    header = read_gguf_header(tmp_path / "model.gguf")
    tensor = next(t for t in header.expert_tensors if (t.layer, t.kind) == (1, "up"))
    expert = stored(header, tensor.info.name)[2 * tensor.expert_bytes : 3 * tensor.expert_bytes]
    assert expert == written["blk.1.ffn_up_exps.weight"][2].tobytes()


def test_expert_tensors_name_layer_kind_and_number_of_experts(tmp_path: Path) -> None:
    write_model(tmp_path / "model.gguf")
    found = read_gguf_header(tmp_path / "model.gguf").expert_tensors
    assert [(t.layer, t.kind) for t in found] == [(i, k) for i in range(N_LAYER) for k in ("gate", "up", "down")]
    assert {t.n_expert for t in found} == {N_EXPERT}


def test_expert_and_dense_bytes_add_up_to_all_tensors(tmp_path: Path) -> None:
    written = write_model(tmp_path / "model.gguf")
    header = read_gguf_header(tmp_path / "model.gguf")
    assert header.expert_bytes == sum(v.nbytes for n, v in written.items() if "_exps" in n)
    assert header.dense_bytes == sum(v.nbytes for n, v in written.items() if "_exps" not in n)
    assert header.total_bytes == header.expert_bytes + header.dense_bytes


def test_counts_are_read_from_the_metadata(tmp_path: Path) -> None:
    write_model(tmp_path / "model.gguf")
    header = read_gguf_header(tmp_path / "model.gguf")
    assert (header.architecture, header.n_layer, header.n_expert, header.n_expert_used) == ("qwen3moe", 2, 4, 2)


def test_an_absent_count_is_none(tmp_path: Path) -> None:
    assert read_gguf_header(RawGguf().write(tmp_path / "m.gguf")).count("context_length") is None


def test_a_count_given_per_layer_is_its_largest(tmp_path: Path) -> None:
    raw = RawGguf().with_metadata(raw_array("qwen3moe.head_count", UINT32, 3, pack("<3I", 2, 9, 4)))
    assert read_gguf_header(raw.write(tmp_path / "m.gguf")).count("head_count") == 9


@pytest.mark.parametrize(
    "value",
    [
        raw_value("qwen3moe.odd", FLOAT32, pack("<f", 2.0)),
        raw_value("qwen3moe.odd", BOOL, b"\x01"),
        raw_value("qwen3moe.odd", INT64, pack("<q", -1)),
        raw_text("qwen3moe.odd", "12"),
        raw_array("qwen3moe.odd", UINT8, 0, b""),
    ],
    ids=["float", "bool", "negative", "text", "empty array"],
)
def test_a_count_that_is_no_whole_number_is_refused(tmp_path: Path, value: bytes) -> None:
    header = read_gguf_header(RawGguf().with_metadata(value).write(tmp_path / "m.gguf"))
    with pytest.raises(ModelFileError, match="not a count"):
        header.count("odd")


def test_a_dense_model_has_no_experts(tmp_path: Path) -> None:
    raw = RawGguf(metadata=(raw_text("general.architecture", "llama"), raw_u32("llama.block_count", 1)))
    header = read_gguf_header(raw.with_tensor(MOE_TENSORS[0]).write(tmp_path / "m.gguf"))
    assert (header.n_expert, header.n_expert_used, header.expert_tensors, header.expert_bytes) == (0, 0, (), 0)


def test_version_2_is_read(tmp_path: Path) -> None:
    header = read_gguf_header(RawGguf(version=2).write(tmp_path / "m.gguf"))
    assert (header.version, len(header.tensors)) == (2, 3)


def test_fused_gate_and_up_experts_are_paged(tmp_path: Path) -> None:
    raw = RawGguf().with_tensor(RawTensor("blk.0.ffn_gate_up_exps.weight", (8, 4, 4), 0))
    (tensor,) = read_gguf_header(raw.write(tmp_path / "m.gguf")).expert_tensors
    assert (tensor.kind, tensor.expert_bytes) == ("gate_up", 128)


@pytest.mark.parametrize(
    "name",
    [
        "blk.0.ffn_gate_exps.bias",
        "blk.0.ffn_gate_chexps.weight",
        "blk.0.ffn_gate_shexp.weight",
        "blk.0.ffn_norm_exps",
        "blk.00.ffn_gate_exps.weight",
    ],
)
def test_other_tensors_of_an_expert_layer_stay_dense(tmp_path: Path, name: str) -> None:
    header = read_gguf_header(RawGguf().with_tensor(RawTensor(name, (8, 4), 0)).write(tmp_path / "m.gguf"))
    assert header.expert_tensors == ()
    assert header.dense_bytes == 128


def test_the_only_expert_of_a_layer_may_lack_its_third_dimension(tmp_path: Path) -> None:
    metadata = (*MOE_METADATA[:2], raw_u32("qwen3moe.expert_count", 1), raw_u32("qwen3moe.expert_used_count", 1))
    raw = RawGguf(metadata=metadata).with_tensor(RawTensor("blk.0.ffn_up_exps.weight", (8, 2), 0))
    (tensor,) = read_gguf_header(raw.write(tmp_path / "m.gguf")).expert_tensors
    assert (tensor.n_expert, tensor.expert_bytes) == (1, 64)


def test_metadata_values_keep_their_types(tmp_path: Path) -> None:
    raw = RawGguf().with_metadata(
        raw_value("a.bool", BOOL, b"\x01"),
        raw_value("a.float", FLOAT32, pack("<f", 0.5)),
        raw_value("a.big", UINT64, pack("<Q", 2**64 - 1)),
        raw_text("a.text", "Grüße"),
        raw_array("a.bools", BOOL, 2, b"\x00\x01"),
        raw_array("a.floats", FLOAT32, 2, pack("<2f", 0.5, -1.0)),
    )
    metadata = read_gguf_header(raw.write(tmp_path / "m.gguf")).metadata
    assert metadata["a.bool"] is True
    assert metadata["a.float"] == 0.5
    assert metadata["a.big"] == 2**64 - 1
    assert metadata["a.text"] == "Grüße"
    assert metadata["a.bools"] == (False, True)
    assert metadata["a.floats"] == (0.5, -1.0)


def test_text_that_is_not_utf8_is_kept_with_replacement_characters(tmp_path: Path) -> None:
    raw = RawGguf().with_metadata(raw_text("general.author", b"caf\xe9"))
    assert read_gguf_header(raw.write(tmp_path / "m.gguf")).metadata["general.author"] == "caf\N{REPLACEMENT CHARACTER}"


def test_a_long_array_of_numbers_is_summarised(tmp_path: Path) -> None:
    raw = RawGguf().with_metadata(raw_array("a.scores", FLOAT32, 1025, bytes(4100)))
    metadata = read_gguf_header(raw.write(tmp_path / "m.gguf")).metadata
    assert metadata["a.scores"] == ArraySummary(MetadataType.FLOAT32, 1025)


def test_what_follows_a_list_of_strings_is_read_whatever_their_lengths(tmp_path: Path) -> None:
    lengths = [0, 1, 300_000, 7, *range(2000), 262_144, 3]
    tokens = b"".join(raw_string(bytes(length)) for length in lengths)
    raw = RawGguf().with_metadata(raw_array("a.tokens", STRING, len(lengths), tokens), raw_u32("a.after", 77))
    metadata = read_gguf_header(raw.write(tmp_path / "m.gguf")).metadata
    assert metadata["a.tokens"] == ArraySummary(MetadataType.STRING, len(lengths))
    assert metadata["a.after"] == 77


def test_a_large_vocabulary_is_walked_without_being_kept(tmp_path: Path) -> None:
    token = raw_string("a token of some length, of which there are many")
    raw = RawGguf().with_metadata(raw_array("tokenizer.ggml.tokens", STRING, 150_000, token * 150_000))
    path = raw.write(tmp_path / "m.gguf")
    tracemalloc.start()
    header = read_gguf_header(path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert header.metadata["tokenizer.ggml.tokens"] == ArraySummary(MetadataType.STRING, 150_000)
    assert peak_bytes < 1 << 20 < path.stat().st_size


def test_the_models_own_alignment_places_the_tensors(tmp_path: Path) -> None:
    tensors = (RawTensor("a", (8, 3), 0), RawTensor("b", (8, 3), 128))
    metadata = (*MOE_METADATA, raw_u32("general.alignment", 128))
    raw = RawGguf(metadata=metadata, tensors=tensors, data=bytes(128) + b"\x2a" * 96, alignment=128)
    header = read_gguf_header(raw.write(tmp_path / "m.gguf"))
    assert header.alignment == 128
    assert stored(header, "b") == b"\x2a" * 96


def test_the_demo_model_is_a_mixture_of_experts_that_fills_its_file() -> None:
    path = demo_model_path()
    header = read_gguf_header(path)
    assert len(header.expert_tensors) == 3 * header.n_layer
    assert 0 < header.dense_bytes < header.expert_bytes
    last = max(header.tensors.values(), key=lambda info: info.offset)
    assert 0 <= path.stat().st_size - (last.offset + last.n_bytes) < header.alignment


# ---- split models


def test_a_split_model_holds_what_the_whole_one_does(tmp_path: Path) -> None:
    written = write_model(tmp_path / "model.gguf", split_max_tensors=4)
    header = read_gguf_header(tmp_path / "model-00001-of-00003.gguf")
    assert [file.name for file in header.files] == [f"model-0000{i}-of-00003.gguf" for i in (1, 2, 3)]
    assert {name: stored(header, name) for name in header.tensors} == {n: v.tobytes() for n, v in written.items()}


@pytest.mark.parametrize("part", [1, 2, 3])
def test_any_part_leads_to_the_same_header(tmp_path: Path, part: int) -> None:
    write_model(tmp_path / "model.gguf", split_max_tensors=4)
    header = read_gguf_header(tmp_path / f"model-0000{part}-of-00003.gguf")
    assert header == read_gguf_header(tmp_path / "model-00001-of-00003.gguf")
    assert header.n_expert == N_EXPERT


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    write_model(tmp_path / "model.gguf", split_max_tensors=4)
    (tmp_path / "model-00002-of-00003.gguf").unlink()
    with pytest.raises(ModelNotFoundError, match="Part 2 of 3") as caught:
        read_gguf_header(tmp_path / "model-00003-of-00003.gguf")
    assert caught.value.path == tmp_path / "model-00002-of-00003.gguf"


def test_a_renamed_part_is_refused_with_the_name_it_needs(tmp_path: Path) -> None:
    write_model(tmp_path / "model.gguf", split_max_tensors=4)
    renamed = (tmp_path / "model-00001-of-00003.gguf").rename(tmp_path / "first.gguf")
    with pytest.raises(ModelFileError, match=r"does not end in -00001-of-00003\.gguf"):
        read_gguf_header(renamed)


def part_of_two(index: int, *tensors: RawTensor, count: int = 2, total: int = 2) -> RawGguf:
    """Return a part that says it is number `index`; its tensors follow one another from data offset 0."""
    split = (raw_u16("split.no", index), raw_u16("split.count", count), raw_u32("split.tensors.count", total))
    return RawGguf(metadata=(*MOE_METADATA, *split), tensors=tensors)


ONE, TWO = RawTensor("one", (8,), 0), RawTensor("two", (8,), 0)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (part_of_two(0, TWO), "split.no is '0'"),
        (part_of_two(1, TWO, count=3), "split.count is '3'"),
        (replace(part_of_two(1, TWO), metadata=()), "split.no is 'None'"),
        (part_of_two(1), "hold 1 tensors"),
        (part_of_two(1, ONE), "tensor is also in"),
    ],
    ids=["wrong number", "wrong count", "not a part", "tensors missing", "tensor twice"],
)
def test_a_part_of_another_model_is_refused(tmp_path: Path, second: RawGguf, message: str) -> None:
    first = part_of_two(0, ONE).write(tmp_path / "m-00001-of-00002.gguf")
    other = second.write(tmp_path / "m-00002-of-00002.gguf")
    with pytest.raises(ModelFileError, match=message) as caught:
        read_gguf_header(first)
    assert caught.value.file in (first, other)


def test_the_cap_on_tensors_counts_those_of_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload.gguf_header.MAX_TENSORS", 1)
    first = part_of_two(0, ONE, total=1).write(tmp_path / "m-00001-of-00002.gguf")
    part_of_two(1, TWO, total=1).write(tmp_path / "m-00002-of-00002.gguf")
    with pytest.raises(ModelFileError, match="more than 1 tensors"):
        read_gguf_header(first)


@pytest.mark.parametrize(
    "split",
    [
        (raw_u32("split.count", 1 << 16),),
        (raw_text("split.count", "2"),),
        (raw_u16("split.count", 2), raw_u16("split.no", 2)),
        (raw_u16("split.count", 2), raw_value("split.no", INT64, pack("<q", -1))),
    ],
    ids=["too many", "text", "beyond the count", "negative"],
)
def test_an_impossible_split_is_refused(tmp_path: Path, split: tuple[bytes, ...]) -> None:
    with pytest.raises(ModelFileError, match=r"split\.(count|no) is"):
        read_gguf_header(RawGguf().with_metadata(*split).write(tmp_path / "m-00001-of-00002.gguf"))


# ---- files that are no models


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        read_gguf_header(tmp_path / "none.gguf")
    assert caught.value.path == tmp_path / "none.gguf"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="folder"):
        read_gguf_header(tmp_path)


def test_a_device_is_refused_without_opening_it() -> None:
    with pytest.raises(ModelFileError, match="device or pipe"):
        read_gguf_header(os.devnull)


def test_a_path_the_system_cannot_hold_is_refused() -> None:
    with pytest.raises(ModelFileError, match="cannot be opened"):
        read_gguf_header("a\0b.gguf")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").touch()
    with pytest.raises(ModelFileError, match="not a GGUF file"):
        read_gguf_header(tmp_path / "m.gguf")


def test_a_git_lfs_pointer_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelFileError, match="git lfs pull"):
        read_gguf_header(tmp_path / "m.gguf")


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(bytes(10))
    with path.open("rb", buffering=0) as file, pytest.raises(ModelFileError, match="became shorter"):
        HeaderBytes(file, path, file_bytes=100).take(20, "something")


def test_a_header_beyond_256_mib_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sparse.gguf"
    array_bytes = 8 << 22
    with path.open("wb") as file:
        file.write(RawGguf(metadata=(), n_metadata=9, tensors=()).header())
        for index in range(9):
            file.write(raw_array(f"a.{index}", UINT64, 1 << 22, b""))
            file.seek(array_bytes, os.SEEK_CUR)
        file.truncate()
    with pytest.raises(ModelFileError, match="header is larger than 268435456 bytes"):
        read_gguf_header(path)


# ---- malformed files


def offset_of(raw: RawGguf, piece: bytes) -> int:
    """Return where `piece` first stands in the file."""
    return raw.file().index(piece)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (RawGguf(magic=b"GGML"), "not a GGUF file"),
        (RawGguf(version=1), "GGUF version 1"),
        (RawGguf(version=4), "GGUF version 4"),
        (RawGguf(version=0), "GGUF version 0"),
        (RawGguf(version=0x03000000), "big endian"),
        (RawGguf(n_tensors=2**64 - 1), "number of tensors is 18446744073709551615"),
        (RawGguf(n_tensors=1000), "number of tensors is 1000"),
        (RawGguf(n_metadata=2**63), "number of metadata values is 9223372036854775808"),
        (RawGguf(metadata=MOE_METADATA[1:]), "no general.architecture"),
        (RawGguf(metadata=(raw_text("general.architecture", "clip"),)), "no 'clip.block_count'"),
        (RawGguf().with_metadata(MOE_METADATA[0]), "'general.architecture' appears twice"),
        (RawGguf().with_metadata(raw_u32("", 1)), "not a name"),
        (RawGguf().with_metadata(raw_value(b"\xff\xfe", UINT8, b"1")), "not a name"),
        (RawGguf().with_metadata(raw_value("a", 13, b"")), "unknown type 13"),
        (RawGguf().with_metadata(raw_value("a", BOOL, b"\x02")), "boolean of value 2"),
        (RawGguf().with_metadata(raw_array("a", BOOL, 1, b"\x02")), "boolean of value 2"),
        (RawGguf().with_metadata(raw_array("a", ARRAY, 1, b"")), "array of arrays"),
        (RawGguf().with_metadata(raw_array("a", 99, 1, b"")), "unknown type 99"),
        (RawGguf().with_metadata(raw_array("a", UINT8, (1 << 22) + 1, b"")), "more than the 4194304 allowed"),
        (RawGguf().with_metadata(raw_array("a", UINT8, 1 << 22, b"")), "file ends inside the array 'a'"),
        (RawGguf().with_metadata(raw_array("a", STRING, 1 << 22, b"")), "file ends inside the array 'a'"),
        (RawGguf().with_metadata(raw_array("a", STRING, 1, pack("<Q", 2**63))), "A string in the array 'a'"),
        (RawGguf().with_metadata(raw_value("a", STRING, pack("<Q", 2**64 - 1))), "length of the value of 'a'"),
        (RawGguf().with_metadata(raw_value("a", STRING, pack("<Q", 1 << 20))), "file ends inside the value of 'a'"),
        (RawGguf().with_metadata(raw_u32("general.alignment", 0)), "not a power of two"),
        (RawGguf().with_metadata(raw_u32("general.alignment", 48)), "not a power of two"),
        (RawGguf().with_metadata(raw_text("general.alignment", "32")), "not a power of two"),
    ],
)
def test_a_malformed_file_is_refused_with_its_name(tmp_path: Path, raw: RawGguf, message: str) -> None:
    path = raw.write(tmp_path / "m.gguf")
    with pytest.raises(ModelFileError, match=message) as caught:
        read_gguf_header(path)
    assert caught.value.file == path


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (RawTensor("t", (8, 1, 1, 1, 1), 0), "5 dimensions"),
        (RawTensor("t", (8,), 0, type=4), "type 4"),
        (RawTensor("t", (8,), 0, type=43), "type 43"),
        (RawTensor("t", (8,), 0, type=2**32 - 1), "type 4294967295"),
        (RawTensor("t", (255,), 0, type=Q4_K), "no multiple of Q4_K's block of 256"),
        (RawTensor("t", (), 0, type=Q4_K), "no multiple of Q4_K's block of 256"),
        (RawTensor("t", (2**63,), 0), "63 bits"),
        (RawTensor("t", (2**32, 2**31), 0), "63 bits"),
        (RawTensor("t", (2**32, 2**30), 0), "but the file has"),
        (RawTensor("t", (8,), 32), "leaves a gap"),
        (RawTensor("t", (8,), 2**64 - 32), "leaves a gap"),
        (RawTensor("blk.0.ffn_up_exps.weight", (8, 2, 3), 0), "3 experts, but the metadata says 4"),
        (RawTensor("blk.0.ffn_up_exps.weight", (8, 2), 0), "1 experts, but the metadata says 4"),
        (RawTensor("blk.0.ffn_up_exps.weight", (8,), 0), "columns, rows, experts"),
        (RawTensor("blk.0.ffn_up_exps.weight", (8, 2, 4, 2), 0), "columns, rows, experts"),
        (RawTensor("blk.0.ffn_up_exps.weight", (8, 2, 0), 0), "columns, rows, experts"),
        (RawTensor("blk.1.ffn_up_exps.weight", (8, 2, 4), 0), "layer 1, but the metadata says 1 layers"),
    ],
)
def test_a_malformed_tensor_is_named_with_its_offset(tmp_path: Path, tensor: RawTensor, message: str) -> None:
    raw = RawGguf().with_tensor(tensor)
    path = raw.write(tmp_path / "m.gguf")
    with pytest.raises(ModelFileError, match=message) as caught:
        read_gguf_header(path)
    assert (caught.value.file, caught.value.tensor) == (path, tensor.name)
    assert caught.value.offset is not None
    assert offset_of(raw, tensor.row()) <= caught.value.offset <= path.stat().st_size


@pytest.mark.parametrize(
    ("name", "message"), [("n" * 64, "more than the 63 allowed"), ("", "not a name"), (b"a\0b", "not a name")]
)
def test_a_tensor_without_a_proper_name_is_refused(tmp_path: Path, name: str | bytes, message: str) -> None:
    raw = RawGguf().with_tensor(RawTensor(name, (8,), 0))
    with pytest.raises(ModelFileError, match=message) as caught:
        read_gguf_header(raw.write(tmp_path / "m.gguf"))
    assert caught.value.offset == offset_of(raw, RawTensor(name, (8,), 0).row())


def test_a_name_of_63_bytes_is_read(tmp_path: Path) -> None:
    raw = RawGguf().with_tensor(RawTensor("n" * 63, (8,), 0))
    assert list(read_gguf_header(raw.write(tmp_path / "m.gguf")).tensors) == ["n" * 63]


def test_overlapping_tensors_are_refused(tmp_path: Path) -> None:
    raw = RawGguf(tensors=(RawTensor("a", (8, 3), 0), RawTensor("b", (8,), 64)))
    with pytest.raises(ModelFileError, match="overlaps the tensor before it") as caught:
        read_gguf_header(raw.write(tmp_path / "m.gguf"))
    assert caught.value.tensor == "b"


def test_a_tensor_listed_twice_is_refused(tmp_path: Path) -> None:
    raw = RawGguf(tensors=(RawTensor("a", (8,), 0), RawTensor("a", (8,), 32)))
    with pytest.raises(ModelFileError, match="listed twice"):
        read_gguf_header(raw.write(tmp_path / "m.gguf"))


def test_a_file_cut_within_its_last_tensor_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(RawGguf().file()[:-1])
    with pytest.raises(ModelFileError, match="truncated") as caught:
        read_gguf_header(path)
    assert caught.value.tensor == "blk.0.ffn_down_exps.weight"


def test_padding_after_the_last_tensor_may_be_missing(tmp_path: Path) -> None:
    raw = replace(RawGguf().with_tensor(RawTensor("t", (3,), 0)), data=bytes(12))
    assert read_gguf_header(raw.write(tmp_path / "m.gguf")).tensors["t"].n_bytes == 12


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"block_count": 0}, "block_count 0"),
        ({"block_count": 513}, "block_count 513"),
        ({"expert_count": 1025}, "expert_count 1025"),
        ({"expert_used_count": 5}, "expert_used_count 5 exceeds expert_count 4"),
        ({"expert_used_count": 0}, "expert_used_count is 0"),
        ({"expert_count": 0}, "expert_used_count 2 exceeds expert_count 0"),
        ({"nextn_predict_layers": 2}, "nextn_predict_layers exceeds block_count 1"),
        ({"expert_group_count": 4}, "expert_group_count 4 is not below"),
        ({"expert_group_count": 3, "expert_group_used_count": 1}, "expert_group_count 3 does not fit"),
        ({"expert_group_count": 2, "expert_group_used_count": 2}, "expert_group_count 2 does not fit"),
    ],
)
def test_counts_that_would_abort_the_native_library_are_refused(
    tmp_path: Path, values: dict[str, int], message: str
) -> None:
    counts = {"block_count": 1, "expert_count": 4, "expert_used_count": 2} | values
    metadata = (MOE_METADATA[0], *(raw_u32(f"qwen3moe.{key}", value) for key, value in counts.items()))
    raw = RawGguf(metadata=metadata).with_tensor(MOE_TENSORS[0])
    with pytest.raises(ModelFileError, match=message):
        read_gguf_header(raw.write(tmp_path / "m.gguf"))


def test_a_dense_hunyuan_may_speak_of_one_expert(tmp_path: Path) -> None:
    keys = {"block_count": 1, "expert_count": 1, "expert_used_count": 0}
    counts = (raw_u32(f"hunyuan-dense.{key}", value) for key, value in keys.items())
    raw = RawGguf(metadata=(raw_text("general.architecture", "hunyuan-dense"), *counts)).with_tensor(MOE_TENSORS[0])
    assert read_gguf_header(raw.write(tmp_path / "m.gguf")).expert_tensors == ()


def test_long_keys_are_shortened_in_messages(tmp_path: Path) -> None:
    raw = RawGguf().with_metadata(raw_value("k" * 60_000, 13, b""))
    with pytest.raises(ModelFileError) as caught:
        read_gguf_header(raw.write(tmp_path / "m.gguf"))
    assert len(caught.value.message) < 200
