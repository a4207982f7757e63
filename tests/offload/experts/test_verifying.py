"""Damage in records is found, and nothing else."""

from pathlib import Path

import pytest

from fakes.expert_files import ReversingInterleaver, write_expert_model
from offload.errors import CancelledError, ModelFileError
from offload.experts.key import ExpertKey
from offload.experts.packed_file import read_packed_file
from offload.experts.packing import pack_model
from offload.experts.verifying import verify_packed
from offload.gguf_header import read_gguf_header


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    model = tmp_path / "model.gguf"
    write_expert_model(model)
    destination = model.with_suffix(".offload")
    pack_model(read_gguf_header(model), destination, interleaver=ReversingInterleaver())
    return destination


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def test_sound_store_has_no_bad_experts(packed: Path) -> None:
    assert verify_packed(packed) == []


@pytest.mark.parametrize("entry", [0, 7, 23])
@pytest.mark.parametrize("last_byte", [False, True])
def test_expert_with_a_flipped_bit_is_named(packed: Path, entry: int, last_byte: bool) -> None:
    row = read_packed_file(packed).index[entry]
    flip(packed, int(row["offset"]) + (int(row["stored_bytes"]) - 1 if last_byte else 0))
    assert verify_packed(packed) == [ExpertKey(entry // 12, entry // 3 % 4)]


def test_flipped_bit_in_a_table_is_a_malformed_file(packed: Path) -> None:
    flip(packed, 100)
    with pytest.raises(ModelFileError, match="does not have its checksum"):
        verify_packed(packed)


def test_progress_ends_at_the_total(packed: Path) -> None:
    seen: list[tuple[int, int]] = []

    def note(done_bytes: int, total_bytes: int) -> bool:
        seen.append((done_bytes, total_bytes))
        return True

    verify_packed(packed, note)
    assert seen == [(expert * 30_000, 8 * 30_000) for expert in range(1, 9)]


def test_check_can_be_stopped(packed: Path) -> None:
    with pytest.raises(CancelledError):
        verify_packed(packed, lambda done_bytes, total_bytes: False)
