"""Mutated traces: each is read as a trace whose promises hold, or refused as TraceFileError; nothing else."""

import struct
import tracemalloc
import zlib
from dataclasses import asdict
from json import dumps, loads
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.routing_traces import make_header, random_step
from offload.errors import TraceFileError
from offload.routing.csv_trace import COLUMNS
from offload.routing.open_trace import open_trace
from offload.routing.route_trace import Phase
from offload.routing.trace_file import TraceWriter
from offload.routing.trace_format import (
    END,
    MAGIC,
    PREAMBLE,
    VERSION,
    PieceHead,
    TraceEnd,
    encode_end,
    encode_header,
    encode_piece,
    routes_raw_bytes,
)
from offload.routing.trace_rules import header_trouble, step_trouble

HEADER = make_header(n_embd=2)
EXTREMES = (0, 1, 2**31 - 1, 2**31, 2**32 - 1)
CSV = (
    "# route_trace v1\n# model=m arch=a n_layer=2 n_expert=8 n_expert_used=2\n# layer=0 expert_bytes=1\n"
    f"# layer=1 expert_bytes=1\n{COLUMNS}\n"
    "0,0,0,0,0,1,0.5,0,1\n0,0,0,0,1,2,0.5,0,1\n0,0,0,1,0,3,0.5,0,1\n0,1,1,0,0,4,0.5,0,1\n"
).encode()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "a.routes"
    random = np.random.default_rng(1)
    with TraceWriter(path, HEADER) as writer:
        writer.write(random_step(HEADER, random, 3, phase=Phase.PREFILL))
        writer.write(random_step(HEADER, random))
    return path.read_bytes()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "a.routes"
    path.touch()
    return path


def is_read(file: Path, content: bytes) -> bool:
    """Write and read `content`; return whether it was accepted, having checked what the rest takes for granted."""
    with file.open("r+b", buffering=0) as opened:
        opened.write(content)
        opened.truncate()
    refusal = None
    try:
        trace = open_trace(file)
        steps = list(trace.steps())
    except TraceFileError as error:
        refusal = error
    if refusal is None:
        assert header_trouble(trace.header) == ""
        assert [step_trouble(trace.header, step) for step in steps] == [""] * len(steps)
        return True
    assert refusal.file == file
    assert refusal.offset is None or 0 <= refusal.offset <= len(content)
    return False


def file_of(head: PieceHead, frames: bytes, header: bytes | None = None) -> bytes:
    """Return a file of one piece whose checksums are right, whatever it says."""
    start = (encode_header(HEADER) if header is None else header) + encode_piece(head) + frames
    return start + encode_end(TraceEnd(head.n_steps, head.n_tokens, len(start) + END.size))


def header_of(text: bytes) -> bytes:
    return PREAMBLE.pack(MAGIC, VERSION, len(text), zlib.crc32(text)) + text


def peak_bytes(file: Path, content: bytes) -> int:
    tracemalloc.start()
    try:
        assert not is_read(file, content)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_unmutated_files_are_read(file: Path, sound: bytes) -> None:
    assert is_read(file, sound)
    assert is_read(file, CSV)


def test_no_truncation_is_read(file: Path, sound: bytes) -> None:
    assert not any(is_read(file, sound[:length]) for length in range(len(sound)))


def test_no_single_bit_flip_is_read(file: Path, sound: bytes) -> None:
    for at in range(len(sound)):
        flipped = bytearray(sound)
        flipped[at] ^= 1 << (at % 8)
        assert not is_read(file, bytes(flipped))


def test_bytes_after_the_end_are_refused(file: Path, sound: bytes) -> None:
    assert not is_read(file, sound + b"\0")


FIELDS = sorted(asdict(HEADER))
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=9),
    st.lists(st.one_of(st.integers(-1, 600), st.none()), max_size=4),
)


@settings(max_examples=300)
@given(changes=st.dictionaries(st.sampled_from([*FIELDS, "more"]), VALUES, max_size=3))
def test_a_header_of_any_values_is_read_or_refused(file: Path, changes: dict[str, object]) -> None:
    header = header_of(dumps({**asdict(HEADER), **changes}).encode())
    is_read(file, header + encode_end(TraceEnd(0, 0, len(header) + END.size)))


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b"1" * 10_000])
def test_a_header_of_any_text_is_refused(file: Path, text: bytes) -> None:
    header = header_of(text)
    assert not is_read(file, header + encode_end(TraceEnd(0, 0, len(header) + END.size)))


numbers = st.one_of(st.integers(0, 9), st.sampled_from(EXTREMES))


