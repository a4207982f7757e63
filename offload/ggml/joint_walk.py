"""`JointWalk`: one graph, or several of as many contexts, computed layer by layer with experts that are paged.

Each graph is computed as it would be alone, piece by piece, so its numbers are the same bit for bit; but all stand
before a layer together, and what their tokens route to there is placed as one:

    compute to the layer ── routes of all ── place their union ── compute the layer, graph after graph ── next layer

A graph that fails is left where it stands; the others go on. Where an expert cannot be read that several graphs might
have routed to, each is served by itself, so that only those fail that need it.
"""

import ctypes as C
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from offload.errors import ExpertReadError
from offload.ggml import abi
from offload.ggml.abi import Tensor
from offload.ggml.expert_provider import ExpertProvider, Placement, RouteObserver, Routes
from offload.ggml.gate_reader import GateReader
from offload.ggml.graph_memory import GraphMemory, SlotNumbers
from offload.ggml.graph_walk import GraphWalk
from offload.ggml.host_rows import HostRow, HostRows
from offload.ggml.paged_tensor import PagedTensor, over_rack


class PagedNode(NamedTuple):
    """A node that multiplies with a paged tensor."""

    position: int
    """In the graph."""
    paged: PagedTensor
    node: Tensor


class _PagedLayer(NamedTuple):
    """The paged nodes of one layer: down by itself, where it does not stand alone."""

    layer: int
    phases: Sequence[Sequence[PagedNode]]

    @property
    def true_ids(self) -> int:
        """Address of the routed ids, as long as no node is pointed elsewhere."""
        ids: int = self.phases[0][0].node.src[2]
        return ids

    def kinds(self, phase: int) -> list[str]:
        return [node.paged.kind for node in self.phases[phase]]


class WalkedGraph:
    """One graph on its way: what is computed of it, and how it ends."""

    def __init__(
        self,
        graph: int,
        compute_native: Callable[[int], int],
        tensors: Mapping[int, PagedTensor],
        mul_mat_id: int,
        memory: GraphMemory,
        numbers: SlotNumbers,
        host_rows: HostRows | None = None,
    ) -> None:
        """Stand before the first node. `numbers` are kept for the next graph of the same context."""
        self.walk = GraphWalk(graph, compute_native)
        self.error: BaseException | None = None
        self.routes: Routes = np.empty((0, 0), np.int32)
        self.true_ids = 0
        nodes = ((position, tensors.get(node.src[0]), node) for position, node in self.walk.nodes_of(mul_mat_id))
        served = [PagedNode(position, paged, node) for position, paged, node in nodes if paged is not None]
        self.layers = deque(
            _PagedLayer(layer, _phases(list(of_layer)))
            for layer, of_layer in groupby(served, key=lambda node: node.paged.layer)
        )
        self._memory, self._numbers = memory, numbers
        self._host_rows = host_rows
        self._on_cpu: dict[int, tuple[PagedNode, list[HostRow]]] = {}
        """By position in the graph: nodes of which the CPU computes some rows."""
        self._keep: list[Any] = []
        self._undo: list[tuple[Tensor, int, int]] = []

    @property
    def status(self) -> int:
        """What llama.cpp is told, a ggml status."""
        return self.walk.status if self.error is None else abi.STATUS_FAILED

    @property
    def goes_on(self) -> bool:
        """Whether a layer is still to be served."""
        return bool(self.layers) and self.status == abi.STATUS_SUCCESS

    def compute_to(self, phase: int) -> None:
        """Compute what stands before a phase of the next layer; the rest, where there is none."""
        if self.status == abi.STATUS_SUCCESS:
            end = self.layers[0].phases[phase][0].position if self.layers else self.walk.n_nodes
            if self._on_cpu:
                self._compute_rows(end)
            self.walk.go_to(end)

    def read_routes(self) -> Routes:
        """Read where the layer it stands before routes to; no row: none of its tokens is computed any further."""
        self.true_ids = self.layers[0].true_ids
        self.routes = self._memory.ids(self.true_ids)
        return self.routes

    def tell(self, observers: Sequence[RouteObserver], gates: GateReader) -> None:
        """Tell the routes that were read last."""
        layer, first = self.layers[0].layer, self.layers[0].phases[0][0]
        weights = inputs = None
        if any(observer.reads_gates for observer in observers):
            weights, inputs = gates.read(self.walk, layer, first.position, first.node, self.routes.shape)
        for observer in observers:
            observer.routed(layer, self.routes, weights, inputs)

    def point(self, placement: Placement, phase: int, rows: slice) -> None:
        """Point the nodes of a phase to where the experts are, by these rows of the placement.

        An expert has one slot for all its kinds: where it is in one, the nodes of later phases are served too.
        """
        layer, phases = self.layers[0].layer, self.layers[0].phases
        if placement.slots is not None:
            slots, ids = placement.slots[rows], None
            for _, paged, node in (node for nodes in phases[phase:] for node in nodes):
                if paged.rack_only:
                    self._point_into_rack(node, paged, slots + np.int32(paged.first))
                    continue
                ids = ids or self._numbers.tensor(layer, "", self.true_ids, slots)
                self._set(node, 2, C.addressof(ids))
            self._keep.append(ids)
            return
        assert placement.racked is not None
        for _, paged, node in phases[phase]:
            self._point_into_rack(node, paged, placement.racked[paged.kind][rows])

    def leave_to_cpu(self, placement: Placement, phase: int) -> None:
        """Have the CPU compute the rows of those experts in the nodes of a phase and later ones."""
        routes = self.routes.tolist()
        for node in (node for nodes in self.layers[0].phases[phase:] for node in nodes):
            self._on_cpu[node.position] = (
                node,
                [
                    HostRow(token, position, placement.on_cpu[expert][node.paged.kind])
                    for token, experts in enumerate(routes)
                    for position, expert in enumerate(experts)
                    if expert in placement.on_cpu
                ],
            )

    def _compute_rows(self, end: int) -> None:
        """Compute up to each node that the CPU has rows of, before `end`, and have them written over the device's."""
        assert self._host_rows is not None
        for position in sorted(position for position in self._on_cpu if position < end):
            node, rows = self._on_cpu.pop(position)
            self.walk.go_to(position + 1)
            if self.walk.status == abi.STATUS_SUCCESS:
                self._host_rows.write(node.node, rows)

    def _point_into_rack(self, node: Tensor, paged: PagedTensor, numbers: Routes) -> None:
        ids = self._numbers.tensor(paged.layer, paged.kind, self.true_ids, numbers)
        rack = over_rack(node.src[0], paged)
        self._set(node, 0, C.addressof(rack))
        self._set(node, 2, C.addressof(ids))
        self._keep.append((rack, ids))

    def put_back(self) -> None:
        """Give the nodes back what they pointed at: llama.cpp reuses the graph for the next token."""
        for node, position, address in reversed(self._undo):
            node.src[position] = address
        self._undo.clear()

    def _set(self, node: Tensor, position: int, address: int) -> None:
        before = node.src[position]
        if before != address:
            self._undo.append((node, position, before))
            node.src[position] = address


