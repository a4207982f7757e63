"""Placing a layer's routed experts for one graph: in slots where they fit, staged where a batch needs more.

The compute thread asks once per graph of a layer (gate and up, then down) and tells when the kernels are done:

    visit begins ── place(gate, up) ── computed ── place(down) ── computed ── visit ends

Staging takes its memory from the slots: while batches are staged, layers have fewer slots, and when decoding begins
the staging buffers' memory goes back to them.

Thread rule: for the compute thread alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offload.experts.key import ExpertKey
from offload.experts.loader import Urgency
from offload.experts.pager import ExpertPager
from offload.experts.staging import Shelf, Staging
from offload.experts.store import LayerLayout, WeightKind

KIND_OF = {kind.value: kind for kind in WeightKind}

READ_AHEAD_SHARE = 0.8
"""Read the next layer ahead where a batch is expected to route to at least this share of its experts."""


_NO_COUNTS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the experts are: slot numbers [n_tokens, n_expert_used], or the staging buffer of each kind."""

    slots: NDArray[np.int32] | None = None
    staged: Mapping[str, Shelf] | None = None


@dataclass(slots=True)
class _Visit:
    """One layer in one graph walk: its routed experts, the kinds already computed, and where they were placed."""

    layer: int
    experts: list[int]
    counts: NDArray[np.int64]
    n_tokens: int
    slots: NDArray[np.int32] | None
    computed: set[WeightKind]


