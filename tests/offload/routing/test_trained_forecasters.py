"""`TrainedForecasters`: saved and loaded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.trained_path import TrainedPath, trained_path
from offload.errors import ForecasterFileError
from offload.routing.forecaster_file import write_states
from offload.routing.trained_forecasters import TrainedForecasters, load_forecasters


@pytest.fixture(scope="module")
def trained() -> TrainedPath:
    return trained_path()


@pytest.fixture
def file(trained: TrainedPath, tmp_path: Path) -> Path:
    path = tmp_path / "a.forecast"
    TrainedForecasters(trained.prior(), trained.network).save(path, trained.tokens.header)
    return path


def test_what_is_loaded_forecasts_the_same(trained: TrainedPath, file: Path) -> None:
    loaded = load_forecasters(file, trained.tokens.header)
    paths = [of.learned_path() for of in (loaded, TrainedForecasters(trained.prior(), trained.network))]
    for token in (3, 5, 99):
        scores = []
        for path in paths:
            assert path is not None
            path.begin(token)
            row = path.scores(1)
            assert row is not None
            scores.append(row.tolist())
        # Sums of single precision differ in their last bits with where arrays lie in memory.
        assert scores[0] == pytest.approx(scores[1], rel=1e-5)


def test_a_prior_alone_is_saved_too(trained: TrainedPath, tmp_path: Path) -> None:
    path = tmp_path / "a.forecast"
    TrainedForecasters(trained.prior(), None).save(path, trained.tokens.header)
    loaded = load_forecasters(path, trained.tokens.header)
    assert loaded.learned_path() is None
    loaded.prior.begin(3)
    assert loaded.prior.scores(0) is not None


def test_without_a_prior_it_begins_anew(trained: TrainedPath, tmp_path: Path) -> None:
    path = tmp_path / "a.forecast"
    write_states(path, trained.tokens.header, {"another": {"a": np.zeros(2, np.uint8)}})
    assert load_forecasters(path, trained.tokens.header).prior.scores(0) is None


@pytest.mark.parametrize("name", ["token prior", "learned path"])
def test_arrays_that_do_not_fit_are_one_sentence(trained: TrainedPath, tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.forecast"
    write_states(path, trained.tokens.header, {name: {"a": np.zeros(2, np.uint8)}})
    with pytest.raises(ForecasterFileError, match=r"Forecasters do not fit: the .* does not have just its own arrays"):
        load_forecasters(path, trained.tokens.header)


def test_another_model_s_are_refused(trained: TrainedPath, file: Path) -> None:
    with pytest.raises(ForecasterFileError, match="not of other"):
        load_forecasters(file, replace(trained.tokens.header, fingerprint="ab", model_name="other"))
