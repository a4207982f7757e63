"""The memory plan: whatever a model needs, it never takes more than the budget, nor gives less than the floor."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from offload.errors import BudgetError
from offload.experts.racks import racks_for
from offload.experts.staging import noted_bytes, staging_bytes
from offload.experts.store import LayerLayout, PartLayout, WeightKind, WeightLayout
from offload.memory_needs import Needs, slots_bytes
from offload.memory_plan import DESKTOP_BYTES, MemoryPlan, automatic_budget, make_plan

MIB = 1 << 20
GIB = 1 << 30


def layer_layout(layer: int, n_expert: int, n_bytes: int, *, fused: bool = False, phase: int = 0) -> LayerLayout:
    kinds = (WeightKind.GATE_UP, WeightKind.DOWN) if fused else (WeightKind.GATE, WeightKind.UP, WeightKind.DOWN)
    return LayerLayout(layer, n_expert, tuple(PartLayout(kind, n_bytes, WeightLayout.PLAIN, phase) for kind in kinds))


def needs(layers: Mapping[int, LayerLayout], *, n_expert_used: int = 2, n_ubatch: int = 512) -> Needs:
    return Needs(
        runtime_bytes=100 * MIB,
        dense_bytes=300 * MIB,
        kv_bytes=50 * MIB,
        compute_bytes=20 * MIB,
        reading_bytes=3 * MIB,
        n_ctx=4096,
        n_ubatch=n_ubatch,
        n_expert_used=n_expert_used,
        layers=layers,
    )


EVEN = {layer: layer_layout(layer, 64, MIB) for layer in range(8)}
"""8 layers of 64 experts of 3 MiB: 1.5 GiB of experts, up to 192 MiB of staging."""


def everything(layers: Mapping[int, LayerLayout]) -> dict[int, int]:
    return {layer: layout.n_expert for layer, layout in layers.items()}


def floor(given: Needs) -> dict[int, int]:
    return {layer: min(given.n_expert_used, layout.n_expert) for layer, layout in given.layers.items()}


def floor_bytes(given: Needs) -> int:
    return given.fixed_bytes + slots_bytes(given.layers, floor(given))


@st.composite
def models(draw: st.DrawFn) -> Needs:
    n_expert_used = draw(st.integers(1, 8))
    n_expert = draw(st.integers(n_expert_used, 128))
    first = draw(st.integers(0, 3))
    layers = {
        layer: layer_layout(
            layer,
            n_expert,
            draw(st.integers(1, 3 * MIB)),
            fused=draw(st.booleans()),
            phase=draw(st.sampled_from([-1, 0, 32, 4064])),
        )
        for layer in range(first, first + draw(st.integers(1, 6)))
    }
    sizes = st.integers(0, GIB)
    return Needs(
        runtime_bytes=draw(sizes),
        dense_bytes=draw(sizes),
        kv_bytes=draw(sizes),
        compute_bytes=draw(sizes),
        reading_bytes=draw(sizes),
        n_ctx=4096,
        n_ubatch=draw(st.integers(1, 512)),
        n_expert_used=n_expert_used,
        layers=layers,
    )


budgets_above_floor = st.one_of(st.integers(0, 64 * MIB), st.integers(0, 4 * GIB))


def decoding_bytes(plan: MemoryPlan, given: Needs) -> int:
    """What the plan takes while decoding, when staging's memory may be lent to the slots."""
    staging = plan.staging_bytes
    if plan.lends and plan.staged_capacity is not None:
        staging = noted_bytes(racks_for(given.layers), plan.staged_capacity, given.notes)
    return given.fixed_bytes + slots_bytes(given.layers, plan.capacity) + staging


@given(models(), budgets_above_floor)
def test_the_total_is_never_above_the_budget(given: Needs, above: int) -> None:
    budget = floor_bytes(given) + above
    plan = make_plan(given, budget, "store")
    assert plan.total_bytes <= budget
    assert decoding_bytes(plan, given) <= budget


@given(models(), budgets_above_floor)
def test_every_layer_has_between_the_routed_experts_and_all(given: Needs, above: int) -> None:
    plan = make_plan(given, floor_bytes(given) + above, "store")
    for slots in (plan.capacity, plan.staged_capacity or plan.capacity):
        assert set(slots) == set(given.layers)
        for layer, n_slots in slots.items():
            assert min(given.n_expert_used, given.layers[layer].n_expert) <= n_slots <= given.layers[layer].n_expert


