"""Who gets which bytes: the budget of the whole process, shared out before a model is loaded.

    budget = runtime + dense weights + KV cache + compute buffers + reading + staging + slots

Slots get what remains, the same number in every layer as far as it goes. The more slots there are, the less staging
needs. It is needed while a prompt is computed, not while decoding: where its memory would make many more slots, they
have it then. The floor is what the model needs with one slot per routed expert in every layer. Pure arithmetic: what a
model needs (`memory_needs`) is measured elsewhere and given.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from offload.bytesize import format_bytes
from offload.device_plan import DevicePlan
from offload.errors import BudgetError
from offload.experts.racks import racks_for
from offload.experts.staging import noted_bytes, staging_bytes
from offload.memory_needs import Needs
from offload.memory_plan_slots import fill_slots

LENT_FROM = 0.1
"""Staging's memory is lent to the slots while decoding where it makes them more by at least this share. Lending costs
each turn of a conversation: experts evicted, and pages touched anew, by the next prompt and by the next answer."""

SEQUENCES_SHARE = 0.25
"""Of the memory above the floor, what sequences beside the first may take where nobody says how many there shall be."""

DESKTOP_SHARE = 0.1
DESKTOP_BYTES = 1 << 30
"""What `auto` leaves to the desktop: the larger of this and that share of all memory."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes by part, of the memory of the process; where there is a `device`, of its memory too.

    `capacity[layer]` slots while decoding. `staged_capacity[layer]` slots while batches are staged, which may then
    route to more experts than there are slots; None where batches are not staged. `slot_bytes` and `staging_bytes`
    are those of the second case where there is one. With a device slots and staging lie in its memory, and `host_bytes`
    are a cache between them and the disk; what else of a part is not in the device's memory is counted here.
    """

    budget_bytes: int
    floor_bytes: int
    runtime_bytes: int
    dense_bytes: int
    kv_bytes: int
    compute_bytes: int
    reading_bytes: int
    staging_bytes: int
    slot_bytes: int
    n_ctx: int
    n_ubatch: int
    n_expert: int
    n_expert_used: int
    capacity: Mapping[int, int]
    staged_capacity: Mapping[int, int] | None
    store_name: str = ""
    n_parallel: int = 1
    device: DevicePlan | None = None
    """None: everything is computed on the CPU."""
    host_bytes: int = 0
    """Of the cache of experts in front of a device's slots."""

    @property
    def total_bytes(self) -> int:
        """What the process is planned to take."""
        fixed = self.runtime_bytes + self.dense_bytes + self.kv_bytes + self.compute_bytes + self.reading_bytes
        return fixed + self.staging_bytes + self.slot_bytes + self.host_bytes

    @property
    def expert_bytes(self) -> int:
        """What is kept of experts in the process's own memory: slots, or the cache behind a device's."""
        return self.slot_bytes + self.host_bytes

    @property
    def holds_all(self) -> bool:
        """Whether every expert has a slot: nothing is ever evicted."""
        return all(n_slots >= self.n_expert for n_slots in self.capacity.values())

    @property
    def pages(self) -> bool:
        """Whether anything is paged at all: not for dense models."""
        return bool(self.capacity)

    @property
    def resident_share(self) -> float:
        """Share of the routed experts that fit the slots, 0 to 1; 1.0 for dense models."""
        return sum(self.capacity.values()) / (self.n_expert * len(self.capacity)) if self.capacity else 1.0

    @property
    def lends(self) -> bool:
        """Whether staging's memory goes to the slots while decoding."""
        return self.staged_capacity is not None and self.staged_capacity != self.capacity

    def _staging_note(self) -> str:
        if self.staged_capacity is not None:
            return "used by slots while decoding" if self.lends else ""
        return "not needed" if self.resident_share == 1.0 else "no room: batches are kept small"

    def as_dict(self) -> dict[str, object]:
        """Return the plan for `--json`."""
        plan = asdict(self)
        for name, slots in (("capacity", self.capacity), ("staged_capacity", self.staged_capacity)):
            plan[name] = None if slots is None else {str(layer): n_slots for layer, n_slots in slots.items()}
        return plan | {
            "total_bytes": self.total_bytes,
            "resident_share": self.resident_share,
            "n_slots": sum(self.capacity.values()),
            "device": None if self.device is None else asdict(self.device) | {"total_bytes": self.device.total_bytes},
        }

    def lines(self) -> list[str]:
        """Return the plan for a person, a line each."""
        parts = self._parts() if self.device is None else [*self._host_parts(), *self._device_parts(self.device)]
        lines = [f"{name:<16}{format_bytes(n_bytes):>11}  {note}".rstrip() for name, n_bytes, note in parts]
        if self.pages:
            return [*lines, f"Experts are read from {self.store_name}."]
        return [*lines, "A dense model: nothing is paged."]

    def _parts(self) -> list[tuple[str, int, str]]:
        """Return name, bytes and note of each part, where there is one memory."""
        parts = [
            ("budget", self.budget_bytes, ""),
            ("runtime", self.runtime_bytes, ""),
            ("dense weights", self.dense_bytes, ""),
            ("KV cache", self.kv_bytes, self._context_note),
            ("compute buffers", self.compute_bytes, self._batch_note),
        ]
        if self.pages:
            parts += [
                ("reading", self.reading_bytes, ""),
                ("staging", self.staging_bytes, self._staging_note()),
                ("expert slots", self.slot_bytes, self._slots_note()),
            ]
        return [*parts, ("total", self.total_bytes, f"floor {format_bytes(self.floor_bytes)}")]

    def _host_parts(self) -> list[tuple[str, int, str]]:
        """Return what of two memories is the process's: what is nothing is left out."""
        parts = [
            ("runtime", self.runtime_bytes, ""),
            ("dense weights", self.dense_bytes, "looked up by token"),
            ("KV cache", self.kv_bytes, ""),
            ("compute buffers", self.compute_bytes, ""),
            ("reading", self.reading_bytes, ""),
            ("expert cache", self.host_bytes, "behind the slots"),
        ]
        taken = [part for part in parts if part[1]]
        budget = ("budget", self.budget_bytes, "of the process")
        return [budget, *taken, ("total", self.total_bytes, f"floor {format_bytes(self.floor_bytes)}")]

    def _device_parts(self, device: DevicePlan) -> list[tuple[str, int, str]]:
        """Return what of two memories is the device's."""
        parts = [
            ("device budget", device.budget_bytes, f"of {device.name}"),
            ("dense weights", device.dense_bytes, ""),
            ("KV cache", device.kv_bytes, self._context_note),
            ("compute buffers", device.compute_bytes, self._batch_note),
        ]
        if self.pages:
            parts += [
                ("staging", device.staging_bytes, self._staging_note()),
                ("expert slots", device.slot_bytes, self._slots_note()),
            ]
        return [*parts, ("total", device.total_bytes, f"floor {format_bytes(device.floor_bytes)}")]

    @property
    def _context_note(self) -> str:
        return f"{self._each}{self.n_ctx} tokens of context"

    @property
    def _batch_note(self) -> str:
        return f"{self._each}batches of {self.n_ubatch} tokens"

    @property
    def _each(self) -> str:
        return f"{self.n_parallel} sequences of " if self.n_parallel > 1 else ""

    def _slots_note(self) -> str:
        low, high = min(self.capacity.values()), max(self.capacity.values())
        per_layer = f"{low}" if low == high else f"{low} to {high}"
        slots = f"{per_layer} of {self.n_expert} in each of {len(self.capacity)} layers"
        return f"{slots} while decoding: {self.resident_share:.0%} of the experts"


