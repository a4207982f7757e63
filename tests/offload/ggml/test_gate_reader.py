"""Gates are read off the graph where they were before, and searched for where they are not."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.paged_runs import gguf_model, paged_context, prompt_and_answer
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.ggml.abi import Tensor
from offload.ggml.gate_reader import GateReader
from offload.ggml.graph_memory import HostGraphMemory
from offload.ggml.graph_walk import GraphWalk

MOE = [architecture for architecture in TinyArchitecture if architecture.is_moe]
Read = tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]


class Watching:
    """Has gates read."""

    reads_gates = True

    def routed(self, layer: int, experts: object, weights: object, inputs: object) -> None: ...


def same(one: Read, other: Read) -> bool:
    return all(
        (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b))
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("architecture", MOE, ids=lambda architecture: architecture.name.lower())
def test_what_is_remembered_reads_what_a_search_finds(
    tmp_path: Path, architecture: TinyArchitecture, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bool] = []
    read = GateReader.read

    def read_twice(
        self: GateReader, walk: GraphWalk, layer: int, position: int, node: Tensor, shape: tuple[int, ...]
    ) -> Read:
        found = read(self, walk, layer, position, node, shape)
        compared.append(same(found, read(GateReader(HostGraphMemory()), walk, layer, position, node, shape)))
        return found

    monkeypatch.setattr(GateReader, "read", read_twice)
    path = build_tiny_model(tmp_path / "model.gguf", architecture, ExpertTypes.Q4_K, n_expert=16)
    with paged_context(gguf_model(path), 16) as (paged, context):
        paged.weights.observers.append(Watching())
        prompt_and_answer(context)
    assert len(compared) > 10
    assert all(compared)


@pytest.mark.parametrize("places", [(2, 3), (1,), (4000,)])
def test_a_layer_is_searched_again_where_something_else_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places: tuple[int, ...]
) -> None:
    compared: list[bool] = []
    read = GateReader.read

    def misled(
        self: GateReader, walk: GraphWalk, layer: int, position: int, node: Tensor, shape: tuple[int, ...]
    ) -> Read:
        self._ahead[layer] = places
        found = read(self, walk, layer, position, node, shape)
        compared.append(same(found, read(GateReader(HostGraphMemory()), walk, layer, position, node, shape)))
        return found

    monkeypatch.setattr(GateReader, "read", misled)
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_K, n_expert=16)
    with paged_context(gguf_model(path), 16) as (paged, context):
        paged.weights.observers.append(Watching())
        prompt_and_answer(context)
    assert len(compared) > 10
    assert all(compared)
