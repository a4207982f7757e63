"""Damaged packed stores are refused with an error of ours, never trusted, and never read without bound."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.expert_files import ReversingInterleaver, write_expert_model
from offload.errors import ModelFileError, StaleStoreError
from offload.experts.packed_file import read_packed_file
from offload.experts.packed_format import INDEX_DTYPE, PREAMBLE, Preamble
from offload.experts.packing import pack_model
from offload.gguf_header import read_gguf_header

Index = np.ndarray[Any, np.dtype[np.void]]
FIELDS = ("offset", "stored_bytes", "crc32", "codec", "variant", "reserved")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound packed store."""
    model = tmp_path_factory.mktemp("sound") / "model.gguf"
    write_expert_model(model)
    destination = model.with_suffix(".offload")
    pack_model(read_gguf_header(model), destination, interleaver=ReversingInterleaver())
    return destination.read_bytes()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A path for damaged stores."""
    return tmp_path_factory.mktemp("damaged") / "model.offload"


def tables_of(content: bytes) -> tuple[Preamble, bytes, Index]:
    preamble = Preamble(*PREAMBLE.unpack_from(content)[2:-1])
    text = content[PREAMBLE.size : PREAMBLE.size + preamble.description_bytes]
    table = content[preamble.index_offset : preamble.index_offset + preamble.index_bytes]
    return preamble, text, np.frombuffer(table, INDEX_DTYPE).copy()


def sealed(content: bytes, text: bytes, index: Index) -> bytes:
    """Return `content` with other tables and checksums that fit, so that only what they say is wrong."""
    table = index.tobytes()
    end = PREAMBLE.size + len(text)
    preamble = Preamble(PREAMBLE.size, len(text), end, len(table), zlib.crc32(text), zlib.crc32(table))
    head = preamble.encode() + text + table
    return head + content[len(head) :]


@settings(max_examples=300)
@given(data=st.data())
def test_any_damage_to_the_head_is_refused(sound: bytes, file: Path, data: st.DataObject) -> None:
    _, text, index = tables_of(sound)
    n_head = PREAMBLE.size + len(text) + index.nbytes
    position = data.draw(st.integers(0, n_head - 1))
    change = data.draw(st.binary(min_size=1, max_size=8))
    damaged = sound[:position] + change + sound[position + len(change) :]
    if damaged[:n_head] == sound[:n_head]:
        return
    file.write_bytes(damaged)
    with pytest.raises(ModelFileError):
        read_packed_file(file)


@settings(max_examples=100)
@given(data=st.data())
def test_any_truncation_is_refused(sound: bytes, file: Path, data: st.DataObject) -> None:
    file.write_bytes(sound[: data.draw(st.integers(0, len(sound) - 1))])
    with pytest.raises(ModelFileError):
        read_packed_file(file)


def test_bytes_after_the_last_record_are_refused(sound: bytes, file: Path) -> None:
    file.write_bytes(sound + bytes(4096))
    with pytest.raises(ModelFileError, match="its records end at"):
        read_packed_file(file)


@settings(max_examples=300)
@given(numbers=st.lists(st.integers(0, (1 << 64) - 1), min_size=4, max_size=4), with_crcs=st.booleans())
def test_preamble_of_any_numbers_is_refused(sound: bytes, file: Path, numbers: list[int], with_crcs: bool) -> None:
    preamble, _, _ = tables_of(sound)
    crcs = (preamble.description_crc32, preamble.index_crc32) if with_crcs else (0, 0)
    hostile = Preamble(numbers[0], numbers[1], numbers[2], numbers[3], *crcs)
    file.write_bytes(hostile.encode() + sound[PREAMBLE.size :])
    with pytest.raises(ModelFileError):
        read_packed_file(file)


def test_description_of_any_length_is_not_read(sound: bytes, file: Path) -> None:
    preamble, _, _ = tables_of(sound)
    file.write_bytes(preamble._replace(description_bytes=(16 << 20) + 1).encode())
    with file.open("r+b") as sparse:
        sparse.truncate(64 << 20)
    with pytest.raises(ModelFileError, match="more than any model needs"):
        read_packed_file(file)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300)
@given(data=st.data())
def test_description_with_any_value_replaced_is_read_or_refused(sound: bytes, file: Path, data: st.DataObject) -> None:
    _, text, index = tables_of(sound)
    description = json.loads(text)
    place: Any = description
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(JSON)
    file.write_bytes(sealed(sound, json.dumps(description).encode(), index))
    try:
        read = read_packed_file(file)
    except ModelFileError:
        return
    # What was read says the same of its records as the sound store does.
    assert read.description.n_parts == len(index)


@pytest.mark.parametrize(
    "text",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b"1" * 10_000, b'{"written_by": NaN}'],
    ids=["empty", "null", "list", "object", "no text", "deep", "long number", "nan"],
)
def test_description_that_is_something_else_is_refused(sound: bytes, file: Path, text: bytes) -> None:
    _, _, index = tables_of(sound)
    file.write_bytes(sealed(sound, text, index))
    with pytest.raises(ModelFileError, match="description is malformed"):
        read_packed_file(file)


def test_description_with_an_unknown_field_is_refused(sound: bytes, file: Path) -> None:
    _, text, index = tables_of(sound)
    file.write_bytes(sealed(sound, json.dumps({**json.loads(text), "more": 1}).encode(), index))
    with pytest.raises(ModelFileError, match="does not have exactly the fields"):
        read_packed_file(file)


@pytest.mark.parametrize(
    ("field", "value", "trouble"),
    [
        ("offset", 4097, "does not start at a page"),
        ("offset", 0, "lies in the tables"),
        ("offset", 1 << 40, "does not lie inside the file"),
        ("offset", (1 << 64) - 4096, "does not lie inside the file"),
        ("offset", 4096, "overlaps the one before"),
        ("stored_bytes", 0, "does not lie inside the file"),
        ("stored_bytes", (1 << 64) - 1, "does not lie inside the file"),
        ("stored_bytes", 9999, "impossible codec or size"),
        ("codec", 1, "impossible codec or size"),
        ("codec", 2, "impossible codec or size"),
        ("variant", 1, "unknown variant"),
        ("reserved", 1, "unknown variant"),
    ],
)
def test_index_entry_that_cannot_be_is_refused(sound: bytes, file: Path, field: str, value: int, trouble: str) -> None:
    _, text, index = tables_of(sound)
    index[field][5] = value
    file.write_bytes(sealed(sound, text, index))
    with pytest.raises(ModelFileError, match=trouble):
        read_packed_file(file)


@settings(max_examples=200)
@given(row=st.integers(0, 23), field=st.sampled_from(FIELDS), value=st.integers(0, (1 << 64) - 1))
def test_index_that_is_accepted_keeps_every_part_inside_the_file(
    sound: bytes, file: Path, row: int, field: str, value: int
) -> None:
    _, text, index = tables_of(sound)
    index[field][row] = value % (1 << (8 * INDEX_DTYPE[field].itemsize))
    file.write_bytes(sealed(sound, text, index))
    try:
        read = read_packed_file(file).index
    except ModelFileError:
        return
    ends = [int(entry["offset"]) + int(entry["stored_bytes"]) for entry in read]
    assert max(ends) <= len(sound)
    assert all(end <= int(entry["offset"]) for end, entry in zip(ends, read[1:], strict=False))


@pytest.mark.parametrize("change", [lambda content: b"GGUF" + content[4:], lambda content: b""], ids=["gguf", "empty"])
def test_file_of_another_format_is_no_packed_store(sound: bytes, file: Path, change: Callable[[bytes], bytes]) -> None:
    file.write_bytes(change(sound))
    with pytest.raises(ModelFileError, match="not a packed store") as caught:
        read_packed_file(file)
    assert not isinstance(caught.value, StaleStoreError)
