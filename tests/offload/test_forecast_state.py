"""What was learnt of a model is kept in the user's data folder, or in the file that is named."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.routing_traces import make_header
from offload.errors import ForecasterFileError
from offload.forecast_state import load_state, save_state, state_path

HEADER = make_header()
STATES = {"warm set": {"experts": np.array([[0, 3], [1, 5]], np.int32)}}


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *names, **options: str(tmp_path / "data"))
    return tmp_path / "data"


def test_what_is_kept_is_there_the_next_time() -> None:
    save_state(HEADER, STATES)
    found = load_state(HEADER)
    assert found["warm set"]["experts"].tolist() == [[0, 3], [1, 5]]


def test_before_the_first_time_nothing_is_known() -> None:
    assert load_state(HEADER) == {}


def test_models_have_files_of_their_own() -> None:
    save_state(HEADER, STATES)
    assert load_state(replace(HEADER, fingerprint="ff00")) == {}


def test_the_file_is_readable_by_its_owner_alone() -> None:
    save_state(HEADER, STATES)
    others = stat.S_IMODE(state_path(HEADER).stat().st_mode) & 0o077
    assert not others or os.name == "nt"  # which has no such modes


def test_our_own_file_that_is_damaged_is_taken_for_empty(data_folder: Path) -> None:
    save_state(HEADER, STATES)
    path = state_path(HEADER)
    path.write_bytes(path.read_bytes()[:-3])
    assert load_state(HEADER) == {}


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ForecasterFileError, match=r"nowhere\.forecast"):
        load_state(HEADER, tmp_path / "nowhere.forecast")


def test_a_file_that_was_named_must_be_of_this_model(tmp_path: Path) -> None:
    path = tmp_path / "other.forecast"
    save_state(replace(HEADER, fingerprint="ff00"), STATES, path)
    with pytest.raises(ForecasterFileError):
        load_state(HEADER, path)
