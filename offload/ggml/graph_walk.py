"""`GraphWalk`: a ggml graph computed piece by piece, and what can be read off its nodes in between."""

import ctypes as C
from collections.abc import Callable

import numpy as np

from offload.ggml import abi
from offload.ggml.abi import Graph, Tensor


class GraphWalk:
    """A graph computed piece by piece, in order. Source: `ggml_graph_view` (ggml.c)."""

    def __init__(self, graph: int, compute_native: Callable[[int], int]) -> None:
        self.status = abi.STATUS_SUCCESS
        self._compute_native = compute_native
        self._piece = Graph()
        C.memmove(C.addressof(self._piece), graph, C.sizeof(Graph))
        self._piece.size = self._piece.n_leafs = self._piece.uid = 0
        self._piece.grads = self._piece.grad_accs = self._piece.leafs = None
        self._nodes: int = self._piece.nodes
        self.n_nodes: int = self._piece.n_nodes
        self._at = 0

    def nodes_of(self, operation: int) -> list[tuple[int, Tensor]]:
        """Return position and tensor of the nodes of one operation.

        A graph has a thousand nodes: their operations are gathered by NumPy, out of the memory they all lie in.
        """
        if not self.n_nodes:
            return []
        addresses = np.frombuffer(memoryview((C.c_uint64 * self.n_nodes).from_address(self._nodes)), np.uint64)
        base = int(addresses.min())
        span = int(addresses.max()) - base + C.sizeof(Tensor)
        memory = np.frombuffer(memoryview((C.c_char * span).from_address(base)), np.int32)
        operations = memory[(addresses - np.uint64(base) + np.uint64(Tensor.op.offset)) // np.uint64(4)]
        found = np.flatnonzero(operations == operation).tolist()
        return [(position, Tensor.from_address(int(addresses[position]))) for position in found]

    def addresses(self, first: int, last: int) -> list[int]:
        """Return the addresses of the nodes at positions [first, last)."""
        return list((C.c_uint64 * (last - first)).from_address(self._nodes + first * C.sizeof(C.c_void_p)))

    def go_to(self, position: int) -> None:
        """Compute the nodes up to `position`."""
        if position > self._at and self.status == abi.STATUS_SUCCESS:
            self._piece.nodes = self._nodes + self._at * C.sizeof(C.c_void_p)
            self._piece.n_nodes = position - self._at
            self.status = self._compute_native(C.addressof(self._piece))
            self._at = position
