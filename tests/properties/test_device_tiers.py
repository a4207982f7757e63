"""Three tiers under any routes, sizes, orders of reads and failures: what computes finds whole experts."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from numpy.typing import NDArray

from fakes.device_world import N_EXPERT, N_USED, DeviceWorld, Sizes
from offload.errors import DeviceError, ExpertReadError
from offload.experts.key import ExpertKey

Graph = list[NDArray[np.int32]]
SIZES = st.builds(
    Sizes,
    capacity=st.tuples(*[st.integers(N_USED, N_EXPERT)] * 2),
    n_in_memory=st.integers(0, 2 * N_EXPERT),
    threshold=st.sampled_from([None, 0.0, 0.5, 2.0, np.inf]),
    staged=st.booleans(),
)
TOKEN = st.permutations(range(N_EXPERT)).map(lambda order: order[:N_USED])
ROUTED = st.one_of(st.just(1), st.integers(1, 5)).flatmap(
    lambda n_tokens: st.lists(
        st.lists(TOKEN, min_size=n_tokens, max_size=n_tokens).map(lambda tokens: np.array(tokens, np.int32)),
        min_size=2,
        max_size=2,
    )
)
GRAPHS = st.lists(ROUTED, min_size=1, max_size=12)
ORDER = st.lists(st.integers(0, 3), min_size=1, max_size=5)
KEY = st.builds(ExpertKey, st.integers(0, 1), st.integers(0, N_EXPERT - 1))


def fitting(graph: Graph, sizes: Sizes) -> Graph:
    """Return the graph with as many tokens as the slots have room for, where nothing is staged."""
    if sizes.staged:
        return graph
    n_tokens = len(graph[0])
    while any(len(np.unique(routed[:n_tokens])) > n for routed, n in zip(graph, sizes.capacity, strict=True)):
        n_tokens -= 1
    return [routed[:n_tokens] for routed in graph]


@given(SIZES, GRAPHS, ORDER)
@settings(max_examples=200)
def test_what_computes_finds_whole_experts(sizes: Sizes, graphs: list[Graph], order: list[int]) -> None:
    world = DeviceWorld(sizes, order)
    for graph in graphs:
        assert world.compute(fitting(graph, sizes)) is None
    assert world.n_on_cpu == 0 or sizes.threshold is not None
    assert world.n_racked == 0 or sizes.staged
    world.end()


@given(SIZES, st.lists(st.tuples(ROUTED, st.sets(KEY, max_size=6), st.sets(st.integers(0, 9))), min_size=1), ORDER)
@settings(max_examples=200)
def test_what_could_not_be_had_is_whole_the_next_time(
    sizes: Sizes, steps: list[tuple[Graph, set[ExpertKey], set[int]]], order: list[int]
) -> None:
    """Experts cannot be read, and some of the copies to and from the device are refused; then neither is."""
    world = DeviceWorld(sizes, order)
    for graph, broken, refused in steps:
        copies = iter(range(1 << 20))
        world.disk.broken = broken
        world.blocks.refuses = lambda copies=copies, refused=refused: next(copies) in refused  # type: ignore[misc]
        error = world.compute(fitting(graph, sizes))
        assert error is None or isinstance(error, (ExpertReadError, DeviceError) if refused else ExpertReadError)
        world.disk.broken, world.blocks.refuses = set(), lambda: False
        assert world.compute(fitting(graph, sizes)) is None
    world.end()