class JointWalk:
    """Graphs computed together. Thread rule: for one thread, the one that computes."""

    def __init__(
        self,
        graphs: Sequence[WalkedGraph],
        provider: ExpertProvider,
        observers: Sequence[RouteObserver],
        gates: GateReader,
        cancelled: Callable[[], bool],
    ) -> None:
        self.compute_seconds = 0.0
        self._graphs, self._provider, self._cancelled = graphs, provider, cancelled
        self._observers, self._gates = observers, gates
        self._under_way: list[tuple[int, list[str]]] = []

    def run(self) -> None:
        """Compute the graphs to their ends; each tells how it ended."""
        self._advance(self._graphs)
        while standing := [graph for graph in self._graphs if graph.goes_on]:
            if self._cancelled():
                for graph in standing:
                    graph.walk.status = abi.STATUS_ABORTED
                return
            layer = min(graph.layers[0].layer for graph in standing)
            self._serve_layer(layer, [graph for graph in standing if graph.layers[0].layer == layer])

    def _serve_layer(self, layer: int, graphs: Sequence[WalkedGraph]) -> None:
        routed = [graph for graph in graphs if graph.read_routes().size]
        if self._observers:
            for graph in routed:
                graph.tell(self._observers, self._gates)
        if len(routed) < len(graphs):
            self._leave([graph for graph in graphs if not graph.routes.size])
        if len(routed) == 1:
            self._serve(layer, routed, 0)
        elif routed:
            for group in self._provider.groups(layer, [graph.routes for graph in routed]):
                self._serve(layer, [routed[index] for index in group], 0)

    def _serve(self, layer: int, graphs: Sequence[WalkedGraph], phase: int) -> None:
        """Compute a layer from a phase on, which the graphs stand before."""
        if not any(graph.goes_on for graph in graphs):
            return
        phases = graphs[0].layers[0]
        try:
            self._place(layer, graphs, phase)
        except ExpertReadError as error:
            self._provider.reset()
            if len(graphs) == 1:
                graphs[0].error = error
            else:
                for graph in graphs:
                    self._serve(layer, [graph], phase)
            return
        self._under_way.append((layer, phases.kinds(phase)))
        if phase + 1 < len(phases.phases):
            kinds = phases.kinds(phase + 1)
            if not self._provider.arrived(layer, kinds):
                self._advance(graphs, phase + 1)
                self._serve(layer, graphs, phase + 1)
                return
            self._under_way.append((layer, kinds))
        self._leave(graphs)

    def _place(self, layer: int, graphs: Sequence[WalkedGraph], phase: int) -> None:
        """Have the experts of a phase placed for all graphs and point their nodes there."""
        routes = [graph.routes for graph in graphs]
        together = routes[0] if len(routes) == 1 else np.concatenate(routes)
        kinds = graphs[0].layers[0].kinds(phase)
        placement = self._provider.place(layer, together, kinds, n_graphs=len(graphs))
        first = 0
        for graph, of_graph in zip(graphs, routes, strict=True):
            graph.point(placement, phase, slice(first, first + len(of_graph)))
            if placement.on_cpu:
                graph.leave_to_cpu(placement, phase)
            first += len(of_graph)

    def _leave(self, graphs: Sequence[WalkedGraph]) -> None:
        """Be done with the layer the graphs stand in."""
        for graph in graphs:
            graph.layers.popleft()
        self._advance(graphs)

    def _advance(self, graphs: Sequence[WalkedGraph], phase: int = 0) -> None:
        start = time.perf_counter()
        for graph in graphs:
            graph.compute_to(phase)
        self.compute_seconds += time.perf_counter() - start
        for layer, kinds in self._under_way:
            self._provider.computed(layer, kinds)
        self._under_way.clear()


def _phases(nodes: list[PagedNode]) -> list[list[PagedNode]]:
    """Cut a layer's nodes before down, where it does not stand alone."""
    cut = next((number for number, node in enumerate(nodes) if node.paged.kind == "down"), 0)
    return [nodes[:cut], nodes[cut:]] if cut else [nodes]
