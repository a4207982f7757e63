"""`StagedWorld`: pager, staging and placer over tiny experts of several sizes; reads happen while someone waits."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fakes.step_loader import StepCondition, StepLoader
from fakes.tiny_experts import DOWN, GATE, UP, ByteSlots, TinySource, TinyStore, layer_layout
from offload.experts.eviction import LeastRecentlyUsed
from offload.experts.key import ExpertKey
from offload.experts.loader import Loader
from offload.experts.pager import ExpertPager
from offload.experts.placement import ExpertPlacer, Placed
from offload.experts.racks import racks_for
from offload.experts.staging import Staging
from offload.experts.store import LayerLayout, WeightKind

N_EXPERT, N_EXPERT_USED = 6, 2
LAYERS = (
    layer_layout(0, N_EXPERT, {GATE: 3000, UP: 3000, DOWN: 5000}),
    layer_layout(1, N_EXPERT, {GATE: 9000, UP: 9000, DOWN: 100}, phase=64),
    layer_layout(2, N_EXPERT, {GATE: 3000, UP: 5000, DOWN: 13000}),
    layer_layout(4, N_EXPERT, {GATE: 100, UP: 100, DOWN: 100}),
)
"""Layers whose parts differ in size, so that a kind has several racks."""


class StagedWorld:
    """By default reads happen one by one where the compute thread waits; with a `loader` of threads, on these."""

    def __init__(
        self,
        *layouts: LayerLayout,
        n_slots: int = 3,
        n_slots_staged: int | None = None,
        staged: bool = True,
        loader: Loader | None = None,
    ) -> None:
        self.store = TinyStore(*(layouts or LAYERS))
        self.slots, self.source = ByteSlots(self.store), TinySource()
        self.steps = StepLoader()
        self._loader = loader or self.steps
        capacity: Mapping[int, int] = dict.fromkeys(self.store.layers, n_slots)
        policy = LeastRecentlyUsed()
        self.pager = ExpertPager(self.store, self.slots, self.source, self._loader, policy, capacity)
        self.staging = Staging(self.store, self.slots, self.source, self._loader, self.pager)
        self.staging.plan_for(dict.fromkeys(self.store.layers, n_slots_staged or n_slots))
        if loader is None:
            self.pager._changed = StepCondition(self._meanwhile)
            self.staging._changed = StepCondition(self._meanwhile)
        self.placer = ExpertPlacer(
            self.store.layers,
            self.pager,
            N_EXPERT_USED,
            capacity=capacity,
            staging=self.staging if staged else None,
            staged_capacity=dict.fromkeys(self.store.layers, n_slots_staged or n_slots),
        )

    def close(self) -> None:
        self._loader.close()

    def _meanwhile(self) -> None:
        assert self.steps.running or self.steps.queued, "the compute thread waits, and nothing is under way"
        self.steps.start()
        self.steps.finish()

    def make_resident(self, layer: int, *experts: int) -> None:
        self.pager.prefetch(ExpertKey(layer, expert) for expert in experts)
        self.steps.drain()

    def resident(self, layer: int) -> set[int]:
        return set(range(N_EXPERT)) - set(self.pager.absent(layer))

    def staged_whole(self, layer: int, kind: WeightKind, expert: int) -> bool:
        """Say whether the expert is at a place, whole."""
        place = self.place_of(layer, kind).get(expert)
        return place is not None and self.slots.holds_at(ExpertKey(layer, expert), kind, place)

    def place_of(self, layer: int, kind: WeightKind) -> dict[int, int]:
        """Return the places that experts of a layer have been given."""
        parts = self.staging._parts[layer, kind]
        return {expert: part.place for expert, part in parts.items() if part.place is not None}

    def n_places_used(self, layer: int, kind: WeightKind) -> int:
        return self.staging._places[layer, kind].n_used

    def slot_whole(self, layer: int, expert: int) -> bool:
        """Say whether the expert is in a slot, whole."""
        slot = self.pager._layers[layer].slot_of.get(expert)
        kinds = [part.kind for part in self.store.layers[layer].parts]
        return slot is not None and all(self.slots.holds(ExpertKey(layer, expert), kind, slot) for kind in kinds)

    def placed_whole(self, layer: int, routed: NDArray[np.int32], kind: WeightKind, placed: Placed) -> bool:
        """Say whether a kernel that follows `placed` finds the routed experts."""
        numbers = placed.slots if placed.racked is None else placed.racked[kind.value]
        assert numbers is not None
        assert numbers.shape == routed.shape
        return all(
            self._number_holds(ExpertKey(layer, int(expert)), kind, int(number), in_rack=placed.slots is None)
            for expert, number in zip(routed.reshape(-1), numbers.reshape(-1), strict=True)
        )

    def _number_holds(self, key: ExpertKey, kind: WeightKind, number: int, *, in_rack: bool) -> bool:
        rack = next(rack for rack in racks_for(self.store.layers) if rack.kind is kind and key.layer in rack.first)
        if in_rack and number < rack.n_places:
            return self.slots.holds_at(key, kind, number)
        return self.slots.holds(key, kind, number - rack.first[key.layer] if in_rack else number)

    def visit(
        self,
        layer: int,
        routed: Sequence[Sequence[int]],
        graphs: Sequence[Sequence[WeightKind]] = ((GATE, UP), (DOWN,)),
    ) -> list[Placed]:
        """Walk through one layer as llama.cpp does, and see that every kernel finds its experts."""
        ids = np.array(routed, np.int32).reshape(len(routed), N_EXPERT_USED)
        places = []
        for kinds in graphs:
            names = [kind.value for kind in kinds]
            placed = self.placer.place(layer, ids, names)
            assert all(self.placed_whole(layer, ids, kind, placed) for kind in kinds)
            places.append(placed)
            self.placer.computed(layer, names)
        return places
