"""The file of what forecasters have learnt."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.routing_traces import make_header
from offload.errors import ForecasterFileError, OffloadError
from offload.routing.forecaster_file import MAGIC, PREAMBLE, VERSION, State, read_states, write_states

MODEL = make_header()
STATES: dict[str, State] = {
    "one": {"a": np.arange(6, dtype=np.uint8).reshape(2, 3), "b": np.array([1.5, -2], np.float16)},
    "other": {"a": np.array([[2**40]], np.int64), "none": np.empty((0, 4), np.float32)},
    "nothing": {},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.forecast"
    write_states(path, MODEL, STATES)
    return path


def test_what_was_written_is_read(file: Path) -> None:
    states = read_states(file, MODEL)
    assert {name: list(state) for name, state in states.items()} == {n: list(s) for n, s in STATES.items()}
    for name, state in STATES.items():
        for part, array in state.items():
            assert (states[name][part].dtype, states[name][part].shape) == (array.dtype, array.shape)
            assert np.array_equal(states[name][part], array)


def test_what_is_read_can_be_learnt_on(file: Path) -> None:
    array = read_states(file, MODEL)["one"]["a"]
    array[0, 0] = 9
    assert array[0, 0] == 9


@pytest.mark.parametrize(
    "change",
    [{"fingerprint": "ff00"}, {"n_expert": 9}, {"n_expert_used": 3}, {"layers": (1, 3)}, {"architecture": "gpt-oss"}],
)
def test_another_model_s_file_is_one_sentence(file: Path, change: dict[str, object]) -> None:
    with pytest.raises(ForecasterFileError, match=r"are of made-up\.gguf \(00ff\), not of made-up\.gguf") as caught:
        read_states(file, replace(MODEL, **change))  # type: ignore[arg-type]
    assert "train-forecaster" in caught.value.hint


def test_a_renamed_model_is_the_same_model(file: Path) -> None:
    assert read_states(file, replace(MODEL, model_name="other.gguf"))


def test_without_a_fingerprint_a_model_of_that_shape_is_taken_for_the_same(file: Path) -> None:
    assert read_states(file, replace(MODEL, fingerprint=""))


def test_another_version_is_named(file: Path) -> None:
    raw = file.read_bytes()
    file.write_bytes(raw[:8] + (VERSION + 1).to_bytes(4, "little") + raw[12:])
    with pytest.raises(ForecasterFileError, match=f"have format version {VERSION + 1}, this release reads {VERSION}"):
        read_states(file, MODEL)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ForecasterFileError, match=r"no\.forecast: .*No such file"):
        read_states(tmp_path / "no.forecast", MODEL)


@pytest.mark.parametrize("content", [b"", b"GGUF", MAGIC, MAGIC + bytes(PREAMBLE.size - 9)])
def test_another_file_is_no_file_of_forecasters(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ForecasterFileError, match="no file of forecasters"):
        read_states(file, MODEL)


def test_a_failed_write_leaves_what_was_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OffloadError, match="could not be written: Input/output error"):
        write_states(file, MODEL, {"one": {"a": np.zeros(3, np.uint8)}})
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OffloadError, match="could not be written: No such file"):
        write_states(tmp_path / "no" / "a.forecast", MODEL, STATES)


def test_a_type_that_is_not_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="of the type complex64"):
        write_states(tmp_path / "a.forecast", MODEL, {"one": {"a": np.zeros(2, np.complex64)}})
