"""Mutated GGUF headers: each is read as a header whose promises hold, or refused as ModelFileError; nothing else."""

import tracemalloc
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.raw_gguf import (
    ARRAY,
    FLOAT32,
    MOE_METADATA,
    MOE_TENSORS,
    STRING,
    UINT8,
    RawGguf,
    RawTensor,
    raw_array,
    raw_string,
    raw_text,
    raw_u32,
    raw_value,
)
from offload.errors import ModelFileError
from offload.gguf_header import GgufHeader, read_gguf_header

SEED = RawGguf().with_metadata(
    raw_u32("general.alignment", 32),
    raw_array("tokenizer.ggml.tokens", STRING, 3, raw_string("a") + raw_string("bc") + raw_string("")),
    raw_array("tokenizer.ggml.scores", FLOAT32, 3, pack("<3f", 0.0, 1.0, 2.0)),
)
SEED_FILE = SEED.file()
SEED_HEADER_BYTES = len(SEED.header())
EXTREMES = (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**48, 2**62, 2**63 - 1, 2**63, 2**64 - 32, 2**64 - 1)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "model.gguf"
    path.touch()
    return path


def check_promises(header: GgufHeader) -> None:
    """Assert what the rest of the program takes for granted of a header that was accepted."""
    sizes = [path.stat().st_size for path in header.files]
    spans = sorted((t.file_index, t.offset, t.offset + t.n_bytes) for t in header.tensors.values())
    assert all(0 < start <= end <= sizes[index] for index, start, end in spans)
    assert all(end <= start for (a, _, end), (b, start, _) in pairwise(spans) if a == b)
    assert all(start % header.alignment == 0 for _, start, _ in spans)
    assert 1 <= header.n_layer <= 512
    assert header.n_expert == 0 or 0 < header.n_expert_used <= header.n_expert <= 1024
    for expert in header.expert_tensors:
        assert expert.layer < header.n_layer
        assert expert.n_expert == header.n_expert
        assert expert.expert_bytes > 0
        assert expert.expert_bytes * expert.n_expert == expert.info.n_bytes
    assert header.dense_bytes + header.expert_bytes == header.total_bytes <= sum(sizes)


def is_read(file: Path, content: bytes) -> bool:
    """Write and read `content`; return whether it was accepted, having checked its promises."""
    # Overwriting in place: ext4 flushes a file that is truncated first, which takes ten times as long as reading it.
    with file.open("r+b", buffering=0) as opened:
        opened.write(content)
        opened.truncate()
    refusal = None
    try:
        header = read_gguf_header(file)
    except ModelFileError as error:
        refusal = error
    if refusal is None:
        check_promises(header)
        return True
    assert refusal.file == file
    assert refusal.offset is None or 0 <= refusal.offset <= len(content)
    return False


def test_the_unmutated_file_is_read(file: Path) -> None:
    assert is_read(file, SEED_FILE)


def test_no_truncation_is_read(file: Path) -> None:
    assert not any(is_read(file, SEED_FILE[:length]) for length in range(len(SEED_FILE)))


def test_every_single_bit_flip_is_read_or_refused(file: Path) -> None:
    accepted = 0
    for at in range(SEED_HEADER_BYTES):
        for bit in range(8):
            flipped = bytearray(SEED_FILE)
            flipped[at] ^= 1 << bit
            accepted += is_read(file, bytes(flipped))
    # Most bits are letters of names or lengths; both outcomes must be common for the test to say anything.
    assert SEED_HEADER_BYTES < accepted < SEED_HEADER_BYTES * 7


def test_every_extreme_number_at_every_place_is_read_or_refused(file: Path) -> None:
    accepted = 0
    for at in range(SEED_HEADER_BYTES - 8):
        for extreme in EXTREMES[at % 3 :: 3]:
            accepted += is_read(file, SEED_FILE[:at] + pack("<Q", extreme) + SEED_FILE[at + 8 :])
    assert accepted < SEED_HEADER_BYTES


mutation = st.one_of(
    st.tuples(st.just("flip"), st.integers(0, SEED_HEADER_BYTES - 1), st.integers(1, 255)),
    st.tuples(st.just("number"), st.integers(0, SEED_HEADER_BYTES - 8), st.sampled_from(EXTREMES)),
    st.tuples(st.just("cut"), st.integers(0, SEED_HEADER_BYTES - 1), st.integers(1, 64)),
    st.tuples(st.just("repeat"), st.integers(0, SEED_HEADER_BYTES - 1), st.integers(1, 64)),
)


def mutated(content: bytes, kind: str, at: int, value: int) -> bytes:
    match kind:
        case "flip":
            return content[:at] + bytes((content[at] ^ value if at < len(content) else value,)) + content[at + 1 :]
        case "number":
            return content[:at] + pack("<Q", value) + content[at + 8 :]
        case "cut":
            return content[:at] + content[at + value :]
        case _:
            return content[: at + value] + content[at:]


