"""The tiny models themselves: llama.cpp loads them, and what they compute depends on every token and expert."""

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, quants
from numpy.typing import NDArray

from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from fakes.tiny_reference import plain_llama
from fakes.tiny_tokenizer import CHAT_TEMPLATE, TURN_END, tiny_vocabulary
from fakes.tiny_weights import random_tensor

_MOE = [architecture for architecture in TinyArchitecture if architecture.is_moe]
_PROMPT = range(40, 48)


def highest_correlation(rows: NDArray[np.float32]) -> float:
    correlation = np.asarray(np.corrcoef(rows))
    return float(correlation[np.triu_indices(len(rows), 1)].max())


def expert_types_by_tensor(path: Path) -> dict[str, GGMLQuantizationType]:
    return {
        str(tensor.name): GGMLQuantizationType(tensor.tensor_type)
        for tensor in GGUFReader(path).tensors
        if tensor.name.endswith("_exps.weight")
    }


@pytest.mark.parametrize("architecture", TinyArchitecture)
def test_every_token_of_a_batch_gets_finite_logits_of_its_own(tmp_path: Path, architecture: TinyArchitecture) -> None:
    with plain_llama(build_tiny_model(tmp_path / "model.gguf", architecture)) as model:
        logits = model.decode(_PROMPT).logits
    assert np.isfinite(logits).all()
    assert highest_correlation(logits) < 0.9


@pytest.mark.parametrize("architecture", TinyArchitecture)
def test_tokens_decoded_one_by_one_get_finite_logits_of_their_own(
    tmp_path: Path, architecture: TinyArchitecture
) -> None:
    with plain_llama(build_tiny_model(tmp_path / "model.gguf", architecture)) as model:
        logits = np.concatenate([model.decode([token]).logits for token in (7, 99, 250)])
    assert np.isfinite(logits).all()
    assert highest_correlation(logits) < 0.9


@pytest.mark.parametrize("architecture", _MOE)
def test_routing_differs_between_tokens_in_every_layer_with_experts(
    tmp_path: Path, architecture: TinyArchitecture
) -> None:
    with plain_llama(build_tiny_model(tmp_path / "model.gguf", architecture)) as model:
        routes = model.decode(_PROMPT).routes
    assert sorted(routes) == list(range(architecture.n_leading_dense, 3))
    for routed in routes.values():
        assert routed.shape == (len(_PROMPT), 2)
        assert len(np.unique(routed)) > 4


@pytest.mark.parametrize("architecture", _MOE)
def test_more_experts_can_be_asked_for(tmp_path: Path, architecture: TinyArchitecture) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", architecture, n_layer=4, n_expert=16, n_expert_used=4)
    with plain_llama(path) as model:
        batch = model.decode(_PROMPT)
    assert np.isfinite(batch.logits).all()
    assert max(int(routed.max()) for routed in batch.routes.values()) >= 8


@pytest.mark.parametrize("experts", ExpertTypes)
@pytest.mark.parametrize("architecture", [TinyArchitecture.QWEN3MOE, TinyArchitecture.GPT_OSS])
def test_every_expert_type_computes_finite_logits(
    tmp_path: Path, architecture: TinyArchitecture, experts: ExpertTypes
) -> None:
    with plain_llama(build_tiny_model(tmp_path / "model.gguf", architecture, experts)) as model:
        logits = model.decode(_PROMPT).logits
    assert np.isfinite(logits).all()
    assert logits.std() > 1


@pytest.mark.parametrize("experts", [experts for experts in ExpertTypes if experts is not ExpertTypes.MIXED])
def test_experts_have_the_type_asked_for(tmp_path: Path, experts: ExpertTypes) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.OLMOE, experts)
    assert set(expert_types_by_tensor(path).values()) == {experts.value}


def test_mixed_experts_differ_between_layers_and_between_gate_and_up(tmp_path: Path) -> None:
    types = expert_types_by_tensor(
        build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.MIXED)
    )
    assert types["blk.0.ffn_down_exps.weight"] is GGMLQuantizationType.Q4_K
    assert types["blk.1.ffn_down_exps.weight"] is GGMLQuantizationType.Q6_K
    assert types["blk.2.ffn_gate_exps.weight"] is GGMLQuantizationType.Q4_K
    assert types["blk.2.ffn_up_exps.weight"] is GGMLQuantizationType.Q8_0


