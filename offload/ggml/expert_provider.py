"""What the walk through graphs asks and tells: who brings experts into memory, and who learns of the routes."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Routes = NDArray[np.int32]
"""Routed ids of one layer of one graph, [n_tokens, n_expert_used]."""


class Placement(Protocol):
    """Where a layer's routed experts are, in the shape of the routed ids, contiguous: slots or racked is given."""

    @property
    def slots(self) -> NDArray[np.int32] | None:
        """Numbers among the layer's own slots, the same for all kinds."""

    @property
    def racked(self) -> Mapping[str, NDArray[np.int32]] | None:
        """By kind: numbers in the rack."""

    @property
    def on_cpu(self) -> Mapping[int, Mapping[str, int]]:
        """By expert that the CPU computes for the device, and by kind: the address of its matrix. They have no slot."""


class ExpertProvider(Protocol):
    """Brings experts into memory: what the weights ask before and tell after each piece of graphs they compute."""

    def groups(self, layer: int, routes: Sequence[Routes]) -> list[list[int]]:
        """Say which graphs' experts are placed together, in which order: indices into `routes`, each once."""

    def place(self, layer: int, routed: Routes, kinds: Sequence[str], *, n_graphs: int = 1) -> Placement:
        """Return where the experts of `routed` are, all bytes of `kinds` present: the rows of `n_graphs` graphs."""

    def arrived(self, layer: int, kinds: Sequence[str]) -> bool:
        """Say whether `place` would neither wait for `kinds` of the layer it last placed, nor reuse its memory."""

    def computed(self, layer: int, kinds: Sequence[str]) -> None:
        """Note that the kernels are done with `kinds` of this layer."""

    def reset(self) -> None:
        """Let go of everything, after an error."""


class RouteObserver(Protocol):
    """Learns how tokens are routed, layer by layer, as a graph is computed. What it is given lasts for the call."""

    @property
    def reads_gates(self) -> bool:
        """Whether it makes use of weights and inputs at present: to find them takes time."""

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        """Learn of one layer: `experts`, gate `weights` [n_tokens, n_expert_used], router `inputs` [n_tokens, n_embd].

        None where the graph does not have them, or not in memory any more, or nobody `reads_gates`. Of graphs that are
        computed together each is told by itself, before the layer's experts are placed.
        """