@given(models(), budgets_above_floor)
def test_staging_never_has_more_slots_than_decoding(given: Needs, above: int) -> None:
    plan = make_plan(given, floor_bytes(given) + above, "store")
    assert plan.staged_capacity is None or sum(plan.staged_capacity.values()) <= sum(plan.capacity.values())


@given(models(), budgets_above_floor, st.integers(0, GIB))
def test_more_memory_never_means_fewer_slots_for_batches(given: Needs, above: int, more: int) -> None:
    """While decoding it may: where staging's memory is no longer worth lending."""
    budget = floor_bytes(given) + above
    less, plenty = make_plan(given, budget, ""), make_plan(given, budget + more, "")
    if less.staged_capacity is not None:
        assert min(less.staged_capacity.values()) <= min((plenty.staged_capacity or plenty.capacity).values())
    assert less.n_ubatch <= plenty.n_ubatch


@given(models(), budgets_above_floor)
def test_layers_of_one_size_differ_by_one_slot_at_most(given: Needs, above: int) -> None:
    same = next(iter(given.layers.values()))
    given = replace(given, layers={layer: replace(same, layer=layer) for layer in given.layers})
    plan = make_plan(given, floor_bytes(given) + above, "")
    assert max(plan.capacity.values()) - min(plan.capacity.values()) <= 1


@given(models(), budgets_above_floor)
def test_a_batch_always_finds_room(given: Needs, above: int) -> None:
    plan = make_plan(given, floor_bytes(given) + above, "")
    assert 1 <= plan.n_ubatch <= given.n_ubatch
    if plan.staged_capacity is None:
        for layer, n_slots in plan.capacity.items():
            assert min(given.layers[layer].n_expert, plan.n_ubatch * given.n_expert_used) <= n_slots


@given(models(), budgets_above_floor)
def test_no_memory_is_left_that_would_hold_a_slot_in_every_layer(given: Needs, above: int) -> None:
    budget = floor_bytes(given) + above
    plan = make_plan(given, budget, "")
    assume(plan.capacity != everything(given.layers))
    left = budget - given.fixed_bytes
    if plan.staged_capacity is None:
        assert slots_bytes(given.layers, one_more(given, plan.capacity)) > left
        return
    more = one_more(given, plan.staged_capacity)
    assert slots_bytes(given.layers, more) + staging_bytes(racks_for(given.layers), more, given.notes) > left
    if plan.lends:
        noted = noted_bytes(racks_for(given.layers), plan.staged_capacity, given.notes)
        assert slots_bytes(given.layers, one_more(given, plan.capacity)) + noted > left


def one_more(given: Needs, capacity: Mapping[int, int]) -> dict[int, int]:
    return {layer: min(given.layers[layer].n_expert, n_slots + 1) for layer, n_slots in capacity.items()}


def test_staging_lends_its_memory_only_where_that_makes_many_more_slots() -> None:
    given = needs(EVEN)
    lowest = floor_bytes(given) + staging_bytes(racks_for(EVEN), floor(given), given.notes)
    lends = []
    for budget in range(lowest, given.fixed_bytes + slots_bytes(EVEN, everything(EVEN)), 64 * MIB):
        plan = make_plan(given, budget, "")
        assert plan.staged_capacity is not None
        n_slots, n_slots_staged = sum(plan.capacity.values()), sum(plan.staged_capacity.values())
        assert n_slots >= 1.1 * n_slots_staged if plan.lends else plan.capacity == plan.staged_capacity
        lends.append(plan.lends)
    assert lends == sorted(lends, reverse=True)
    assert set(lends) == {True, False}


@given(models(), st.integers(1, GIB))
def test_a_budget_below_the_floor_is_refused_with_both_numbers(given: Needs, below: int) -> None:
    lowest = floor_bytes(given)
    with pytest.raises(BudgetError) as caught:
        make_plan(given, lowest - below, "")
    assert caught.value.budget_bytes == lowest - below
    assert caught.value.floor_bytes == lowest
    assert caught.value.numbers == {"budget_bytes": lowest - below, "floor_bytes": lowest}


