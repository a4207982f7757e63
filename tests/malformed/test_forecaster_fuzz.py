"""Malformed files of forecasters: each is read, or refused as ForecasterFileError; nothing else."""

import zlib
from collections.abc import Callable
from json import dumps, loads
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.routing_traces import make_header
from offload.errors import ForecasterFileError
from offload.routing.blend import Blend
from offload.routing.forecaster_file import MAGIC, PREAMBLE, VERSION, State, write_states
from offload.routing.gate_network import GateNetwork, network_arrays
from offload.routing.token_prior import TokenPrior
from offload.routing.trained_forecasters import load_forecasters

MODEL = make_header()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    prior = TokenPrior(2, 8, 2)
    for token in (3, 4, 3):
        prior.begin(token)
        prior.routed(0, np.array([1, 2], np.int32))
    path = tmp_path_factory.mktemp("sound") / "a.forecast"
    write_states(path, MODEL, {"token prior": prior.state()})
    return path.read_bytes()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "a.forecast"


def is_read(file: Path, content: bytes) -> bool:
    file.write_bytes(content)
    refusal = None
    try:
        load_forecasters(file, MODEL)
    except ForecasterFileError as error:
        refusal = error
    assert refusal is None or refusal.file == file
    return refusal is None


def rewritten(sound: bytes, change: Callable[[Any], Any], stored: bytes | None = None) -> bytes:
    """Return the file with its header changed, and its checksum right."""
    n_text = PREAMBLE.unpack(sound[: PREAMBLE.size])[2]
    text = dumps(change(loads(sound[PREAMBLE.size : PREAMBLE.size + n_text]))).encode()
    stored = sound[PREAMBLE.size + n_text :] if stored is None else stored
    return PREAMBLE.pack(MAGIC, VERSION, len(text), len(stored), zlib.crc32(stored, zlib.crc32(text))) + text + stored


def test_the_unmutated_file_is_read(file: Path, sound: bytes) -> None:
    assert is_read(file, sound)
    assert is_read(file, rewritten(sound, lambda header: header))


def test_no_truncation_is_read(file: Path, sound: bytes) -> None:
    assert not any(is_read(file, sound[:length]) for length in range(len(sound)))


def test_no_single_bit_flip_is_read(file: Path, sound: bytes) -> None:
    for at in range(len(sound)):
        flipped = bytearray(sound)
        flipped[at] ^= 1 << (at % 8)
        assert not is_read(file, bytes(flipped))


def test_bytes_after_the_end_are_refused(file: Path, sound: bytes) -> None:
    assert not is_read(file, sound + b"\0")


def test_numbers_beyond_the_file_take_no_memory(file: Path) -> None:
    assert not is_read(file, PREAMBLE.pack(MAGIC, VERSION, 2**32 - 1, 2**64 - 1, 0) + bytes(99))


def test_a_frame_that_grows_beyond_its_arrays_is_refused(file: Path, sound: bytes) -> None:
    assert not is_read(file, rewritten(sound, lambda header: header, zstandard.compress(bytes(16 << 20))))


@pytest.mark.parametrize(
    "change",
    [
        lambda header: [],
        lambda header: {"model": header["model"]},
        lambda header: {**header, "model": {}},
        lambda header: {**header, "model": {**header["model"], "layers": 3}},
        lambda header: {**header, "model": {**header["model"], "fingerprint": None, "name": None}},
        lambda header: {**header, "forecasters": []},
        lambda header: {**header, "forecasters": {"token prior": [["keys", "<c8", [1]]]}},
        lambda header: {**header, "forecasters": {"token prior": [["keys", "<i8", [-1]]]}},
        lambda header: {**header, "forecasters": {"token prior": [["keys", "<i8", [1 << 29, 1 << 29]]]}},
        lambda header: {**header, "forecasters": {"token prior": [["keys", "<i8", [True]]]}},
    ],
)
def test_a_header_that_makes_no_sense_is_refused(file: Path, sound: bytes, change: Callable[[Any], Any]) -> None:
    assert not is_read(file, rewritten(sound, change))


@settings(max_examples=200)
@given(data=st.data())
def test_arrays_of_any_shape_are_read_or_refused(file: Path, sound: bytes, data: st.DataObject) -> None:
    def change(header: Any) -> Any:
        rows = header["forecasters"]["token prior"]
        row = data.draw(st.integers(0, len(rows) - 1))
        rows[row][2] = data.draw(st.lists(st.integers(0, 9), max_size=4))
        if data.draw(st.booleans()):
            rows[row][1] = data.draw(st.sampled_from(["|u1", "<u2", "<i4", "<i8", "<f2", "<f4"]))
        return header

    is_read(file, rewritten(sound, change))


def states_of_all_layers() -> dict[str, State]:
    zeros = np.zeros((8 + 3, 2 * 5), np.float32)
    network = GateNetwork(zeros, zeros[:, 0], np.zeros((8, 3), np.float32), 1.0)
    return {"gate ahead": network_arrays({(1, 1): network}), "blend": Blend((), 2, 8, 2).state()}


def test_networks_and_blends_are_read(file: Path) -> None:
    write_states(file, MODEL, states_of_all_layers())
    assert is_read(file, file.read_bytes())


@settings(max_examples=100)
@given(data=st.data())
def test_networks_and_blends_with_any_array_are_read_or_refused(file: Path, data: st.DataObject) -> None:
    states = {name: dict(state) for name, state in states_of_all_layers().items()}
    state = states[data.draw(st.sampled_from(sorted(states)))]
    part = data.draw(st.sampled_from(sorted(state)))
    shape = data.draw(st.one_of(st.just(state[part].shape), st.lists(st.integers(0, 12), max_size=4)))
    kind = data.draw(st.one_of(st.just(state[part].dtype), st.sampled_from(["u1", "i4", "f2", "f4"])))
    value = data.draw(st.sampled_from([0, 1, 200]) if np.dtype(kind).kind != "f" else st.sampled_from([0, -1, np.nan]))
    state[part] = np.full(shape, value, kind)
    write_states(file, MODEL, states)
    is_read(file, file.read_bytes())
