"""Routers read from a model file: tensors, types and rules of architectures, and one sentence where it is not known."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType

from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.errors import ModelFileError, OffloadError
from offload.gguf_header import GgufHeader, MetadataValue, read_gguf_header
from offload.routing.router import Gating
from offload.routing.router_weights import read_gates


def header_of(folder: Path, architecture: TinyArchitecture, **metadata: MetadataValue) -> GgufHeader:
    """Build a model, and return its header with more metadata of the architecture."""
    header = read_gguf_header(build_tiny_model(folder / "model.gguf", architecture))
    return with_metadata(header, {f"{header.architecture}.{key}": value for key, value in metadata.items()})


def with_metadata(header: GgufHeader, metadata: Mapping[str, MetadataValue]) -> GgufHeader:
    return replace(header, metadata={**header.metadata, **metadata})


def test_weights_and_norms_are_those_of_the_file(tmp_path: Path) -> None:
    header = header_of(tmp_path, TinyArchitecture.QWEN3MOE)
    tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(header.files[0]).tensors}
    second, first = read_gates(header, [1, 0])
    np.testing.assert_array_equal(second.router.weight, tensors["blk.1.ffn_gate_inp.weight"])
    np.testing.assert_array_equal(first.gain, tensors["blk.0.ffn_norm.weight"])
    assert first.shift is None


def test_weights_of_a_split_model_are_read_from_their_part(tmp_path: Path) -> None:
    whole = read_gguf_header(build_tiny_model(tmp_path / "whole.gguf", TinyArchitecture.QWEN3MOE))
    split = read_gguf_header(build_tiny_model(tmp_path / "split.gguf", TinyArchitecture.QWEN3MOE, split=3))
    for one, other in zip(read_gates(whole, range(3)), read_gates(split, range(3)), strict=True):
        np.testing.assert_array_equal(one.router.weight, other.router.weight)
        np.testing.assert_array_equal(one.gain, other.gain)


def test_gpt_oss_has_a_bias_and_the_norm_after_attention(tmp_path: Path) -> None:
    header = header_of(tmp_path, TinyArchitecture.GPT_OSS)
    tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(header.files[0]).tensors}
    (gate,) = read_gates(header, [2])
    assert gate.router.gating is Gating.SOFTMAX_WEIGHT
    np.testing.assert_array_equal(gate.router.logit_bias, tensors["blk.2.ffn_gate_inp.bias"])
    np.testing.assert_array_equal(gate.gain, tensors["blk.2.post_attention_norm.weight"])


def test_deepseek_has_sigmoid_groups_and_a_bias_of_the_choice(tmp_path: Path) -> None:
    (gate,) = read_gates(header_of(tmp_path, TinyArchitecture.DEEPSEEK2), [1])
    router = gate.router
    assert (router.gating, router.n_group, router.n_group_used) == (Gating.SIGMOID, 4, 2)
    assert router.choice_bias is not None


def test_deepseek_without_a_stated_gating_has_softmax(tmp_path: Path) -> None:
    header = header_of(tmp_path, TinyArchitecture.DEEPSEEK2, expert_gating_func=0)
    assert read_gates(header, [1])[0].router.gating is Gating.SOFTMAX


def test_a_stated_gating_is_ignored_where_llama_cpp_ignores_it(tmp_path: Path) -> None:
    header = header_of(tmp_path, TinyArchitecture.QWEN3MOE, expert_gating_func=2)
    assert read_gates(header, [1])[0].router.gating is Gating.SOFTMAX


@pytest.mark.parametrize("name", ["llama4", "gemma4", "never-heard-of"])
def test_an_architecture_that_is_not_known_is_said_to_be_so(tmp_path: Path, name: str) -> None:
    header = with_metadata(header_of(tmp_path, TinyArchitecture.MIXTRAL), {"general.architecture": name})
    with pytest.raises(OffloadError, match=f"no gate-ahead forecasts for this model: .*{name}"):
        read_gates(header, [0])


def test_a_gating_that_is_not_known_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(OffloadError, match="expert_gating_func 4, is not known"):
        read_gates(header_of(tmp_path, TinyArchitecture.DEEPSEEK2, expert_gating_func=4), [1])


def test_a_gating_that_the_file_must_say_and_does_not_is_said_to_be_missing(tmp_path: Path) -> None:
    header = header_of(tmp_path, TinyArchitecture.MIXTRAL)
    metadata = {key.replace("llama.", "dots1."): value for key, value in header.metadata.items()}
    header = replace(header, metadata={**metadata, "general.architecture": "dots1"})
    with pytest.raises(OffloadError, match="does not say which gating"):
        read_gates(header, [0])


def test_a_layer_without_router_is_an_error_that_names_the_tensor(tmp_path: Path) -> None:
    header = header_of(tmp_path, TinyArchitecture.DEEPSEEK2)
    with pytest.raises(ModelFileError, match=r"blk\.0\.ffn_gate_inp\.weight: The tensor is not there"):
        read_gates(header, [0])


def test_a_file_that_was_cut_short_is_an_error_that_names_the_tensor(tmp_path: Path) -> None:
    header = header_of(tmp_path, TinyArchitecture.QWEN3MOE)
    info = header.tensors["blk.2.ffn_gate_inp.weight"]
    header.files[0].write_bytes(header.files[0].read_bytes()[: info.offset + 100])
    with pytest.raises(ModelFileError, match=r"blk\.2\.ffn_gate_inp\.weight.*ends after 100 of 8192 bytes"):
        read_gates(header, [2])


TYPES = {
    GGMLQuantizationType.F32: 0.0,
    GGMLQuantizationType.F16: 1e-3,
    GGMLQuantizationType.BF16: 1e-2,
    GGMLQuantizationType.Q8_0: 2e-2,
}
"""With the error that rounding to them makes, relative to the largest value."""


def model_with_router(path: Path, weight: np.ndarray, tensor_type: GGMLQuantizationType) -> GgufHeader:
    """Write a file that is no more than one router of one layer, its norm, and what a header must say."""
    writer = gguf.GGUFWriter(path, "qwen3moe")
    writer.add_block_count(1)
    writer.add_expert_count(weight.shape[0])
    writer.add_expert_used_count(2)
    writer.add_tensor("blk.0.ffn_norm.weight", np.ones(weight.shape[1], np.float32))
    quantized = gguf.quants.quantize(weight, tensor_type)
    writer.add_tensor("blk.0.ffn_gate_inp.weight", quantized, raw_dtype=tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return read_gguf_header(path)


@pytest.mark.parametrize(("tensor_type", "error"), TYPES.items(), ids=lambda value: str(getattr(value, "name", "")))
def test_routers_of_these_types_are_read(tmp_path: Path, tensor_type: GGMLQuantizationType, error: float) -> None:
    weight = np.random.default_rng(0).standard_normal((8, 64)).astype(np.float32)
    (gate,) = read_gates(model_with_router(tmp_path / "model.gguf", weight, tensor_type), [0])
    assert gate.router.weight.dtype == np.float32
    np.testing.assert_allclose(gate.router.weight, weight, atol=error * np.abs(weight).max(), rtol=0)


def test_a_router_of_another_type_is_said_to_be_so(tmp_path: Path) -> None:
    weight = np.ones((8, 64), np.float32)
    header = model_with_router(tmp_path / "model.gguf", weight, GGMLQuantizationType.Q4_0)
    with pytest.raises(OffloadError, match="stored as Q4_0, which is not read here"):
        read_gates(header, [0])


def test_a_router_of_another_number_of_experts_is_an_error(tmp_path: Path) -> None:
    header = model_with_router(tmp_path / "model.gguf", np.ones((8, 64), np.float32), GGMLQuantizationType.F32)
    with pytest.raises(ModelFileError, match="does not fit 16 experts"):
        read_gates(with_metadata(header, {"qwen3moe.expert_count": 16}), [0])
