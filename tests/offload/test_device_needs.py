"""What of a model lies in a device's memory, and the least that lies behind it."""

from pathlib import Path

import pytest

from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.demo_model import demo_model_path
from offload.device_needs import DeviceNeeds, device_dense_bytes, input_bytes, least_host_bytes
from offload.experts.store import PAGE, LayerLayout, PartLayout, WeightKind, WeightLayout
from offload.gguf_header import read_gguf_header


def layer_of(n_bytes: int) -> LayerLayout:
    kinds = WeightKind.GATE_UP, WeightKind.DOWN
    return LayerLayout(0, 8, tuple(PartLayout(kind, n_bytes, WeightLayout.PLAIN, -1) for kind in kinds))


@pytest.mark.parametrize("architecture", TinyArchitecture, ids=lambda architecture: architecture.name.lower())
def test_all_but_the_token_embedding_is_the_device_s(tmp_path: Path, architecture: TinyArchitecture) -> None:
    header = read_gguf_header(build_tiny_model(tmp_path / "model.gguf", architecture))
    embedding = header.tensors["token_embd.weight"].n_bytes
    assert "output.weight" in header.tensors
    assert input_bytes(header) == embedding
    assert device_dense_bytes(header, header.dense_bytes) == header.dense_bytes - embedding


def test_an_embedding_that_is_the_output_matrix_too_lies_in_both_memories() -> None:
    header = read_gguf_header(demo_model_path())
    assert "output.weight" not in header.tensors
    assert input_bytes(header) > 0
    assert device_dense_bytes(header, header.dense_bytes) == header.dense_bytes


def test_the_least_cache_holds_what_a_layer_routes_to_and_a_part_for_every_reader() -> None:
    layers = {0: layer_of(PAGE), 1: layer_of(3 * PAGE)}
    assert least_host_bytes(layers, n_expert_used=4, n_readers=2) == 4 * 6 * PAGE
    assert least_host_bytes(layers, n_expert_used=1, n_readers=5) == 5 * 3 * PAGE
    assert least_host_bytes({}, n_expert_used=0, n_readers=2) == 0


def test_sequences_have_caches_and_buffers_each_and_weights_together() -> None:
    needs = DeviceNeeds("CUDA0", dense_bytes=100, kv_bytes=10, compute_bytes=1, least_host_bytes=7)
    assert needs.of_sequences(3) == DeviceNeeds("CUDA0", 100, 30, 3, 7)
    assert needs.of_sequences(3).fixed_bytes == 133
