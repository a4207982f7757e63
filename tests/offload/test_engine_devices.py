"""Plans with a compute device: the processor stands in for it, or a made-up one that is planned for alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.measuring import FakeMeasuring
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import engine_devices, engine_needs
from offload.config import EngineConfig, GenerationParams, StoreChoice
from offload.device_needs import device_dense_bytes, input_bytes
from offload.engine import listed_devices, open_model, outline_plans, pack_model, plan_model
from offload.engine_needs import MARGIN_BYTES, EngineNeeds
from offload.engine_speeds import outline_speeds
from offload.errors import BudgetError, UsageError
from offload.experts.gguf_store import GgufStore
from offload.experts.packed_store import PackedStore
from offload.ggml.devices import ComputeDevice, DeviceKind, list_devices
from offload.listed_device import ListedDevice
from offload.llama.footprint import Footprint, FootprintDevice, measure_footprint
from offload.machine import MachineMemory, ResidentMemory

MIB, GIB = 1 << 20, 1 << 30
OWN_BYTES = 200 * MIB
CONFIG = EngineConfig(n_ctx=256, n_ubatch=32, n_threads=1)
STAND_IN = replace(CONFIG, device="stand-in", memory=GIB, vram="64M")
GPU = ComputeDevice("CUDA0", "A made-up GPU", DeviceKind.GPU, 24 * GIB, 20 * GIB, address=7)
GPU_FOOTPRINT = Footprint(kv_bytes=0, compute_bytes=MIB, device_kv_bytes=2 * MIB, device_compute_bytes=3 * MIB)


@pytest.fixture(autouse=True)
def _steady_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_needs, "machine_memory", lambda: MachineMemory(16 * GIB, 9 * GIB))
    monkeypatch.setattr(engine_needs, "resident_memory", lambda: ResidentMemory(OWN_BYTES, OWN_BYTES))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.gguf"
    return build_tiny_model(path, TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, n_layer=2, n_expert=64)


@pytest.fixture
def measured_with(monkeypatch: pytest.MonkeyPatch) -> list[FootprintDevice | None]:
    """Give this machine a GPU, of which llama.cpp is not asked; return the devices that were measured with."""
    asked: list[FootprintDevice | None] = []

    def measure(path: Path, *, device: FootprintDevice | None = None, **sizes: Any) -> Footprint:
        asked.append(device)
        return measure_footprint(path, **sizes) if device is None else GPU_FOOTPRINT

    monkeypatch.setattr(engine_needs, "measure_footprint", measure)
    monkeypatch.setattr(engine_needs, "list_devices", lambda: (GPU, *list_devices()))
    return asked


def with_free_memory(monkeypatch: pytest.MonkeyPatch, free_bytes: int, kind: DeviceKind = DeviceKind.GPU) -> None:
    device = replace(GPU, free_bytes=free_bytes, kind=kind)
    monkeypatch.setattr(engine_needs, "list_devices", lambda: (device,))


def test_on_the_cpu_alone_there_is_one_memory(model: Path) -> None:
    plan = plan_model(model, replace(CONFIG, device="cpu"))
    assert (plan.device, plan.host_bytes) == (None, 0)
    assert "device budget" not in "\n".join(plan.lines())


def test_no_gpu_is_asked_where_the_cpu_was_chosen(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> tuple[ComputeDevice, ...]:
        raise AssertionError("devices were listed")

    monkeypatch.setattr(engine_needs, "list_devices", refuse)
    assert EngineNeeds(model, replace(CONFIG, device=" CPU ")).device is None


def test_the_stand_in_is_measured_as_the_cpu_and_counted_as_the_device_s(model: Path) -> None:
    alone, stand_in = EngineNeeds(model, replace(CONFIG, device="cpu")), EngineNeeds(model, STAND_IN)
    assert stand_in.device_needs is not None
    assert stand_in.device_needs.kv_bytes == alone.needs.kv_bytes
    assert stand_in.device_needs.compute_bytes == alone.needs.compute_bytes
    assert (stand_in.needs.kv_bytes, stand_in.needs.compute_bytes) == (0, 0)


def test_weights_are_split_between_the_memories(model: Path) -> None:
    needs = EngineNeeds(model, STAND_IN)
    assert needs.device_needs is not None
    assert needs.needs.dense_bytes == input_bytes(needs.header) > 0
    assert needs.device_needs.dense_bytes == device_dense_bytes(needs.header, needs.header.dense_bytes)


def test_the_plan_keeps_both_budgets(model: Path) -> None:
    plan = plan_model(model, STAND_IN)
    assert plan.device is not None
    assert (plan.budget_bytes, plan.device.budget_bytes) == (GIB, 64 * MIB)
    assert plan.device.name == "CPU"
    assert plan.device.slot_bytes > 0 < plan.host_bytes


def test_each_floor_is_just_enough(model: Path) -> None:
    plan = plan_model(model, STAND_IN)
    assert plan.device is not None
    lowest = replace(STAND_IN, memory=plan.floor_bytes, vram=plan.device.floor_bytes)
    assert min(plan_model(model, lowest).capacity.values()) == 2
    with pytest.raises(BudgetError, match="--memory"):
        plan_model(model, replace(lowest, memory=plan.floor_bytes - 1))
    with pytest.raises(BudgetError, match="--vram"):
        plan_model(model, replace(lowest, vram=plan.device.floor_bytes - 1))


def test_memory_that_both_share_is_given_out_once(model: Path) -> None:
    everything = 9 * GIB + OWN_BYTES - round(1.6 * GIB)
    needs = EngineNeeds(model, replace(STAND_IN, memory="auto", vram="1G"))
    assert (needs.budget_bytes, needs.vram_bytes) == (everything - GIB, GIB)
    assert EngineNeeds(model, replace(STAND_IN, memory=GIB, vram="auto")).vram_bytes == GIB // 2


def test_a_gpu_is_taken_by_itself(model: Path, measured_with: list[FootprintDevice | None]) -> None:
    needs = EngineNeeds(model, CONFIG)
    assert needs.device == GPU
    assert measured_with == [FootprintDevice(GPU.address)]
    assert needs.vram_bytes == 18 * GIB
    assert needs.budget_bytes == 9 * GIB + OWN_BYTES - round(1.6 * GIB)
    assert needs.device_needs is not None
    assert (needs.device_needs.kv_bytes, needs.device_needs.compute_bytes) == (2 * MIB, 3 * MIB)
    assert (needs.needs.kv_bytes, needs.needs.compute_bytes) == (0, MIB)
    assert needs.needs.runtime_bytes == OWN_BYTES + MARGIN_BYTES


def test_a_gpu_that_is_too_small_is_left_alone_unless_it_was_named(
    model: Path, measured_with: list[FootprintDevice | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free_memory(monkeypatch, 513 * MIB)
    needs = EngineNeeds(model, CONFIG)
    assert (needs.device, needs.device_needs, needs.vram_bytes) == (None, None, 0)
    assert measured_with == [FootprintDevice(GPU.address), None]
    assert plan_model(model, CONFIG) == plan_model(model, replace(CONFIG, device="cpu"))
    for named in (replace(CONFIG, device="cuda0"), replace(CONFIG, vram="1M")):
        with pytest.raises(BudgetError, match="memory of CUDA0"):
            plan_model(model, named)


def test_a_gpu_in_the_machine_s_memory_shares_it(
    model: Path, measured_with: list[FootprintDevice | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free_memory(monkeypatch, 8 * GIB, DeviceKind.IGPU)
    assert EngineNeeds(model, CONFIG).device is None
    assert measured_with == [None]
    needs = EngineNeeds(model, replace(CONFIG, device="CUDA0"))
    everything = 9 * GIB + OWN_BYTES - round(1.6 * GIB)
    assert needs.vram_bytes == everything // 2
    assert needs.budget_bytes == everything - needs.vram_bytes


def test_a_dense_model_lies_in_the_device_s_memory_too(
    tmp_path: Path, measured_with: list[FootprintDevice | None]
) -> None:
    plan = plan_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DENSE), CONFIG)
    assert plan.device is not None
    assert plan.device.dense_bytes > plan.dense_bytes > 0
    assert (plan.pages, plan.host_bytes) == (False, 0)


@pytest.mark.parametrize("device", ["cuda9", "gpu"])
def test_an_unknown_device_is_refused(model: Path, device: str) -> None:
    with pytest.raises(UsageError, match=f"no device '{device}'"):
        plan_model(model, replace(CONFIG, device=device))


@pytest.mark.parametrize("vram", ["banana", "0%", -1])
def test_a_budget_of_the_device_that_makes_no_sense_is_refused(model: Path, vram: str | int) -> None:
    for device in ("stand-in", "cpu"):
        with pytest.raises(UsageError):
            plan_model(model, replace(STAND_IN, device=device, vram=vram))


def test_interleaved_experts_are_for_the_cpu_alone(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0)
    pack_model(path)
    assert isinstance(EngineNeeds(path, replace(CONFIG, device="cpu")).store, PackedStore)
    assert isinstance(EngineNeeds(path, STAND_IN).store, GgufStore)
    assert isinstance(EngineNeeds(path, replace(STAND_IN, store=StoreChoice.GGUF)).store, GgufStore)


def test_sequences_are_shared_out_in_both_memories(model: Path) -> None:
    one, two = plan_model(model, STAND_IN), plan_model(model, STAND_IN, n_parallel=2)
    assert one.device is not None
    assert two.device is not None
    assert two.device.kv_bytes == 2 * one.device.kv_bytes
    assert two.runtime_bytes > one.runtime_bytes
    fewer = EngineNeeds(model, STAND_IN).share(one.floor_bytes, 16, fewer_parallel=True)
    assert fewer.plan.n_parallel == 1
    assert fewer.device_needs is not None


def test_what_forecasting_takes_is_held_against_the_cache(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_needs, "forecast_bytes", lambda *_: 4096)
    needs = EngineNeeds(model, replace(STAND_IN, vram="5M"))
    shared = needs.share(needs.whole_bytes)
    assert not shared.plan.holds_all
    assert shared.forecast_bytes == 4096
    assert needs.share(needs.floor_bytes).forecast_bytes == 0


def test_the_outline_is_over_budgets_of_the_process(model: Path) -> None:
    outline = outline_plans(model, replace(STAND_IN, vram="5M", forecast=False), 5)[1]
    assert outline.points[0].budget_bytes == outline.floor_bytes
    assert outline.points[-1].budget_bytes == outline.whole_bytes
    caches = [point.host_bytes for point in outline.points]
    assert caches == sorted(caches)
    assert caches[0] < caches[-1]
    assert {(point.slot_bytes, point.staging_bytes) for point in outline.points} == {(0, 0)}


def test_an_outline_says_what_lies_in_the_device_s_memory(model: Path) -> None:
    _, outline = outline_plans(model, STAND_IN, 5)
    plans = [plan_model(model, replace(STAND_IN, memory=point.budget_bytes)) for point in outline.points]
    assert [plan.device for plan in plans] == [outline.device] * len(outline.points)
    assert outline_plans(model, replace(STAND_IN, device="cpu"), 5)[1].device is None


def test_the_statistics_tell_both_memories_by_part(model: Path) -> None:
    with open_model(model, STAND_IN) as engine:
        list(engine.complete("Once", GenerationParams(n_predict=4, temperature=0.0)))
        memory, plan = engine.stats().memory, engine.plan
    assert memory.device is not None
    assert plan.device is not None
    assert memory.host_bytes == plan.host_bytes > 0
    assert (memory.device.name, memory.device.budget_bytes) == ("CPU", 64 * MIB)
    assert memory.device.total_bytes == plan.device.total_bytes
    assert memory.device.slot_bytes == plan.device.slot_bytes > 0
    parts = memory.runtime_bytes + memory.dense_bytes + memory.kv_bytes + memory.compute_bytes + memory.forecast_bytes
    assert parts + memory.host_bytes == plan.total_bytes


def test_gpus_are_offered_and_the_processor_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = replace(GPU, name="CPU", kind=DeviceKind.CPU)
    own = replace(GPU, name="Vulkan0", kind=DeviceKind.IGPU)
    monkeypatch.setattr(engine_devices, "list_devices", lambda: (GPU, own, cpu))
    assert listed_devices() == (
        ListedDevice("CUDA0", "A made-up GPU", 24 * GIB, 20 * GIB),
        ListedDevice("Vulkan0", "A made-up GPU", 24 * GIB, 20 * GIB, shares_memory=True),
    )


def test_no_speed_of_the_cpu_is_told_of_a_device(model: Path) -> None:
    _, outline = outline_speeds(model, STAND_IN, 3, measuring=FakeMeasuring())
    assert {point.tokens_per_second for point in outline.points} == {0.0}


def test_below_the_floor_of_the_device_an_outline_has_the_floors_alone(model: Path) -> None:
    full = outline_plans(model, STAND_IN, 3)[1]
    assert full.device is not None
    floor_bytes = full.device.floor_bytes
    assert outline_plans(model, replace(STAND_IN, vram=floor_bytes), 3)[1].points
    low = outline_plans(model, replace(STAND_IN, vram=floor_bytes - 1), 3)[1]
    assert low.points == ()
    assert low.device is not None
    assert (low.device.budget_bytes, low.device.floor_bytes) == (floor_bytes - 1, floor_bytes)
    assert (low.floor_bytes, low.whole_bytes) == (full.floor_bytes, full.whole_bytes)