@settings(max_examples=300)
@given(n_steps=numbers, n_tokens=numbers, stored=st.tuples(numbers, numbers), frames=st.binary(max_size=40))
def test_a_piece_of_any_numbers_is_refused(
    file: Path, n_steps: int, n_tokens: int, stored: tuple[int, int], frames: bytes
) -> None:
    crcs = zlib.crc32(frames[: stored[0]]), zlib.crc32(frames[stored[0] :])
    assert not is_read(file, file_of(PieceHead(n_steps, n_tokens, *stored, *crcs), frames))


@settings(max_examples=300)
@given(data=st.data())
def test_decompressed_numbers_of_any_kind_are_read_or_refused(file: Path, data: st.DataObject) -> None:
    header = make_header()
    raw = bytearray(routes_raw_bytes(header, 2, 3))
    raw[:24] = struct.pack("<6I", 0, 0, 1, 0, 1, 2)
    # Experts 0 and 1 for every token, in planes of low and high bytes.
    raw[36:60] = bytes((0, 1)) * 6 + bytes(12)
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=3)):
        raw[at] = value
    frame = zstandard.compress(bytes(raw))
    is_read(file, file_of(PieceHead(2, 3, len(frame), 0, zlib.crc32(frame), 0), frame, encode_header(header)))


def test_the_numbers_above_are_a_trace_when_they_are_not_changed(file: Path) -> None:
    header = make_header()
    raw = struct.pack("<6I", 0, 0, 1, 0, 1, 2) + bytes(12) + bytes((0, 1)) * 6 + bytes(12 + 24)
    assert len(raw) == routes_raw_bytes(header, 2, 3)
    frame = zstandard.compress(raw)
    assert is_read(file, file_of(PieceHead(2, 3, len(frame), 0, zlib.crc32(frame), 0), frame, encode_header(header)))


def refusal_of(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    with pytest.raises(TraceFileError) as caught:
        list(open_trace(file).steps())
    return caught.value.message


def test_a_frame_that_grows_beyond_its_steps_is_not_decompressed(file: Path) -> None:
    frame = zstandard.compress(bytes(16 << 20))
    content = file_of(PieceHead(1, 1, len(frame), 0, zlib.crc32(frame), 0), frame)
    assert "does not hold the" in refusal_of(file, content)
    assert peak_bytes(file, content) < 4 << 20


def test_a_table_of_more_steps_than_tokens_is_not_decompressed(file: Path) -> None:
    frame = zstandard.compress(bytes(16 << 20))
    content = file_of(PieceHead(1 << 20, 1, len(frame), 0, zlib.crc32(frame), 0), frame)
    assert "1048576 steps and 1 tokens is impossible" in refusal_of(file, content)
    assert peak_bytes(file, content) < 4 << 20


def test_a_piece_that_reaches_into_the_end_is_refused(file: Path) -> None:
    content = file_of(PieceHead(1, 1, 5, 0, 0, 0), b"four")
    assert "does not end inside the file" in refusal_of(file, content)


def test_a_step_without_tokens_is_refused(file: Path) -> None:
    header = make_header()
    raw = struct.pack("<6I", 0, 0, 0, 0, 1, 3) + bytes(routes_raw_bytes(header, 2, 3) - 24)
    frame = zstandard.compress(raw)
    content = file_of(PieceHead(2, 3, len(frame), 0, zlib.crc32(frame), 0), frame, encode_header(header))
    assert "the tokens of its steps are not 3 together, or a step has none" in refusal_of(file, content)


def test_an_end_that_counts_otherwise_is_refused(file: Path) -> None:
    header = encode_header(HEADER)
    content = header + encode_end(TraceEnd(1, 0, len(header) + END.size))
    assert "it has 0 steps and 0 tokens, its end says 1 and 0" in refusal_of(file, content)


def test_many_tokens_that_are_not_there_take_no_memory(file: Path) -> None:
    frame = zstandard.compress(b"few")
    content = file_of(PieceHead(1, 1 << 22, len(frame), 0, zlib.crc32(frame), 0), frame)
    assert peak_bytes(file, content) < 4 << 20


def test_a_header_of_any_length_is_not_read(file: Path) -> None:
    assert peak_bytes(file, PREAMBLE.pack(MAGIC, VERSION, 2**32 - 1, 0) + bytes(1 << 19)) < 2 << 20


@settings(max_examples=500)
@given(data=st.data())
def test_a_csv_with_several_changes_is_read_or_refused(file: Path, data: st.DataObject) -> None:
    content = CSV
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        change = data.draw(st.sampled_from([b"9" * 20, b"-1", b",", b"\n", b"nan", b"\xff", b"", b"1e999", b" "]))
        content = content[:at] + change + content[at + data.draw(st.integers(0, 9)) :]
    is_read(file, content)


def test_the_header_is_written_as_this_file_takes_it_to_be() -> None:
    assert loads(encode_header(HEADER)[PREAMBLE.size :]).keys() == set(FIELDS)
