"""`fit_model` on real model files, on a machine that is made up."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.measuring import FakeMeasuring
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import engine_fit
from offload.config import EngineConfig, GenerationParams
from offload.engine import open_model
from offload.engine_fit import fit_model
from offload.engine_needs import EngineNeeds
from offload.errors import BudgetError, ModelFileError, ModelNotFoundError, UsageError
from offload.fit.machine_key import machine_name
from offload.fit.measured import LEAST_TOKENS, measured_file, runs_of
from offload.fit.measuring import DiskPlace
from offload.forecast_state import save_state

CONFIG = EngineConfig(n_ctx=256, n_ubatch=32, n_threads=1, memory="2G")


@pytest.fixture(autouse=True)
def measuring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeMeasuring:
    """Return the machine, on which nothing was measured and nothing ran yet."""
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *names, **options: str(tmp_path / "data"))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *names, **options: str(tmp_path / "cache"))
    fake = FakeMeasuring()
    monkeypatch.setattr(engine_fit, "RealMeasuring", lambda: fake)
    return fake


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return build_tiny_model(
        tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, n_layer=2, n_expert=64
    )


def generate(model: Path, n_tokens: int, config: EngineConfig = CONFIG) -> None:
    with open_model(model, config) as engine:
        params = GenerationParams(n_predict=n_tokens, temperature=0, ignore_eos=True)
        assert len(list(engine.complete("w1 w2", params))) == n_tokens


def fingerprint(model: Path) -> str:
    from offload.experts.fingerprint import source_files
    from offload.gguf_header import read_gguf_header

    return source_files(read_gguf_header(model))[0].fingerprint


def test_a_model_that_fits_has_plan_prediction_and_rows(model: Path) -> None:
    card = fit_model(model, CONFIG)
    assert card.refusal is None
    assert card.plan is not None
    assert card.prediction is not None
    assert card.floor_bytes < card.whole_bytes
    assert [row.budget_bytes for row in card.rows][:: len(card.rows) - 1] == [card.floor_bytes, card.whole_bytes]
    speeds = [row.prediction.tokens_per_second.middle for row in card.rows]
    assert speeds == sorted(speeds)


def test_a_model_that_does_not_fit_has_rows_all_the_same(model: Path) -> None:
    card = fit_model(model, EngineConfig(n_ctx=256, memory=1 << 20))
    assert isinstance(card.refusal, BudgetError)
    assert card.plan is None
    assert len(card.rows) > 1


@pytest.mark.parametrize("architecture", [TinyArchitecture.DENSE, TinyArchitecture.DEEPSEEK2, TinyArchitecture.GPT_OSS])
def test_models_of_any_kind_have_a_card(tmp_path: Path, architecture: TinyArchitecture) -> None:
    card = fit_model(build_tiny_model(tmp_path / "other.gguf", architecture), CONFIG)
    assert card.prediction is not None
    assert card.lines()


def test_the_machine_is_measured_once_and_told_of_before(model: Path, measuring: FakeMeasuring) -> None:
    told: list[str] = []
    fit_model(model, CONFIG, on_measuring=told.append)
    assert set(told) == {"the processor", "the disk"}
    measuring.asked.clear()
    fit_model(model, CONFIG)
    assert measuring.asked == []
    fit_model(model, CONFIG, probe_again=True)
    assert "disk" in measuring.asked


def test_a_long_answer_is_measured_and_calibrates(model: Path) -> None:
    generate(model, LEAST_TOKENS)
    (run,) = runs_of(fingerprint(model), machine_name(), measured_file())
    assert run.n_tokens == LEAST_TOKENS
    assert run.resident_share == 1.0
    assert list(fit_model(model, CONFIG).predictor.runs) == [run]


def test_a_short_answer_is_not_measured(model: Path) -> None:
    generate(model, LEAST_TOKENS - 1)
    assert not measured_file().path.exists()


def test_an_answer_of_a_device_says_nothing_of_the_cpu(model: Path) -> None:
    generate(model, LEAST_TOKENS, replace(CONFIG, device="stand-in"))
    assert not measured_file().path.exists()


def test_where_a_run_cannot_be_kept_the_answer_comes_all_the_same(model: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    generate(model, LEAST_TOKENS)


def test_the_model_s_own_routes_make_its_hit_rates(model: Path) -> None:
    config = EngineConfig(n_ctx=256, n_ubatch=32, n_threads=1, memory=EngineNeeds(model, CONFIG).needs.floor_bytes)
    learnt = EngineNeeds(model, config).share(EngineNeeds(model, config).needs.floor_bytes).learnt
    assert learnt is not None
    assert learnt.trace_header is not None
    assert "Qwen3" in fit_model(model, CONFIG).predictor.curve.source
    routes = np.random.default_rng(1).integers(0, 64, (2, 400, 2)).astype(np.int16)
    save_state(learnt.trace_header, {"similar paths": {"experts": routes}})
    assert fit_model(model, CONFIG).predictor.curve.source == "this model's last 400 tokens"


def test_what_was_learnt_of_another_model_is_of_no_use(model: Path, tmp_path: Path) -> None:
    generate(model, LEAST_TOKENS)
    other = build_tiny_model(
        tmp_path / "other.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, n_layer=2, n_expert=64, seed=1
    )
    card = fit_model(other, CONFIG)
    assert card.predictor.runs == []
    assert "Qwen3" in card.predictor.curve.source


def test_a_header_that_stands_for_a_model_elsewhere_is_measured_there(
    model: Path, tmp_path: Path, measuring: FakeMeasuring
) -> None:
    elsewhere = DiskPlace(tmp_path / "models")
    fit_model(model, CONFIG, folder=elsewhere.folder)
    assert measuring.places == [elsewhere]


def test_no_model_and_what_is_none_are_errors_before_anything_is_measured(
    tmp_path: Path, model: Path, measuring: FakeMeasuring
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# offload\n" * 100)
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[:5000])
    with pytest.raises(ModelNotFoundError):
        fit_model(tmp_path / "none.gguf", CONFIG)
    for path in (readme, cut):
        with pytest.raises(ModelFileError):
            fit_model(path, CONFIG)
    with pytest.raises(UsageError):
        fit_model(model, EngineConfig(memory="banana"))
    assert measuring.asked == []
