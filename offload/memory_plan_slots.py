"""`fill_slots`: how many slots each layer gets of the memory there is for them."""

from collections.abc import Callable, Mapping

from offload.experts.store import LayerLayout


def fill_slots(
    layers: Mapping[int, LayerLayout],
    floor: Mapping[int, int],
    left: int,
    n_bytes: Callable[[Mapping[int, int]], int],
) -> dict[int, int]:
    """Return the largest even numbers of slots that `left` bytes hold; what remains goes to the first layers."""
    low, high = 0, max(layout.n_expert for layout in layers.values())

    def level(n_slots: int) -> dict[int, int]:
        return {layer: min(layout.n_expert, max(floor[layer], n_slots)) for layer, layout in layers.items()}

    while low < high:
        middle = (low + high + 1) // 2
        if n_bytes(level(middle)) <= left:
            low = middle
        else:
            high = middle - 1
    capacity = level(low)
    for layer, layout in layers.items():
        more = capacity | {layer: capacity[layer] + 1}
        if capacity[layer] < layout.n_expert and n_bytes(more) <= left:
            capacity = more
    return capacity