@given(models(), budgets_above_floor)
def test_it_survives_json(given: Needs, above: int) -> None:
    plan = make_plan(given, floor_bytes(given) + above, "model.offload")
    read = json.loads(json.dumps(plan.as_dict()))
    assert read["total_bytes"] == plan.total_bytes
    assert read["capacity"] == {str(layer): n_slots for layer, n_slots in plan.capacity.items()}
    assert read["n_slots"] == sum(plan.capacity.values())
    assert read["resident_share"] == plan.resident_share
    assert (read["staged_capacity"] is None) == (plan.staged_capacity is None)


def test_exactly_the_floor_is_enough() -> None:
    given = needs(EVEN)
    plan = make_plan(given, floor_bytes(given), "")
    assert plan.capacity == floor(given)
    assert plan.total_bytes == plan.floor_bytes == plan.budget_bytes
    assert plan.n_ubatch == 1


def test_plenty_makes_everything_resident_and_stages_nothing() -> None:
    given = needs(EVEN)
    plan = make_plan(given, given.fixed_bytes + slots_bytes(EVEN, everything(EVEN)), "")
    assert plan.capacity == everything(EVEN)
    assert plan.resident_share == 1.0
    assert (plan.staged_capacity, plan.staging_bytes, plan.n_ubatch) == (None, 0, 512)


def test_between_them_batches_are_staged() -> None:
    given = needs(EVEN)
    staging = staging_bytes(racks_for(EVEN), floor(given), given.notes)
    plan = make_plan(given, floor_bytes(given) + staging, "")
    assert plan.staged_capacity == floor(given)
    assert plan.staging_bytes == staging
    assert plan.n_ubatch == 512
    assert slots_bytes(EVEN, plan.capacity) <= slots_bytes(EVEN, floor(given)) + staging
    assert min(plan.capacity.values()) > given.n_expert_used


def test_without_room_for_staging_batches_are_small() -> None:
    given = needs(EVEN)
    plan = make_plan(given, floor_bytes(given) + staging_bytes(racks_for(EVEN), floor(given), given.notes) - 1, "")
    assert plan.staged_capacity is None
    assert plan.n_ubatch == min(plan.capacity.values()) // 2 > 1


def test_a_dense_model_needs_its_weights_and_no_slots() -> None:
    given = needs({}, n_expert_used=0)
    plan = make_plan(given, given.fixed_bytes, "")
    assert not plan.pages
    assert plan.total_bytes == given.fixed_bytes
    assert (plan.slot_bytes, plan.resident_share, plan.n_ubatch, plan.n_expert) == (0, 1.0, 512, 0)


def test_the_message_says_what_to_lower() -> None:
    with pytest.raises(BudgetError, match=r"budget is 1\.0 MiB.*context of 4096.*batches of 512.*--memory.*-c.*-ub"):
        make_plan(needs(EVEN), MIB, "")


def test_the_lines_name_every_part_and_the_store() -> None:
    given = needs(EVEN)
    plan = make_plan(
        given, floor_bytes(given) + staging_bytes(racks_for(EVEN), floor(given), given.notes), "model.offload"
    )
    lines = plan.lines()
    names = ["budget", "runtime", "dense weights", "KV cache", "compute buffers", "reading", "staging", "expert slots"]
    assert [line[:16].strip() for line in lines[:-1]] == [*names, "total"]
    assert lines[-1] == "Experts are read from model.offload."
    assert "of 64 in each of 8 layers" in lines[7]


def test_the_lines_say_why_nothing_is_staged() -> None:
    given = needs(EVEN)
    small = make_plan(given, floor_bytes(given), "").lines()
    plenty = make_plan(given, 100 * GIB, "").lines()
    assert "batches are kept small" in small[6]
    assert "not needed" in plenty[6]


def test_the_lines_of_a_dense_model_leave_out_what_it_has_not() -> None:
    lines = make_plan(needs({}, n_expert_used=0), GIB, "").lines()
    assert lines[-1] == "A dense model: nothing is paged."
    assert not any("slots" in line or "staging" in line for line in lines)


def test_the_automatic_budget_leaves_room_for_the_desktop() -> None:
    assert automatic_budget(64 * GIB, 40 * GIB, GIB) == 41 * GIB - round(6.4 * GIB)
    assert automatic_budget(4 * GIB, 3 * GIB, GIB) == 4 * GIB - DESKTOP_BYTES
