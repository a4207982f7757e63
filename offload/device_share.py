"""Who gets which bytes of two memories: the process's, and that of a compute device. Pure arithmetic.

    device budget = dense weights + KV cache + compute buffers + staging + slots
    budget        = runtime + weights looked up by token + what buffers are not the device's + reading + expert cache

A device's memory is taken as a whole when a model is opened, not page by page as it is touched: so a rack has exactly
the places and slots of the plan, and staging lends nothing to the slots. What remains of the process's budget caches
experts, all of them at most.
"""

from collections.abc import Mapping

from offload.bytesize import format_bytes
from offload.device_needs import DeviceNeeds
from offload.device_plan import DevicePlan
from offload.errors import BudgetError
from offload.experts.racks import device_racks
from offload.memory_needs import Needs, slots_bytes
from offload.memory_plan import SEQUENCES_SHARE, MemoryPlan
from offload.memory_plan_slots import fill_slots


def make_device_plan(
    needs: Needs, device_needs: DeviceNeeds, budget_bytes: int, vram_bytes: int, store_name: str
) -> MemoryPlan:
    """Share `budget_bytes` of the process's memory out, and `vram_bytes` of the device's.

    `needs` are of the process alone, `device_needs` of the device.

    Raises:
        BudgetError: one of them is below its floor; the message says which, both numbers and what to raise.
    """
    _check_floors(needs, device_needs, budget_bytes, vram_bytes)
    floor, everything = needs.fewest_slots, needs.all_slots
    left, sizes = vram_bytes - device_needs.fixed_bytes, _Sizes(needs, device_needs)
    staged = False
    if sizes.of_slots(everything) <= left:
        capacity = everything
    elif sizes.of_all(floor) <= left:
        staged, capacity = True, fill_slots(needs.layers, floor, left, sizes.of_all)
    else:
        capacity = fill_slots(needs.layers, floor, left, sizes.of_slots)
    fits_slots = min((n // needs.n_expert_used for n in capacity.values()), default=needs.n_ubatch)
    unbounded = staged or capacity == everything
    return MemoryPlan(
        budget_bytes=budget_bytes,
        floor_bytes=host_floor_bytes(needs, device_needs),
        runtime_bytes=needs.runtime_bytes,
        dense_bytes=needs.dense_bytes,
        kv_bytes=needs.kv_bytes,
        compute_bytes=needs.compute_bytes,
        reading_bytes=needs.reading_bytes,
        staging_bytes=0,
        slot_bytes=0,
        n_ctx=needs.n_ctx,
        n_ubatch=needs.n_ubatch if unbounded else max(1, min(needs.n_ubatch, fits_slots)),
        n_expert=max((layout.n_expert for layout in needs.layers.values()), default=0),
        n_expert_used=needs.n_expert_used,
        capacity=capacity,
        staged_capacity=capacity if staged else None,
        store_name=store_name,
        n_parallel=needs.n_parallel,
        device=DevicePlan(
            name=device_needs.name,
            budget_bytes=vram_bytes,
            floor_bytes=device_floor_bytes(needs, device_needs),
            dense_bytes=device_needs.dense_bytes,
            kv_bytes=device_needs.kv_bytes,
            compute_bytes=device_needs.compute_bytes,
            staging_bytes=sizes.of_all(capacity) - sizes.of_slots(capacity) if staged else 0,
            slot_bytes=sizes.of_slots(capacity),
        ),
        host_bytes=_host_bytes(needs, device_needs, budget_bytes, holds_all=capacity == everything),
    )


def device_floor_bytes(needs: Needs, device_needs: DeviceNeeds) -> int:
    """Return the least budget of the device's memory there is a plan for."""
    return device_needs.fixed_bytes + _Sizes(needs, device_needs).of_slots(needs.fewest_slots)


def host_floor_bytes(needs: Needs, device_needs: DeviceNeeds) -> int:
    """Return the least budget of the process's memory there is a plan for."""
    return needs.fixed_bytes + device_needs.least_host_bytes


def host_whole_bytes(needs: Needs, device_needs: DeviceNeeds) -> int:
    """Return the least budget of the process's memory at which its cache holds every expert."""
    return needs.fixed_bytes + max(device_needs.least_host_bytes, slots_bytes(needs.layers, needs.all_slots))


def sequences_within_both(
    needs: Needs, device_needs: DeviceNeeds, budget_bytes: int, vram_bytes: int, most: int
) -> int:
    """Return how many sequences to run at once, at most `most`, as `memory_plan.sequences_within` does."""
    if not needs.layers:
        return 1
    spare = budget_bytes - host_floor_bytes(needs, device_needs)
    each = needs.of_sequences(2).fixed_bytes - needs.fixed_bytes
    device_spare = vram_bytes - device_floor_bytes(needs, device_needs)
    device_each = max(1, device_needs.of_sequences(2).fixed_bytes - device_needs.fixed_bytes)
    more = min(int(SEQUENCES_SHARE * spare) // each, int(SEQUENCES_SHARE * device_spare) // device_each)
    return max(1, min(most, 1 + more))


def _check_floors(needs: Needs, device_needs: DeviceNeeds, budget_bytes: int, vram_bytes: int) -> None:
    sequences, fewer = ("", "") if needs.n_parallel == 1 else (f"{needs.n_parallel} sequences of ", "-np (sequences), ")
    takes = f"with {sequences}a context of {needs.n_ctx} and batches of {needs.n_ubatch} tokens"
    lower = f"lower {fewer}-c (context) or -ub (batch)"
    floor_bytes = device_floor_bytes(needs, device_needs)
    if vram_bytes < floor_bytes:
        raise BudgetError(
            f"The budget of the memory of {device_needs.name} is {format_bytes(vram_bytes)}, but the model needs at "
            f"least {format_bytes(floor_bytes)} of it {takes}.",
            budget_bytes=vram_bytes,
            floor_bytes=floor_bytes,
            hint=f"Raise --vram, {lower}, or compute on the CPU with --device cpu.",
        )
    floor_bytes = host_floor_bytes(needs, device_needs)
    if budget_bytes < floor_bytes:
        raise BudgetError(
            f"The budget of the process is {format_bytes(budget_bytes)}, but beside the memory of {device_needs.name} "
            f"the model needs at least {format_bytes(floor_bytes)} {takes}.",
            budget_bytes=budget_bytes,
            floor_bytes=floor_bytes,
            hint=f"Raise --memory, or {lower}.",
        )


def _host_bytes(needs: Needs, device_needs: DeviceNeeds, budget_bytes: int, *, holds_all: bool) -> int:
    """Return the size of the cache behind the slots. Where every expert has a slot none is ever asked of it twice."""
    if holds_all:
        return device_needs.least_host_bytes
    whole_bytes = max(device_needs.least_host_bytes, slots_bytes(needs.layers, needs.all_slots))
    return min(whole_bytes, budget_bytes - needs.fixed_bytes)


class _Sizes:
    """What so many slots in each layer take of a device's memory."""

    def __init__(self, needs: Needs, device_needs: DeviceNeeds) -> None:
        self._layers, self._most_bytes = needs.layers, device_needs.most_bytes

    def of_slots(self, capacity: Mapping[int, int]) -> int:
        return self._of(capacity, staged=False)

    def of_all(self, capacity: Mapping[int, int]) -> int:
        """Slots, and staging beside them."""
        return self._of(capacity, staged=True)

    def _of(self, capacity: Mapping[int, int], *, staged: bool) -> int:
        racks = device_racks(self._layers, capacity, staged=staged, most_bytes=self._most_bytes)
        return sum(rack.n_bytes for rack in racks)