def test_fused_architecture_holds_gate_and_up_in_one_tensor(tmp_path: Path) -> None:
    types = expert_types_by_tensor(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DEEPSEEK2_FUSED))
    assert set(types) == {f"blk.{layer}.ffn_{kind}_exps.weight" for layer in (1, 2) for kind in ("gate_up", "down")}


def test_same_arguments_write_the_same_bytes(tmp_path: Path) -> None:
    first = build_tiny_model(tmp_path / "first.gguf", TinyArchitecture.QWEN2MOE, ExpertTypes.MIXED, seed=5)
    second = build_tiny_model(tmp_path / "second.gguf", TinyArchitecture.QWEN2MOE, ExpertTypes.MIXED, seed=5)
    assert first.read_bytes() == second.read_bytes()


def test_another_seed_writes_other_weights(tmp_path: Path) -> None:
    first = build_tiny_model(tmp_path / "first.gguf", TinyArchitecture.MIXTRAL, seed=1)
    second = build_tiny_model(tmp_path / "second.gguf", TinyArchitecture.MIXTRAL, seed=2)
    assert first.read_bytes() != second.read_bytes()


def test_experts_of_one_tensor_are_all_different(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE)
    tensor = next(tensor for tensor in GGUFReader(path).tensors if tensor.name == "blk.0.ffn_up_exps.weight")
    assert len({expert.tobytes() for expert in tensor.data}) == 8


def test_split_files_compute_what_the_single_file_computes(tmp_path: Path) -> None:
    single = build_tiny_model(tmp_path / "single.gguf", TinyArchitecture.QWEN3MOE)
    split = build_tiny_model(tmp_path / "split.gguf", TinyArchitecture.QWEN3MOE, split=3)
    assert sorted(path.name for path in tmp_path.glob("split*")) == [f"split-0000{i}-of-00003.gguf" for i in (1, 2, 3)]
    assert split.name == "split-00001-of-00003.gguf"
    with plain_llama(single) as model:
        expected = model.decode(_PROMPT).logits
    with plain_llama(split) as model:
        np.testing.assert_array_equal(model.decode(_PROMPT).logits, expected)


def test_any_text_survives_the_tokenizer(tmp_path: Path) -> None:
    text = "The cat sat on the mat.\n\tÜber 42 €, 猫\x00🙂"
    with plain_llama(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DENSE)) as model:
        tokens = model.tokenize(text)
        assert b"".join(model.piece(token) for token in tokens).decode() == text
    assert len(tokens) < len(text.encode()), "common pairs are merged"


def test_chat_markers_are_single_tokens_and_the_turn_end_ends_generation(tmp_path: Path) -> None:
    vocabulary = tiny_vocabulary()
    with plain_llama(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE)) as model:
        assert model.tokenize(f"<|im_start|>{TURN_END}<|endoftext|>") == [
            vocabulary.turn_start,
            vocabulary.turn_end,
            vocabulary.end_of_text,
        ]
        assert model.metadata("tokenizer.ggml.eos_token_id") == str(vocabulary.turn_end)
        assert model.metadata("tokenizer.chat_template") == CHAT_TEMPLATE
        assert [token for token in range(model.n_vocab) if model.ends_generation(token)] == [
            vocabulary.end_of_text,
            vocabulary.turn_end,
        ]


@pytest.mark.parametrize(
    "tensor_type",
    [
        GGMLQuantizationType.Q4_0,
        GGMLQuantizationType.Q4_K,
        GGMLQuantizationType.Q6_K,
        GGMLQuantizationType.MXFP4,
        GGMLQuantizationType.BF16,
    ],
)
def test_random_weights_have_the_spread_asked_for_and_no_bias(tensor_type: GGMLQuantizationType) -> None:
    packed = random_tensor(np.random.default_rng(0), (64, 512), tensor_type, spread=0.05)
    weights = quants.dequantize(packed, tensor_type)
    assert weights.shape == (64, 512)
    # MXFP4 scales are powers of two, so its spread is only within a factor of the square root of two.
    assert 0.05 / 1.42 < weights.std() < 0.05 * 1.42
    assert abs(weights.mean()) < 0.003


def test_expert_count_that_makes_no_groups_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="4 groups"):
        build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DEEPSEEK2, n_expert=6)


def test_more_routed_experts_than_can_be_chosen_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"not in 1\.\.8"):
        build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.OLMOE, n_expert_used=9)


def test_more_files_than_tensors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be split"):
        build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.OLMOE, split=1000)