def automatic_budget(total_bytes: int, available_bytes: int, own_bytes: int) -> int:
    """Return the budget `auto` stands for: what is free now or ours already, less room for the desktop."""
    return available_bytes + own_bytes - max(DESKTOP_BYTES, round(DESKTOP_SHARE * total_bytes))


def make_plan(needs: Needs, budget_bytes: int, store_name: str) -> MemoryPlan:
    """Share `budget_bytes` out.

    Raises:
        BudgetError: the budget is below the floor; both numbers and what to lower are in the message.
    """
    floor, floor_bytes = needs.fewest_slots, needs.floor_bytes
    sequences, fewer = ("", "") if needs.n_parallel == 1 else (f"{needs.n_parallel} sequences of ", "-np (sequences), ")
    if budget_bytes < floor_bytes:
        raise BudgetError(
            f"The budget is {format_bytes(budget_bytes)}, but the model needs at least {format_bytes(floor_bytes)}"
            f" with {sequences}a context of {needs.n_ctx} and batches of {needs.n_ubatch} tokens.",
            budget_bytes=budget_bytes,
            floor_bytes=floor_bytes,
            hint=f"Raise --memory, or lower {fewer}-c (context) or -ub (batch).",
        )
    left = budget_bytes - needs.fixed_bytes
    everything = needs.all_slots
    staged_capacity = None
    sizes = _Sizes(needs)
    if sizes.of_slots(everything) <= left:
        capacity = everything
    elif sizes.of_all(floor) <= left:
        staged_capacity = fill_slots(needs.layers, floor, left, sizes.of_all)
        capacity = fill_slots(needs.layers, floor, left - sizes.of_notes(staged_capacity), sizes.of_slots)
        if sum(capacity.values()) < (1 + LENT_FROM) * sum(staged_capacity.values()):
            capacity = staged_capacity
    else:
        capacity = fill_slots(needs.layers, floor, left, sizes.of_slots)
    fits_slots = min((n // needs.n_expert_used for n in capacity.values()), default=needs.n_ubatch)
    unbounded = staged_capacity is not None or capacity == everything
    return MemoryPlan(
        budget_bytes=budget_bytes,
        floor_bytes=floor_bytes,
        runtime_bytes=needs.runtime_bytes,
        dense_bytes=needs.dense_bytes,
        kv_bytes=needs.kv_bytes,
        compute_bytes=needs.compute_bytes,
        reading_bytes=needs.reading_bytes,
        staging_bytes=sizes.of_staging(staged_capacity) if staged_capacity is not None else 0,
        slot_bytes=sizes.of_slots(staged_capacity or capacity),
        n_ctx=needs.n_ctx,
        n_ubatch=needs.n_ubatch if unbounded else max(1, min(needs.n_ubatch, fits_slots)),
        n_expert=max((layout.n_expert for layout in needs.layers.values()), default=0),
        n_expert_used=needs.n_expert_used,
        capacity=capacity,
        staged_capacity=staged_capacity,
        store_name=store_name,
        n_parallel=needs.n_parallel,
    )


def sequences_within(needs: Needs, budget_bytes: int, most: int) -> int:
    """Return how many sequences to run at once, at most `most`, where `needs` are those of one.

    Experts that several sequences need are read once, which saves more the more there are; but they take memory from
    the slots. A dense model gains nothing by it.
    """
    if not needs.layers:
        return 1
    spare = budget_bytes - needs.floor_bytes
    each = needs.of_sequences(2).fixed_bytes - needs.fixed_bytes
    return max(1, min(most, 1 + int(SEQUENCES_SHARE * spare) // each))


class _Sizes:
    """What so many slots in each layer take; what depends on the model alone is worked out once."""

    def __init__(self, needs: Needs) -> None:
        self._slot_bytes = {layer: layout.slot_bytes for layer, layout in needs.layers.items()}
        self._racks = racks_for(needs.layers)
        self._notes = needs.notes

    def of_slots(self, capacity: Mapping[int, int]) -> int:
        return sum(capacity[layer] * n_bytes for layer, n_bytes in self._slot_bytes.items())

    def of_staging(self, capacity: Mapping[int, int]) -> int:
        return staging_bytes(self._racks, capacity, self._notes)

    def of_notes(self, capacity: Mapping[int, int]) -> int:
        return noted_bytes(self._racks, capacity, self._notes)

    def of_all(self, capacity: Mapping[int, int]) -> int:
        """Slots, and staging beside them."""
        return self.of_slots(capacity) + self.of_staging(capacity)
