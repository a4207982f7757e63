"""Two memories: neither is ever planned beyond its budget, and each part lies where it belongs."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from offload.device_needs import DeviceNeeds, least_host_bytes
from offload.device_share import (
    device_floor_bytes,
    host_floor_bytes,
    host_whole_bytes,
    make_device_plan,
    sequences_within_both,
)
from offload.errors import BudgetError
from offload.experts.racks import SPARE_SHARE, racks_for
from offload.experts.store import LayerLayout, PartLayout, WeightKind, WeightLayout
from offload.memory_needs import Needs, slots_bytes
from offload.memory_plan import MemoryPlan

MIB, GIB = 1 << 20, 1 << 30
KINDS = WeightKind.GATE, WeightKind.UP, WeightKind.DOWN


def layer_layout(layer: int, n_expert: int, n_bytes: int) -> LayerLayout:
    return LayerLayout(
        layer, n_expert, tuple(PartLayout(kind, n_bytes, WeightLayout.PLAIN, phase=-1) for kind in KINDS)
    )


EVEN = {layer: layer_layout(layer, 64, MIB) for layer in range(8)}
"""8 layers of 64 experts of 3 MiB: 1.5 GiB of experts, up to 192 MiB of staging."""
ALL = dict.fromkeys(EVEN, 64)
FEWEST = dict.fromkeys(EVEN, 2)
NEEDS = Needs(
    runtime_bytes=100 * MIB,
    dense_bytes=30 * MIB,
    kv_bytes=0,
    compute_bytes=2 * MIB,
    reading_bytes=3 * MIB,
    n_ctx=4096,
    n_ubatch=512,
    n_expert_used=2,
    layers=EVEN,
)
ON_DEVICE = DeviceNeeds("CUDA0", 300 * MIB, 50 * MIB, 20 * MIB, least_host_bytes(EVEN, 2, 2))
HOST_FLOOR = host_floor_bytes(NEEDS, ON_DEVICE)
DEVICE_FLOOR = device_floor_bytes(NEEDS, ON_DEVICE)


def places(capacity: Mapping[int, int]) -> int:
    """What staging takes beside so many slots of `EVEN`, which are alike and so have a rack for each kind."""
    return 3 * min(64, 64 - min(capacity.values()) + round(SPARE_SHARE * 64)) * MIB


def plan_of(above: int = 0, vram_above: int = 0) -> MemoryPlan:
    return make_device_plan(NEEDS, ON_DEVICE, HOST_FLOOR + above, DEVICE_FLOOR + vram_above, "model.offload")


@st.composite
def models(draw: st.DrawFn) -> tuple[Needs, DeviceNeeds]:
    n_expert_used = draw(st.integers(1, 8))
    n_expert = draw(st.integers(n_expert_used, 128))
    layers = {layer: layer_layout(layer, n_expert, draw(st.integers(1, 3 * MIB))) for layer in range(2, 5)}
    sizes = st.integers(0, GIB)
    process = Needs(
        draw(sizes), draw(sizes), draw(sizes), draw(sizes), draw(sizes), 4096, draw(st.integers(1, 512)),
        n_expert_used, layers,
    )  # fmt: skip
    least = least_host_bytes(layers, n_expert_used, draw(st.integers(1, 8)))
    return process, DeviceNeeds("GPU", draw(sizes), draw(sizes), draw(sizes), least)


amounts = st.one_of(st.integers(0, 64 * MIB), st.integers(0, 4 * GIB))


def planned(model: tuple[Needs, DeviceNeeds], above: int, vram_above: int) -> MemoryPlan:
    return make_device_plan(
        *model, host_floor_bytes(*model) + above, device_floor_bytes(*model) + vram_above, "model.offload"
    )


@given(models(), amounts, amounts)
def test_neither_total_is_above_its_budget(model: tuple[Needs, DeviceNeeds], above: int, vram_above: int) -> None:
    plan = planned(model, above, vram_above)
    assert plan.device is not None
    assert plan.total_bytes <= plan.budget_bytes
    assert plan.device.total_bytes <= plan.device.budget_bytes


@given(models(), amounts, amounts)
def test_nothing_is_lent_and_no_slot_is_in_the_process(
    model: tuple[Needs, DeviceNeeds], above: int, vram_above: int
) -> None:
    plan = planned(model, above, vram_above)
    assert not plan.lends
    assert plan.staged_capacity in (None, plan.capacity)
    assert (plan.slot_bytes, plan.staging_bytes) == (0, 0)


@given(models(), amounts, amounts)
def test_the_cache_is_what_remains_and_at_most_all_experts(
    model: tuple[Needs, DeviceNeeds], above: int, vram_above: int
) -> None:
    needs, on_device = model
    plan = planned(model, above, vram_above)
    everything = max(slots_bytes(needs.layers, needs.all_slots), on_device.least_host_bytes)
    left = plan.budget_bytes - needs.fixed_bytes
    assert on_device.least_host_bytes <= plan.host_bytes <= everything
    assert plan.host_bytes == (on_device.least_host_bytes if plan.holds_all else min(everything, left))


@given(models(), amounts, amounts)
def test_a_batch_always_finds_room(model: tuple[Needs, DeviceNeeds], above: int, vram_above: int) -> None:
    needs, _ = model
    plan = planned(model, above, vram_above)
    assert 1 <= plan.n_ubatch <= needs.n_ubatch
    if plan.staged_capacity is None:
        for layer, n_slots in plan.capacity.items():
            assert min(needs.layers[layer].n_expert, plan.n_ubatch * needs.n_expert_used) <= n_slots


@given(amounts)
def test_no_device_memory_is_left_that_would_hold_a_slot_in_every_layer(vram_above: int) -> None:
    plan = plan_of(vram_above=vram_above)
    assume(plan.capacity != ALL)
    assert plan.device is not None
    more = {layer: n_slots + 1 for layer, n_slots in plan.capacity.items()}
    staging = places(more) if plan.staged_capacity is not None else 0
    assert slots_bytes(EVEN, more) + staging > plan.device.budget_bytes - ON_DEVICE.fixed_bytes


@given(amounts)
def test_slots_and_places_are_counted_to_the_byte(vram_above: int) -> None:
    plan = plan_of(vram_above=vram_above)
    assert plan.device is not None
    assert plan.device.slot_bytes == slots_bytes(EVEN, plan.capacity)
    assert plan.device.staging_bytes == (places(plan.capacity) if plan.staged_capacity is not None else 0)
    assert len(racks_for(EVEN)) == 3


def test_exactly_the_floors_are_enough() -> None:
    plan = plan_of()
    assert plan.device is not None
    assert plan.capacity == FEWEST
    assert plan.n_ubatch == 1
    assert plan.total_bytes == plan.floor_bytes == plan.budget_bytes == HOST_FLOOR
    assert plan.device.total_bytes == plan.device.floor_bytes == plan.device.budget_bytes == DEVICE_FLOOR


def test_the_parts_lie_where_they_belong() -> None:
    plan = plan_of()
    assert plan.device is not None
    device = plan.device
    assert (device.name, device.dense_bytes, device.kv_bytes) == ("CUDA0", 300 * MIB, 50 * MIB)
    assert device.compute_bytes == 20 * MIB
    assert (plan.runtime_bytes, plan.dense_bytes, plan.compute_bytes) == (100 * MIB, 30 * MIB, 2 * MIB)
    assert (plan.kv_bytes, plan.reading_bytes, plan.host_bytes) == (0, 3 * MIB, ON_DEVICE.least_host_bytes)


def test_batches_are_staged_as_soon_as_places_fit_beside_the_fewest_slots() -> None:
    small, staged = plan_of(vram_above=places(FEWEST) - 1), plan_of(vram_above=places(FEWEST))
    assert small.staged_capacity is None
    assert small.n_ubatch == min(small.capacity.values()) // 2 > 1
    assert staged.staged_capacity == staged.capacity == FEWEST
    assert staged.n_ubatch == 512


def test_where_all_fits_the_device_nothing_is_staged_and_little_cached() -> None:
    plan = plan_of(above=4 * GIB, vram_above=slots_bytes(EVEN, ALL) - slots_bytes(EVEN, FEWEST))
    assert plan.device is not None
    assert plan.holds_all
    assert (plan.staged_capacity, plan.device.staging_bytes, plan.n_ubatch) == (None, 0, 512)
    assert plan.host_bytes == ON_DEVICE.least_host_bytes


def test_the_whole_is_where_the_cache_holds_all_experts() -> None:
    whole = host_whole_bytes(NEEDS, ON_DEVICE)
    exactly = make_device_plan(NEEDS, ON_DEVICE, whole, DEVICE_FLOOR, "")
    less = make_device_plan(NEEDS, ON_DEVICE, whole - 1, DEVICE_FLOOR, "")
    assert exactly.host_bytes == slots_bytes(EVEN, ALL)
    assert less.host_bytes == slots_bytes(EVEN, ALL) - 1


def test_a_device_budget_below_its_floor_is_refused() -> None:
    with pytest.raises(BudgetError, match=r"memory of CUDA0.*context of 4096.*--vram.*-c.*-ub.*--device cpu") as caught:
        plan_of(vram_above=-1)
    assert (caught.value.budget_bytes, caught.value.floor_bytes) == (DEVICE_FLOOR - 1, DEVICE_FLOOR)


def test_a_budget_of_the_process_below_its_floor_is_refused() -> None:
    with pytest.raises(BudgetError, match=r"budget of the process.*beside the memory of CUDA0.*--memory") as caught:
        plan_of(above=-1)
    assert (caught.value.budget_bytes, caught.value.floor_bytes) == (HOST_FLOOR - 1, HOST_FLOOR)
    assert "--vram" not in str(caught.value)


def test_a_dense_model_has_neither_slots_nor_a_cache() -> None:
    dense = Needs(100, 30, 0, 2, 0, 4096, 512, 0, {})
    plan = make_device_plan(dense, DeviceNeeds("CUDA0", 300, 50, 20), 132, 370, "")
    assert plan.device is not None
    assert (plan.total_bytes, plan.device.total_bytes, plan.host_bytes) == (132, 370, 0)
    assert (plan.pages, plan.n_ubatch) == (False, 512)
    assert not any("slots" in line or "cache " in line for line in plan.lines() if "KV" not in line)


def test_the_lines_show_both_memories_by_part() -> None:
    lines = plan_of(above=400 * MIB, vram_above=400 * MIB).lines()
    host = ["budget", "runtime", "dense weights", "compute buffers", "reading", "expert cache", "total"]
    device = ["device budget", "dense weights", "KV cache", "compute buffers", "staging", "expert slots", "total"]
    assert [line[:16].strip() for line in lines[:-1]] == [*host, *device]
    assert lines[7].endswith("of CUDA0")
    assert "of 64 in each of 8 layers" in lines[12]
    assert lines[-1] == "Experts are read from model.offload."


def test_json_has_both_memories() -> None:
    plan = plan_of(above=400 * MIB, vram_above=400 * MIB)
    assert plan.device is not None
    read = json.loads(json.dumps(plan.as_dict()))
    assert read["host_bytes"] == plan.host_bytes
    assert read["total_bytes"] == plan.total_bytes
    assert read["device"]["name"] == "CUDA0"
    assert read["device"]["slot_bytes"] == plan.device.slot_bytes
    assert read["device"]["total_bytes"] == plan.device.total_bytes


def test_sequences_are_as_many_as_both_memories_suggest() -> None:
    def within(budget_bytes: int, vram_bytes: int, most: int = 16) -> int:
        return sequences_within_both(NEEDS, ON_DEVICE, budget_bytes, vram_bytes, most)

    assert within(HOST_FLOOR + 4 * GIB, DEVICE_FLOOR + 4 * GIB) == 1 + GIB // (70 * MIB)
    assert within(HOST_FLOOR + 120 * MIB, DEVICE_FLOOR + 4 * GIB) == 1 + 30 // 10
    assert within(HOST_FLOOR + 4 * GIB, DEVICE_FLOOR + 4 * GIB, most=2) == 2
    assert within(HOST_FLOOR - MIB, DEVICE_FLOOR - MIB) == 1
