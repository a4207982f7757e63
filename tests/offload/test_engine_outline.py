"""Plans over a range of budgets: each the one that is made of its budget alone."""

from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import engine_needs, engine_outline, engine_parts
from offload.config import EngineConfig
from offload.demo_model import demo_model_path
from offload.engine import open_model, outline_plans, plan_model
from offload.engine_needs import MARGIN_BYTES, EngineNeeds
from offload.errors import BudgetError, ModelNotFoundError, UsageError
from offload.llama.footprint import Footprint, measure_footprint
from offload.llama.model import LlamaModel
from offload.machine import MachineMemory, ResidentMemory
from offload.plan_outline import PlanOutline, PlanPoint

MIB, GIB = 1 << 20, 1 << 30
OWN_BYTES = 200 * MIB
CONFIG = EngineConfig(n_ctx=256, n_ubatch=32, n_threads=1)


@pytest.fixture(autouse=True)
def _steady_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (engine_needs, engine_outline):
        monkeypatch.setattr(module, "machine_memory", lambda: MachineMemory(16 * GIB, 9 * GIB))
    for module in (engine_needs, engine_parts):
        monkeypatch.setattr(module, "resident_memory", lambda: ResidentMemory(OWN_BYTES, OWN_BYTES))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of many experts, so that plans between floor and whole stage, or have no room to."""
    path = tmp_path_factory.mktemp("model") / "model.gguf"
    return build_tiny_model(path, TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, n_layer=2, n_expert=64)


def outline_of(path: Path | None, n_points: int, config: EngineConfig = EngineConfig()) -> PlanOutline:  # noqa: B008
    return outline_plans(path, config, n_points)[1]


def point_of_plan(path: Path | None, config: EngineConfig) -> PlanPoint:
    plan = plan_model(path, config)
    return PlanPoint(
        **{field.name: getattr(plan, field.name) for field in fields(PlanPoint) if hasattr(plan, field.name)}
    )


@pytest.mark.parametrize("forecast", [True, False])
def test_every_point_is_the_plan_of_its_budget(model: Path, forecast: bool) -> None:
    points = outline_of(model, 9, replace(CONFIG, forecast=forecast)).points
    assert len(points) == 9
    for point in points:
        assert point == point_of_plan(model, replace(CONFIG, memory=point.budget_bytes, forecast=forecast))


def test_what_forecasting_takes_counts_where_it_is_worth_it(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.setattr(engine_needs, "forecast_bytes", lambda *_: 300 << 10)
    points = outline_of(model, 33, CONFIG).points
    runtimes = [point.runtime_bytes - OWN_BYTES - MARGIN_BYTES for point in points]
    assert set(runtimes) == {0, 300 << 10}
    assert (runtimes[0], runtimes[-1]) == (0, 0)
    for point in points:
        assert point == point_of_plan(model, replace(CONFIG, memory=point.budget_bytes))


def test_budgets_rise_evenly_from_the_floor_to_the_whole(model: Path) -> None:
    outline = outline_of(model, 5)
    budgets = [point.budget_bytes for point in outline.points]
    assert (budgets[0], budgets[-1]) == (outline.floor_bytes, outline.whole_bytes)
    steps = {after - before for before, after in pairwise(budgets)}
    assert max(steps) - min(steps) <= 1


def test_below_the_floor_there_is_no_plan(model: Path) -> None:
    floor_bytes = outline_of(model, 1).floor_bytes
    assert plan_model(model, EngineConfig(memory=floor_bytes)).floor_bytes == floor_bytes
    with pytest.raises(BudgetError):
        plan_model(model, EngineConfig(memory=floor_bytes - 1))


def test_the_whole_is_the_least_budget_at_which_nothing_is_paged(model: Path) -> None:
    whole_bytes = outline_of(model, 1).whole_bytes
    assert plan_model(model, EngineConfig(memory=whole_bytes)).holds_all
    assert not plan_model(model, EngineConfig(memory=whole_bytes - 1)).holds_all


def test_a_single_point_is_the_floor_s(model: Path) -> None:
    outline = outline_of(model, 1)
    assert [point.budget_bytes for point in outline.points] == [outline.floor_bytes]


@pytest.mark.parametrize(
    ("architecture", "n_expert_used"), [(TinyArchitecture.DENSE, 2), (TinyArchitecture.QWEN3MOE, 8)]
)
def test_where_the_floor_is_the_whole_there_is_one_point(
    tmp_path: Path, architecture: TinyArchitecture, n_expert_used: int
) -> None:
    outline = outline_of(build_tiny_model(tmp_path / "m.gguf", architecture, n_expert_used=n_expert_used), 49)
    assert outline.floor_bytes == outline.whole_bytes == outline.points[0].budget_bytes
    assert [point.resident_share for point in outline.points] == [1.0]


@pytest.mark.parametrize(
    ("memory", "budget_bytes"),
    [("auto", 9 * GIB + OWN_BYTES - round(1.6 * GIB)), ("50%", 8 * GIB), ("3G", 3 * GIB), (12345, 12345)],
)
def test_the_configured_budget_is_told_in_bytes(model: Path, memory: str | int, budget_bytes: int) -> None:
    outline = outline_of(model, 1, EngineConfig(memory=memory))
    assert outline.budget_bytes == budget_bytes
    assert (outline.total_memory_bytes, outline.available_memory_bytes) == (16 * GIB, 9 * GIB)


def test_a_budget_below_the_floor_is_no_error_but_one_that_is_no_size_is(model: Path) -> None:
    assert outline_of(model, 2, EngineConfig(memory="1M")).floor_bytes > MIB
    with pytest.raises(UsageError, match="banana"):
        outline_of(model, 2, EngineConfig(memory="banana"))


@pytest.mark.parametrize("n_points", [-1, 0, 258])
def test_too_few_or_too_many_points_are_refused(model: Path, n_points: int) -> None:
    with pytest.raises(UsageError, match=f"n_points is {n_points}"):
        outline_of(model, n_points)


def test_the_most_points_are_many_plans_of_one_look_at_the_model(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []

    def counted(path: Path, **options: Any) -> Footprint:
        looks.append(path)
        return measure_footprint(path, **options)

    def refuse(*arguments: object, **options: object) -> LlamaModel:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(engine_needs, "measure_footprint", counted)
    monkeypatch.setattr(LlamaModel, "open", refuse)
    assert len(outline_of(model, 257).points) == 257
    assert looks == [model]


def test_the_context_and_the_file_are_told(model: Path) -> None:
    assert outline_plans(None, EngineConfig(), 1)[0] == demo_model_path()
    outline = outline_of(model, 1, EngineConfig(n_ctx=64))
    assert (outline.n_ctx, outline.n_ubatch) == (64, 64)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"nowhere\.gguf"):
        outline_of(tmp_path / "nowhere.gguf", 1)


def test_an_open_model_is_counted_as_free_and_not_as_runtime(model: Path) -> None:
    needs = EngineNeeds(model, CONFIG, own_bytes=50 * MIB)
    assert needs.needs.runtime_bytes == 50 * MIB + MARGIN_BYTES
    assert needs.budget_bytes == EngineNeeds(model, CONFIG).budget_bytes == 9 * GIB + OWN_BYTES - round(1.6 * GIB)


def test_an_engine_tells_what_the_process_took_before_it(model: Path) -> None:
    with open_model(model, replace(CONFIG, memory="2G")) as engine:
        assert engine.own_bytes == OWN_BYTES
        again = outline_plans(model, engine.config, 1, own_bytes=engine.own_bytes)[1]
        assert again.floor_bytes == engine.plan.floor_bytes
