"""`TrainedForecasters`: saved and loaded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.trained_path import TrainedPath, trained_path
from offload.errors import ForecasterFileError
from offload.routing.blend import Blend
from offload.routing.forecaster_file import write_states
from offload.routing.gate_network import GateNetwork
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


@pytest.mark.parametrize("name", ["token prior", "learned path", "gate ahead"])
def test_arrays_that_do_not_fit_are_one_sentence(trained: TrainedPath, tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.forecast"
    write_states(path, trained.tokens.header, {name: {"a": np.zeros(2, np.uint8)}})
    with pytest.raises(ForecasterFileError, match=r"Forecasters do not fit: .* does not have just its own arrays"):
        load_forecasters(path, trained.tokens.header)


def networks(n_expert: int = 8, n_embd: int = 6) -> dict[tuple[int, int], GateNetwork]:
    random = np.random.default_rng(1)

    def network() -> GateNetwork:
        first, second = random.standard_normal((5 + n_expert, 2 * n_embd)), random.standard_normal((n_expert, 5))
        return GateNetwork(first.astype(np.float32), first[:, 0].astype(np.float32), second.astype(np.float32), 1.5)

    return {(1, 1): network(), (3, 2): network()}


def test_gate_networks_are_kept_to_half_precision(trained: TrainedPath, tmp_path: Path) -> None:
    path = tmp_path / "a.forecast"
    TrainedForecasters(trained.prior(), gate_networks=networks()).save(path, trained.tokens.header)
    loaded = load_forecasters(path, replace(trained.tokens.header, n_embd=6)).gate_networks
    assert loaded.keys() == networks().keys()
    for place, network in networks().items():
        same = loaded[place]
        np.testing.assert_allclose(same.first, network.first, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(same.second, network.second, rtol=1e-3, atol=1e-3)
        np.testing.assert_array_equal(same.first_bias, network.first_bias)
        assert same.scale == 1.5
        assert {same.first.dtype, same.second.dtype} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("model", "made"), [({"n_embd": 7}, networks()), ({}, networks(n_expert=9)), ({}, {(4, 1): networks()[1, 1]})]
)
def test_gate_networks_of_another_shape_are_refused(
    trained: TrainedPath, tmp_path: Path, model: dict[str, int], made: dict[tuple[int, int], GateNetwork]
) -> None:
    path = tmp_path / "a.forecast"
    TrainedForecasters(trained.prior(), gate_networks=made).save(path, trained.tokens.header)
    with pytest.raises(ForecasterFileError, match=r"Forecasters do not fit: gate ahead (is not|has networks) of"):
        load_forecasters(path, replace(trained.tokens.header, **model))  # type: ignore[arg-type]


def test_the_blend_begins_with_the_weights_that_were_saved(trained: TrainedPath, tmp_path: Path) -> None:
    path = tmp_path / "a.forecast"
    state = TrainedForecasters(trained.prior(), trained.network).blend().state()
    state["learned path, shared"] = np.full_like(state["learned path, shared"], 3.0)
    TrainedForecasters(trained.prior(), trained.network, blend_state=state).save(path, trained.tokens.header)
    restored = load_forecasters(path, trained.tokens.header).blend().state()
    np.testing.assert_array_equal(restored["learned path, shared"], state["learned path, shared"])


def test_a_blend_of_another_shape_is_refused(trained: TrainedPath, tmp_path: Path) -> None:
    path = tmp_path / "a.forecast"
    state = Blend((), 2, 8, 2).state()
    TrainedForecasters(trained.prior(), blend_state=state).save(path, trained.tokens.header)
    with pytest.raises(ForecasterFileError, match="the blend is not of 4 layers of 8 experts"):
        load_forecasters(path, trained.tokens.header)


def test_the_blend_has_every_forecaster_there_is(trained: TrainedPath) -> None:
    alone = TrainedForecasters(trained.prior()).blend()
    with_path = TrainedForecasters(trained.prior(), trained.network).blend()
    assert [part.name for part in alone.parts] == ["token prior", "previous path"]
    assert [part.name for part in with_path.parts] == ["learned path", "token prior", "previous path"]


def test_another_model_s_are_refused(trained: TrainedPath, file: Path) -> None:
    with pytest.raises(ForecasterFileError, match="not of other"):
        load_forecasters(file, replace(trained.tokens.header, fingerprint="ab", model_name="other"))
