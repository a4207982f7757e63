"""`outline_speeds` on a real model file, on a machine that is made up."""

from pathlib import Path

import pytest

from fakes.measuring import FakeMeasuring
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.config import EngineConfig
from offload.engine_outline import outline_plans
from offload.engine_speeds import outline_speeds
from offload.errors import ModelNotFoundError
from offload.fit.measuring import DiskPlace

CONFIG = EngineConfig(n_ctx=256, n_ubatch=32, n_threads=1, memory="2G")


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *names, **options: str(tmp_path / "data"))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *names, **options: str(tmp_path / "cache"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return build_tiny_model(
        tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, n_layer=2, n_expert=64
    )


def test_the_plans_are_the_same_and_have_speeds(model: Path) -> None:
    own_bytes = 100 << 20
    path, plain = outline_plans(model, CONFIG, 5, own_bytes=own_bytes)
    same_path, outline = outline_speeds(model, CONFIG, 5, own_bytes=own_bytes, measuring=FakeMeasuring())
    assert (same_path, len(outline.points)) == (path, len(plain.points))
    assert [point.resident_share for point in outline.points] == [point.resident_share for point in plain.points]
    for point in outline.points:
        assert 0 < point.low_tokens_per_second <= point.tokens_per_second <= point.high_tokens_per_second


def test_more_memory_is_never_predicted_to_be_slower(model: Path) -> None:
    _, outline = outline_speeds(model, CONFIG, 5, measuring=FakeMeasuring())
    speeds = [point.tokens_per_second for point in outline.points]
    assert speeds == sorted(speeds)
    assert speeds[0] < speeds[-1]


def test_a_busy_machine_is_not_measured(model: Path) -> None:
    busy = FakeMeasuring(others=0.5)
    _, outline = outline_speeds(model, CONFIG, 5, measuring=busy)
    assert busy.asked == []
    assert {point.tokens_per_second for point in outline.points} == {0.0}


def test_what_is_known_is_used_on_a_busy_machine(model: Path) -> None:
    outline_speeds(model, CONFIG, 5, measuring=FakeMeasuring())
    busy = FakeMeasuring(others=0.5)
    _, outline = outline_speeds(model, CONFIG, 5, measuring=busy)
    assert busy.asked == []
    assert all(point.tokens_per_second for point in outline.points)


def test_the_disk_of_the_folder_a_model_will_lie_in_is_measured(model: Path, tmp_path: Path) -> None:
    measuring = FakeMeasuring()
    outline_speeds(model, CONFIG, 1, folder=tmp_path / "models", measuring=measuring)
    assert measuring.places == [DiskPlace(tmp_path / "models")]


def test_without_such_a_folder_the_model_s_own_disk_is(model: Path) -> None:
    measuring = FakeMeasuring()
    outline_speeds(model, CONFIG, 1, measuring=measuring)
    assert [(place.folder, place.files) for place in measuring.places] == [(model.parent, (model, model))]


def test_a_model_that_is_not_there_is_refused_before_anything_is_measured() -> None:
    measuring = FakeMeasuring()
    with pytest.raises(ModelNotFoundError):
        outline_speeds("/nowhere.gguf", CONFIG, 5, measuring=measuring)
    assert measuring.asked == []
