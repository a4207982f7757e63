"""Placing a layer's routed experts for one graph: in slots where they fit, staged where a batch needs more.

The compute thread asks once per graph of a layer (gate and up, then down) and tells when the kernels are done:

    visit begins ── place(gate, up) ── computed ── place(down) ── computed ── visit ends

A batch that needs more experts than its layer has slots computes with those in slots where they are, and has the others
staged. Staging's memory may be lent to the slots: then layers have fewer while batches are staged, and when decoding
begins the memory of the places goes back to them.

The tokens of several graphs may be placed together. They decode where each graph has one token. Their experts, too, may
be more than the layer has slots: they are staged like a batch's, or without staging are shared out in groups that fit.

Thread rule: for the compute thread alone.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from offload.experts.grouping import grouped
from offload.experts.host_experts import Addresses, HostExperts
from offload.experts.key import ExpertKey
from offload.experts.loader import Urgency
from offload.experts.pager import ExpertPager
from offload.experts.racks import Rack, racks_for
from offload.experts.staging import Staging
from offload.experts.store import LayerLayout, WeightKind

KIND_OF = {kind.value: kind for kind in WeightKind}

READ_AHEAD_SHARE = 0.8
"""Read the next layer ahead where a batch is expected to route to at least this share of its experts."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the experts are, in the shape of the routed ids [n_tokens, n_expert_used]: slots or racked is given."""

    slots: NDArray[np.int32] | None = None
    """Numbers among the layer's own slots, the same for all kinds."""
    racked: Mapping[str, NDArray[np.int32]] | None = None
    """By kind: numbers in the rack of the layer and kind."""
    on_cpu: Addresses = field(default_factory=dict)
    """Experts that the CPU computes for a device; they have no slot, and the number of any."""