@settings(max_examples=1500)
@given(mutations=st.lists(mutation, min_size=1, max_size=4))
def test_several_mutations_together_are_read_or_refused(file: Path, mutations: list[tuple[str, int, int]]) -> None:
    content = SEED_FILE
    for kind, at, value in mutations:
        content = mutated(content, kind, at, value)
    is_read(file, content)


numbers = st.one_of(st.integers(0, 40), st.sampled_from(EXTREMES), st.integers(0, 2**64 - 1))
names = st.one_of(
    st.sampled_from([t.name for t in MOE_TENSORS]),
    st.from_regex(rb"blk\.[0-9]{1,5}\.ffn_(gate|up|down|gate_up)_exps\.weight", fullmatch=True),
    st.binary(max_size=70),
)
tensors = st.builds(
    RawTensor,
    name=names,
    shape=st.lists(numbers, max_size=5).map(tuple),
    data_offset=st.one_of(st.integers(0, 8).map(lambda n: 32 * n), numbers),
    type=st.one_of(st.integers(0, 45), st.integers(0, 2**32 - 1)),
)
values = st.one_of(
    st.sampled_from([*MOE_METADATA, raw_u32("general.alignment", 64), raw_u32("split.count", 1)]),
    st.builds(
        lambda key, value: raw_u32(f"qwen3moe.{key}", value),
        st.sampled_from(["block_count", "expert_count", "expert_used_count", "expert_group_count"]),
        st.integers(0, 2**32 - 1),
    ),
    st.builds(raw_text, st.text(max_size=9), st.binary(max_size=30)),
    st.builds(raw_value, st.binary(max_size=9), st.integers(0, 14), st.binary(max_size=30)),
    st.builds(raw_array, st.text(max_size=9), st.integers(0, 14), numbers, st.binary(max_size=60)),
)
files = st.builds(
    RawGguf,
    version=st.sampled_from([2, 3, 3, 3, 3, 3, 3, 1, 2**32 - 1]),
    metadata=st.lists(values, max_size=3).map(lambda more: (*MOE_METADATA, *more)),
    tensors=st.lists(tensors, max_size=3).map(tuple),
    n_tensors=st.one_of(st.none(), st.none(), numbers),
    n_metadata=st.one_of(st.none(), st.none(), numbers),
)


@settings(max_examples=1500)
@given(raw=files)
def test_arbitrary_tables_are_read_or_refused(file: Path, raw: RawGguf) -> None:
    is_read(file, raw.file())


@settings(max_examples=300)
@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_after_the_magic_are_refused(file: Path, content: bytes) -> None:
    assert not is_read(file, b"GGUF" + pack("<I", 3) + content)


HOSTILE = {
    "tensors": RawGguf(n_tensors=2**64 - 1),
    "tensors within the cap": RawGguf(n_tensors=1 << 16),
    "metadata": RawGguf(n_metadata=2**64 - 1),
    "metadata within the cap": RawGguf(n_metadata=1 << 16),
    "key": replace(RawGguf(), metadata=(pack("<Q", 2**40),)),
    "text": RawGguf().with_metadata(raw_value("a", STRING, pack("<Q", 2**40))),
    "text within the cap": RawGguf().with_metadata(raw_value("a", STRING, pack("<Q", 60 << 20))),
    "array": RawGguf().with_metadata(raw_array("a", UINT8, 2**62, b"")),
    "array within the cap": RawGguf().with_metadata(raw_array("a", FLOAT32, 1 << 22, b"")),
    "strings": RawGguf().with_metadata(raw_array("a", STRING, 2**61, b"")),
    "strings within the cap": RawGguf().with_metadata(raw_array("a", STRING, 1 << 22, b"")),
    "a string of many": RawGguf().with_metadata(raw_array("a", STRING, 1, pack("<Q", 2**40))),
    "nested arrays": RawGguf().with_metadata(raw_array("a", ARRAY, 1, pack("<IQ", ARRAY, 1) * 1000)),
    "dimensions": RawGguf(tensors=(RawTensor("t", (1,) * 3000, 0),)),
    "shape": RawGguf(tensors=(RawTensor("t", (2**31, 2**31), 0),)),
    "tensor name": RawGguf(tensors=(RawTensor("n" * 9000, (1,), 0),)),
    "alignment": RawGguf().with_metadata(raw_u32("general.alignment", 1 << 31)),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_number_is_refused_without_allocating_for_it(file: Path, raw: RawGguf) -> None:
    content = raw.file()
    file.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            read_gguf_header(file)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 256 << 10


def test_a_sparse_file_that_seems_to_hold_everything_is_read_without_keeping_it(tmp_path: Path) -> None:
    path = tmp_path / "sparse.gguf"
    raw = RawGguf(tensors=(), n_tensors=3, data=b"").with_metadata(raw_array("a", STRING, 1 << 18, b""))
    path.write_bytes(raw.header())
    with path.open("r+b") as sparse:
        sparse.truncate(1 << 33)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match="name of tensor 0") as caught:
            read_gguf_header(path)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.offset == len(raw.header()) + (8 << 18)
    assert peak_bytes < 1 << 20
