"""`GateReader`: the gate weights and router inputs of a layer, read off the graph before its experts are computed."""

from offload.ggml.abi import Tensor
from offload.ggml.graph_memory import Floats, GraphMemory
from offload.ggml.graph_walk import GraphWalk

_GATE_NODES = 64
"""How far before the first expert node the router's nodes are looked for. Source: build_moe_ffn (llama-graph.cpp)."""


class GateReader:
    """Reads the gates of one context's graphs; remembers how far before a layer's experts their nodes were last."""

    def __init__(self, memory: GraphMemory) -> None:
        self._memory = memory
        self._ahead: dict[int, tuple[int, ...]] = {}
        """Layer -> places before the experts' node, of weights and logits."""

    def read(
        self, walk: GraphWalk, layer: int, position: int, node: Tensor, shape: tuple[int, ...]
    ) -> tuple[Floats | None, Floats | None]:
        """Return weights [n_tokens, n_expert_used] and inputs [n_tokens, n_embd] of a layer, while the graph waits.

        The first expert node of the layer is at `position`. Inputs are given only where they are the experts' too:
        another tensor's memory may be in use again by now.
        """
        found = self._found(walk, position, self._ahead.get(layer, ()))
        if found is None:
            self._ahead[layer] = ahead = _search(walk.addresses(max(0, position - _GATE_NODES), position)[::-1])
            found = [_tensor(walk, position - place) for place in ahead]
        n_tokens, n_used = shape
        weights = inputs = None
        for before in found:
            if not _is_logits(before.name):
                weights = self._memory.floats(before, n_tokens, n_used)
                continue
            experts_input, routers_input = Tensor.from_address(node.src[1]), Tensor.from_address(before.src[1])
            if routers_input.data == experts_input.data:
                inputs = self._memory.floats(experts_input, n_tokens, routers_input.ne[0])
        return weights, inputs

    def _found(self, walk: GraphWalk, position: int, ahead: tuple[int, ...]) -> list[Tensor] | None:
        """Return the nodes at the remembered places, None where they are others now."""
        if not ahead or ahead[-1] > position:
            return None
        nodes = [_tensor(walk, position - place) for place in ahead]
        is_same = _is_logits(nodes[-1].name) and all(_is_weights(node.name) for node in nodes[:-1])
        return nodes if is_same else None


def _search(addresses: list[int]) -> tuple[int, ...]:
    """Return how far ahead the last weights and the logits are, of the nodes from the nearest on; not where missing."""
    places: list[int] = []
    for place, address in enumerate(addresses, start=1):
        name: bytes = Tensor.from_address(address).name
        if _is_logits(name):
            return (*places, place)
        if not places and _is_weights(name):
            places.append(place)
    return tuple(places)


def _tensor(walk: GraphWalk, position: int) -> Tensor:
    (address,) = walk.addresses(position, position + 1)
    return Tensor.from_address(address)


def _is_logits(name: bytes) -> bool:
    return name.startswith(b"ffn_moe_logits-")


def _is_weights(name: bytes) -> bool:
    return name.startswith(b"ffn_moe_weights") and b"_sum" not in name