@dataclass(slots=True)
class _Visit:
    """One layer in one graph walk: its routed experts, where they are placed, and the kinds already computed.

    All in slots: `slots`, in the shape of the routed ids. Else some are in slots (`slot_of`), the others are staged;
    when the layer is done, those to be kept are copied into slots, the most used first.
    """

    layer: int
    n_tokens: int
    decodes: bool
    slots: NDArray[np.int32] | None = None
    slot_of: Mapping[int, int] = field(default_factory=dict)
    staged: Sequence[int] = ()
    kept: Sequence[int] = ()
    best: Collection[int] = ()
    on_cpu: Sequence[int] = ()
    computed: set[WeightKind] = field(default_factory=set)


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
        racks: Sequence[Rack] | None = None,
    ) -> None:
        """Place for these layers, numbered by `racks`; without `staging` every batch must fit the slots.

        `capacity[layer]` slots are used while decoding, `staged_capacity[layer]` while the staging buffers are.
        """
        self._layers = layers
        self._pager = pager
        self._is_staging = False
        self._n_expert_used = n_expert_used
        self._next = dict(zip(list(layers), list(layers)[1:], strict=False))
        self._first, self._last = min(layers), max(layers)
        self._visit: _Visit | None = None
        self.host: HostExperts | None = None
        """Set where the CPU computes experts that a device has not."""
        self.while_reading: Callable[[int, Callable[[], bool]], None] | None = None
        """Called with a layer whose demanded experts are being read, of one token, before they are waited for, and with
        what tells whether they still are."""
        self._turns: deque[set[int]] = deque()
        """The experts of the groups that are to be placed in the layer, in their order."""
        self._usage = {layer: np.zeros(layout.n_expert) for layer, layout in layers.items()}
        self._racks: dict[tuple[int, WeightKind], Rack] = {
            (layer, rack.kind): rack for rack in racks or racks_for(layers) for layer in rack.first
        }
        self.resize(capacity, staging, staged_capacity)

    def groups(self, layer: int, routes: Sequence[NDArray[np.int32]]) -> list[list[int]]:
        """Say which of several graphs' `routes` are placed together, in which order: indices, each once.

        Staging reads every expert once. But where it has its memory from the slots, graphs that decode take turns in
        all slots instead, which reads less. 14 of 32 experts in slots, 5 with staging: 2.4 times fewer bytes than one
        by one, for 16 sequences, against 1.9 (the demo model).
        """
        decode = all(len(routed) == 1 for routed in routes)
        takes_turns = decode and self._lends and (layer == self._first or not self._is_staging)
        if self._staging is not None and not takes_turns:
            return [list(range(len(routes)))]
        wanted = [set(routed.reshape(-1).tolist()) for routed in routes]
        resident = set(range(self._layers[layer].n_expert)).difference(self._pager.absent(layer))
        groups = grouped(wanted, self._capacity[layer], resident)
        self._turns = deque(set[int]().union(*(wanted[index] for index in group)) for group in groups)
        return groups

    def place(self, layer: int, routed: NDArray[np.int32], kinds: Sequence[str], *, n_graphs: int = 1) -> Placed:
        """Return where the experts of `routed` [n_tokens, n_expert_used] are, all bytes of `kinds` present.

        The tokens are those of `n_graphs` graphs, and of a group, where they need more experts than find a place.

        Raises:
            ExpertReadError: one could not be read.
            ValueError: they fit neither the slots nor staging.
        """
        asked = [KIND_OF[kind] for kind in kinds]
        visit = self._visit
        if visit is None or visit.layer != layer or not visit.computed.isdisjoint(asked):
            self._end_visit()
            visit = self._visit = self._begin_visit(layer, routed, n_graphs)
        if visit.slots is not None:
            if self.while_reading is not None and visit.n_tokens == 1 and not self._pager.arrived(layer, asked):
                self.while_reading(layer, lambda: not self._pager.arrived(layer, asked))
            self._pager.wait(layer, asked, counted=visit.decodes)
            if self.host is not None and visit.on_cpu:
                return Placed(slots=visit.slots, on_cpu=self.host.wait())
            return Placed(slots=visit.slots)
        return Placed(racked=self._stage(visit, routed, asked))

    def arrived(self, layer: int, kinds: Sequence[str]) -> bool:
        """Say whether `place` would return these kinds of the layer at once, with nothing else to be done first.

        Never where the layer is staged: what comes next waits for the places of its first kinds.
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
        done = [KIND_OF[kind] for kind in kinds]
        visit.computed.update(done)
        if visit.slots is None and self._staging is not None:
            for kind in done:
                self._staging.computed(layer, kind, visit.kept)
        if len(visit.computed) == len(self._layers[layer].parts):
            self._end_visit()

    def resize(
        self, capacity: Mapping[int, int], staging: Staging | None, staged_capacity: Mapping[int, int] | None
    ) -> None:
        """Change the number of slots per layer, while decoding and while staging; nothing may be staged now."""
        self._staging = staging
        self._capacity, self._staged_capacity = capacity, staged_capacity or capacity
        self._lends = self._staged_capacity != capacity
        self._set_capacity(self._staged_capacity if self._is_staging else self._capacity)
        if staging is not None:
            staging.plan_for(self._staged_capacity)

    def reset(self) -> None:
        """Let go of everything, after an error or a cancelled batch."""
        if self._visit is not None:
            self._pager.release(self._visit.layer)
        self._visit = None
        if self.host is not None:
            self.host.end()
        self._turns.clear()
        if self._staging is not None:
            self._staging.reset()

    def _begin_visit(self, layer: int, routed: NDArray[np.int32], n_graphs: int) -> _Visit:
        n_tokens = routed.shape[0]
        visit = _Visit(layer, n_tokens, decodes=n_tokens == n_graphs)
        if self._turns:
            self._turns.popleft()
        if visit.decodes and layer == self._first:
            self._stop_staging()
        if n_tokens == 1:
            experts = routed[0].tolist()  # distinct, in order of gate weight
        else:
            counts = np.bincount(routed.reshape(-1), minlength=self._layers[layer].n_expert)
            experts = np.flatnonzero(counts).tolist()
            self._usage[layer] = self._usage[layer] / 2 + counts
            experts.sort(key=lambda expert: -counts[expert])
            if self.host is not None:
                self.host.learn(layer, routed)
        n_slots = self._pager.capacity(layer) if self._staging is not None else self._capacity[layer]
        if len(experts) <= n_slots:
            self._begin_in_slots(visit, experts, routed)
        elif self._staging is not None:
            self._begin_staged(visit, experts, self._staging)
        else:
            raise ValueError(f"{len(experts)} routed experts of layer {layer} fit neither {n_slots} slots nor staging")
        return visit

    def _begin_in_slots(self, visit: _Visit, experts: Sequence[int], routed: NDArray[np.int32]) -> None:
        layer = visit.layer
        if self._staging is not None:
            self._staging.finish(layer)
        soon = set[int]().union(*self._turns) if self._turns else ()
        if self.host is not None and visit.n_tokens == 1:
            visit.on_cpu = self.host.choose(layer, experts)
            self.host.begin(layer, visit.on_cpu)
            self._pager.count_misses(len(visit.on_cpu))
        in_slots = [expert for expert in experts if expert not in visit.on_cpu] if visit.on_cpu else experts
        numbers = self._pager.acquire(layer, in_slots, counted=visit.decodes, soon=soon)
        if visit.n_tokens == 1 and not visit.on_cpu:
            visit.slots = np.array([numbers], np.int32)
        elif visit.on_cpu:
            visit.slots = self._look_up(layer, zip(in_slots, numbers, strict=True))[routed]
        else:
            visit.slots = self._look_up(layer, zip(experts, numbers, strict=True))[routed]
        if self._reads_ahead(visit):
            self._read_ahead_into_slots(self._next[layer])

    def _begin_staged(self, visit: _Visit, experts: Iterable[int], staging: Staging) -> None:
        """Compute with what is in slots or finds a free one; stage the others, none of them twice."""
        self._start_staging()
        layer, pager, wanted = visit.layer, self._pager, set(experts)
        staging.want(layer, wanted)
        staged = staging.staged(layer)
        absent = set(pager.absent(layer))
        n_free = pager.capacity(layer) - (self._layers[layer].n_expert - len(absent))
        in_slots = []
        most_used = np.argsort(-self._usage[layer], kind="stable").tolist()
        for expert in (expert for expert in most_used if expert in wanted and expert not in staged):
            if expert not in absent:
                in_slots.append(expert)
            elif n_free > 0:
                in_slots.append(expert)
                n_free -= 1
            else:
                staged.add(expert)
        visit.staged = sorted(staged)
        visit.slot_of = dict(zip(in_slots, pager.acquire(layer, in_slots, counted=visit.decodes), strict=True))
        if visit.decodes:
            pager.count_misses(len(staged))
        visit.best = set(most_used[: pager.capacity(layer)])
        visit.kept = [expert for expert in most_used if expert in visit.best and expert in staged]

    def _start_staging(self) -> None:
        if not self._is_staging and self._staged_capacity != self._capacity:
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
        """Let go of the layer. The experts the prompt used most stay in slots: it warms them for the answer."""
        visit, self._visit = self._visit, None
        if visit is None:
            return
        self._pager.release(visit.layer)
        if visit.on_cpu and self.host is not None:
            self.host.end()
        if visit.slots is None and self._staging is not None:
            if len(visit.computed) == len(self._layers[visit.layer].parts):
                for expert in visit.kept:
                    self._staging.adopt(visit.layer, expert, visit.best)
            self._staging.finish(visit.layer)

    def _stage(
        self, visit: _Visit, routed: NDArray[np.int32], asked: Sequence[WeightKind]
    ) -> dict[str, NDArray[np.int32]]:
        """Have `asked` kinds of the layer there, begin what comes next, and return the numbers in each kind's rack."""
        staging, layer = self._staging, visit.layer
        assert staging is not None
        remaining = [part.kind for part in self._layers[layer].parts if part.kind not in visit.computed]
        for kind in remaining:
            staging.begin(layer, kind, visit.staged, Urgency.DEMAND if kind in asked else Urgency.NEXT)
        self._pager.wait(layer, asked, counted=visit.decodes)
        numbers = {}
        for kind in asked:
            place_of = staging.wait(layer, kind, visit.staged)
            first = self._racks[layer, kind].first[layer]
            in_slots = [(expert, first + slot) for expert, slot in visit.slot_of.items()]
            numbers[kind.value] = self._look_up(layer, [*in_slots, *place_of.items()])[routed]
        if len(remaining) == len(asked) and self._reads_ahead(visit):
            self._read_ahead(self._next[layer], staging)
        return numbers

    def _look_up(self, layer: int, numbers: Iterable[tuple[int, int]]) -> NDArray[np.int32]:
        """Return an array [n_expert] with the numbers of experts at their index."""
        table = np.zeros(self._layers[layer].n_expert, np.int32)
        for expert, number in numbers:
            table[expert] = number
        return table

    def _reads_ahead(self, visit: _Visit) -> bool:
        """Say whether a batch needs nearly all experts of the next layer.

        The last layer of a batch sees only the tokens whose logits are asked for, mostly one: it is not read ahead.
        Tokens that are decoded together are taken for one: they route alike more than a prompt's do.
        """
        following = self._next.get(visit.layer)
        if following is None or following == self._last:
            return False
        n_expert = self._layers[following].n_expert
        n_tokens = 1 if visit.decodes else visit.n_tokens
        return 1 - (1 - self._n_expert_used / n_expert) ** n_tokens >= READ_AHEAD_SHARE

    def _read_ahead(self, layer: int, staging: Staging) -> None:
        """Begin to read all experts of a layer: into free slots first, the others to places as these become free."""
        self._pager.prefetch(ExpertKey(layer, expert) for expert in self._pager.absent(layer))
        absent = self._pager.absent(layer)
        for part in self._layers[layer].parts:
            staging.begin(layer, part.kind, absent, Urgency.AHEAD)

    def _read_ahead_into_slots(self, layer: int) -> None:
        if self._pager.capacity(layer) == self._layers[layer].n_expert:
            self._pager.prefetch(ExpertKey(layer, expert) for expert in self._pager.absent(layer))
