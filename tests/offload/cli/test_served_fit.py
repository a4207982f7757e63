"""How a model of the hub will run, for a worker, with a hub of one's own and a machine that is made up."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import gettempdir

import pytest

from fakes.hub_server import FakeHub, Fault, PlannedFault
from fakes.measuring import FakeMeasuring
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload import engine_speeds
from offload.cli.worker import EngineModels
from offload.config import EngineConfig
from offload.errors import CancelledError, HubError, HubFailure, ModelFileError, OffloadError
from offload.model_summary import ModelSummary
from offload.plan_outline import PlanOutline

CONFIG = EngineConfig(memory="1G", n_ctx=256, n_ubatch=32, n_threads=1)
TRAILING = 4 << 20


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeMeasuring:
    """Return the machine that is measured; scratch files lie in the test's own folder."""
    machine = FakeMeasuring()
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *names, **options: str(tmp_path / "cache"))
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *names, **options: str(tmp_path / "data"))
    monkeypatch.setattr(engine_speeds, "RealMeasuring", lambda: machine)
    return machine


@pytest.fixture
def data(hub: FakeHub, tmp_path: Path) -> bytes:
    """Return the model of u/r, most of which is no header."""
    data = build_tiny_model(tmp_path / "M-Q4_K_M.gguf", TinyArchitecture.QWEN3MOE).read_bytes() + bytes(TRAILING)
    hub.add("u/r", {"M-Q4_K_M.gguf": data})
    return data


@pytest.fixture
def models(machine: FakeMeasuring) -> Iterator[EngineModels]:
    with closing(EngineModels()) as models:
        yield models


def fit(models: EngineModels, folder: Path, name: str = "u/r", n_ctx: int = 256) -> tuple[ModelSummary, PlanOutline]:
    config = EngineConfig(memory="1G", n_ctx=n_ctx, n_ubatch=32, n_threads=1)
    return models.fit(name, str(folder / "models"), config, n_points=3, own_bytes=None, go_on=lambda: True)


def scratch() -> list[Path]:
    return list(Path(gettempdir()).iterdir())


def test_plans_have_speeds_and_the_summary_names_the_place(
    hub: FakeHub, data: bytes, models: EngineModels, tmp_path: Path
) -> None:
    summary, outline = fit(models, tmp_path)
    assert summary.path == str(tmp_path / "models" / "u" / "r" / "M-Q4_K_M.gguf")
    assert (summary.architecture, summary.file_bytes) == ("qwen3moe", len(data))
    assert len(outline.points) == 3
    assert all(point.tokens_per_second > 0 for point in outline.points)
    assert outline.points[0].budget_bytes == outline.floor_bytes


def test_of_the_model_the_header_alone_comes(hub: FakeHub, data: bytes, models: EngineModels, tmp_path: Path) -> None:
    fit(models, tmp_path)
    assert 0 < hub.served_bytes <= len(data) - TRAILING
    assert not (tmp_path / "models").exists()


def test_the_disk_of_the_models_folder_is_measured(
    data: bytes, models: EngineModels, machine: FakeMeasuring, tmp_path: Path
) -> None:
    fit(models, tmp_path)
    assert [place.folder for place in machine.places] == [tmp_path / "models"]


def test_another_context_asks_the_hub_for_nothing(
    hub: FakeHub, data: bytes, models: EngineModels, tmp_path: Path
) -> None:
    small = fit(models, tmp_path)[1]
    asked = len(hub.asked)
    large = fit(models, tmp_path, "U/R", n_ctx=512)[1]
    assert len(hub.asked) == asked
    assert large.points[0].kv_bytes > small.points[0].kv_bytes


def test_one_header_is_kept_at_a_time_and_none_after_the_end(
    hub: FakeHub, data: bytes, models: EngineModels, tmp_path: Path
) -> None:
    hub.add("u/other", {"O-Q4_K_M.gguf": data})
    fit(models, tmp_path)
    (first,) = scratch()
    fit(models, tmp_path, "u/other")
    assert first not in scratch()
    assert len(scratch()) == 1
    models.close()
    assert scratch() == []


@pytest.mark.parametrize("name", ["u/cut", "u/none"])
def test_what_cannot_be_read_leaves_nothing_behind(
    hub: FakeHub, data: bytes, models: EngineModels, tmp_path: Path, name: str
) -> None:
    hub.add("u/cut", {"M-Q4_K_M.gguf": data[:3000]})
    with pytest.raises(OffloadError):
        fit(models, tmp_path, name)
    assert scratch() == []


def test_a_damaged_header_is_a_sentence_without_paths_of_ours(
    hub: FakeHub, data: bytes, models: EngineModels, tmp_path: Path
) -> None:
    hub.add("u/cut", {"M-Q4_K_M.gguf": data[:3000]})
    with pytest.raises(ModelFileError) as caught:
        fit(models, tmp_path, "u/cut")
    assert "The file ends inside" in caught.value.message
    assert gettempdir() not in caught.value.message


def test_an_architecture_that_llama_cpp_does_not_know_is_named(
    hub: FakeHub, data: bytes, models: EngineModels, tmp_path: Path
) -> None:
    hub.add("u/new", {"M-Q4_K_M.gguf": data.replace(b"qwen3moe", b"qwen9moe")})
    with pytest.raises(ModelFileError) as caught:
        fit(models, tmp_path, "u/new")
    assert "unknown model architecture: 'qwen9moe'" in caught.value.message
    assert gettempdir() not in caught.value.message


def test_a_gated_model_is_the_hub_s_refusal(hub: FakeHub, data: bytes, models: EngineModels, tmp_path: Path) -> None:
    hub.add("u/gated", {"M-Q4_K_M.gguf": data}, gated=True)
    with pytest.raises(HubError) as caught:
        fit(models, tmp_path, "u/gated")
    assert caught.value.reason is HubFailure.GATED


def test_a_stop_while_the_hub_is_waited_for_is_heard(
    hub: FakeHub, data: bytes, models: EngineModels, tmp_path: Path
) -> None:
    hub.faults += [PlannedFault(Fault.STATUS, 503) for _ in range(2)]
    with pytest.raises(CancelledError):
        models.fit("u/r", str(tmp_path), CONFIG, n_points=1, own_bytes=None, go_on=lambda: False)
    assert scratch() == []


def test_a_stop_after_the_header_came_plans_nothing_and_keeps_it(
    hub: FakeHub, data: bytes, models: EngineModels, machine: FakeMeasuring, tmp_path: Path
) -> None:
    folder = str(tmp_path / "models")
    with pytest.raises(CancelledError):
        models.fit("u/r", folder, CONFIG, n_points=1, own_bytes=None, go_on=lambda: False)
    assert machine.asked == []
    asked = len(hub.asked)
    fit(models, tmp_path)
    assert len(hub.asked) == asked