class ExpertPlacer:
    """Brings the routed experts of each graph into memory, through the pager or through staging."""

    def __init__(
        self,
        layers: Mapping[int, LayerLayout],
        pager: ExpertPager,
        n_expert_used: int,
        *,
        capacity: Mapping[int, int],
        staging: Staging | None,
        staged_capacity: Mapping[int, int] | None,
    ) -> None:
        """Place for these layers; without `staging` every batch must fit the slots.

        `capacity[layer]` slots are used while decoding, `staged_capacity[layer]` while the staging buffers are.
        """
        self._layers = layers
        self._pager = pager
        self._staging = staging
        self._capacity, self._staged_capacity = capacity, staged_capacity or capacity
        self._is_staging = False
        self._n_expert_used = n_expert_used
        self._next = dict(zip(list(layers), list(layers)[1:], strict=False))
        self._first, self._last = min(layers), max(layers)
        self._visit: _Visit | None = None
        self._usage = {layer: np.zeros(layout.n_expert) for layer, layout in layers.items()}

    def place(self, layer: int, routed: NDArray[np.int32], kinds: Sequence[str]) -> Placed:
        """Return where the experts of `routed` [n_tokens, n_expert_used] are, all bytes of `kinds` present.

        Raises:
            ExpertReadError: one could not be read.
            ValueError: they fit neither the slots nor staging.
        """
        asked = [KIND_OF[kind] for kind in kinds]
        visit = self._visit
        if visit is None or visit.layer != layer or not visit.computed.isdisjoint(asked):
            self._end_visit()
            visit = self._visit = self._begin_visit(layer, routed)
        if visit.slots is not None:
            self._pager.wait(layer, asked, counted=visit.n_tokens == 1)
            return Placed(slots=visit.slots)
        self._stage(visit, asked)
        assert self._staging is not None
        return Placed(staged={kind.value: self._staging.shelf(kind) for kind in asked})

    def arrived(self, layer: int, kinds: Sequence[str]) -> bool:
        """Say whether `place` would return these kinds of the layer at once, with nothing else to be done first.

        Never where the layer is staged: to place its last kinds is to begin the next layer in the place of the first.
        """
        visit = self._visit
        if visit is None or visit.layer != layer or visit.slots is None:
            return False
        return self._pager.arrived(layer, [KIND_OF[kind] for kind in kinds])

    def computed(self, layer: int, kinds: Sequence[str]) -> None:
        """Note that the kernels are done with these kinds; after the last the layer's slots are let go."""
        visit = self._visit
        if visit is None or visit.layer != layer:
            return  # a graph of no tokens was not placed
        visit.computed.update(KIND_OF[kind] for kind in kinds)
        if len(visit.computed) == len(self._layers[layer].parts):
            self._end_visit()

    def resize(
        self, capacity: Mapping[int, int], staging: Staging | None, staged_capacity: Mapping[int, int] | None
    ) -> None:
        """Change the number of slots per layer, while decoding and while staging; nothing may be staged now."""
        self._staging = staging
        self._capacity, self._staged_capacity = capacity, staged_capacity or capacity
        self._set_capacity(self._staged_capacity if self._is_staging else self._capacity)

    def reset(self) -> None:
        """Let go of everything, after an error or a cancelled batch."""
        if self._visit is not None and self._visit.slots is not None:
            self._pager.release(self._visit.layer)
        self._visit = None
        if self._staging is not None:
            self._staging.reset()

    def _begin_visit(self, layer: int, routed: NDArray[np.int32]) -> _Visit:
        n_tokens = routed.shape[0]
        n_expert = self._layers[layer].n_expert
        if n_tokens == 1:
            experts = routed[0].tolist()  # distinct, in order of gate weight
            counts = _NO_COUNTS
        else:
            counts = np.bincount(routed.reshape(-1), minlength=n_expert)
            experts = np.flatnonzero(counts).tolist()
            experts.sort(key=lambda expert: -counts[expert])
            self._usage[layer] = self._usage[layer] / 2 + counts
        if n_tokens == 1 and layer == self._first:
            self._stop_staging()
        visit = _Visit(layer, experts, counts, n_tokens, None, set())
        n_slots = self._pager.capacity(layer) if self._staging is not None else self._capacity[layer]
        if len(experts) <= n_slots:
            if self._staging is not None and self._staging.staged(layer):
                self._staging.drop(layer)
            numbers = self._pager.acquire(layer, experts, counted=n_tokens == 1)
            if n_tokens == 1:
                visit.slots = np.array([numbers], np.int32)
            else:
                slot_of = np.zeros(n_expert, np.int32)
                slot_of[experts] = numbers
                visit.slots = slot_of[routed]
            if self._reads_ahead(layer, n_tokens):
                self._prefetch_next(layer)
        elif self._staging is not None:
            self._start_staging()
        else:
            raise ValueError(f"{len(experts)} routed experts of layer {layer} fit neither {n_slots} slots nor staging")
        return visit

    def _start_staging(self) -> None:
        if not self._is_staging:
            self._is_staging = True
            self._set_capacity(self._staged_capacity)

    def _stop_staging(self) -> None:
        if self._is_staging and self._staging is not None:
            self._is_staging = False
            self._staging.release_memory()
            self._set_capacity(self._capacity)

    def _set_capacity(self, capacity: Mapping[int, int]) -> None:
        for layer, n_slots in capacity.items():
            self._pager.set_capacity(layer, n_slots)

    def _end_visit(self) -> None:
        visit, self._visit = self._visit, None
        if visit is not None and visit.slots is not None:
            self._pager.release(visit.layer)

    def _stage(self, visit: _Visit, asked: Sequence[WeightKind]) -> None:
        """Have `asked` kinds of the layer staged, and begin what comes next."""
        staging, layer = self._staging, visit.layer
        assert staging is not None
        remaining = [part.kind for part in self._layers[layer].parts if part.kind not in visit.computed]
        for kind in remaining:
            staging.begin(layer, kind, visit.experts, Urgency.DEMAND if kind in asked else Urgency.NEXT)
        for kind in asked:
            staging.wait(layer, kind, visit.experts)
        if len(remaining) == len(asked):  # the last kinds: the layer is whole, and the next one's turn begins
            self._keep_most_used(visit)
            if self._reads_ahead(layer, visit.n_tokens):
                following = self._next[layer]
                layout = self._layers[following]
                if self._pager.capacity(following) < layout.n_expert:
                    for part in layout.parts:
                        if part.kind not in asked:
                            staging.begin(following, part.kind, range(layout.n_expert), Urgency.AHEAD)
                else:
                    self._prefetch_next(layer)

    def _keep_most_used(self, visit: _Visit) -> None:
        """Leave the experts the prompt used most in the slots: it warms them for the answer."""
        staging, layer = self._staging, visit.layer
        assert staging is not None
        ascending = np.argsort(self._usage[layer], kind="stable").tolist()
        staging.finish(layer, ascending)
        best = set(ascending[-self._pager.capacity(layer) :])
        absent = set(self._pager.absent(layer))
        for expert in reversed(ascending):
            if expert in best and expert in absent and visit.counts[expert]:
                staging.adopt(layer, expert, best)

    def _reads_ahead(self, layer: int, n_tokens: int) -> bool:
        """Say whether a batch needs nearly all experts of the next layer.

        The last layer of a batch sees only the tokens whose logits are asked for, mostly one: it is not read ahead.
        """
        following = self._next.get(layer)
        if following is None or following == self._last:
            return False
        n_expert = self._layers[following].n_expert
        return 1 - (1 - self._n_expert_used / n_expert) ** n_tokens >= READ_AHEAD_SHARE

    def _prefetch_next(self, layer: int) -> None:
        following = self._next[layer]
        if self._pager.capacity(following) == self._layers[following].n_expert:
            self._pager.prefetch(ExpertKey(following, expert) for expert in self._pager.absent(following))
