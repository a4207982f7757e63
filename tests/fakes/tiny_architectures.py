"""Which metadata and tensors each architecture's tiny model has, as llama.cpp loads them.

Every model is 256 wide with 4 heads (2 for keys and values) of 64, its experts 256 wide too: the smallest widths that
K-quants allow. Sources: src/models/*.cpp and llama-model.cpp of the pinned llama.cpp.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

N_EMBD = 256
N_FF = 256
N_HEAD, N_HEAD_KV, HEAD_DIM = 4, 2, 64
N_CTX_TRAIN = 512
MLA_NOPE, MLA_ROPE, MLA_KV_RANK, MLA_Q_RANK = 32, 32, 64, 64
N_EXPERT_GROUP, N_EXPERT_GROUP_USED = 4, 2

_INPUT_SPREAD = N_EMBD**-0.5
"""Spread of weights that keeps a normalised input's scale."""
_ROUTER_SPREAD = 2 * _INPUT_SPREAD
_DOWN_SPREAD = 4 * N_FF**-0.5
"""Larger, so that which experts were computed shows in the logits."""


class TinyArchitecture(Enum):
    """The architectures a tiny model can have."""

    QWEN3MOE = "qwen3moe"
    QWEN2MOE = "qwen2moe"
    OLMOE = "olmoe"
    MIXTRAL = "llama"
    DEEPSEEK2 = "deepseek2"
    DEEPSEEK2_FUSED = "deepseek2 with fused gate_up experts"
    GPT_OSS = "gpt-oss"
    DENSE = "qwen3"

    @property
    def gguf_name(self) -> str:
        """The value of general.architecture."""
        return self.value.split()[0]

    @property
    def is_moe(self) -> bool:
        """Whether the model has routed experts."""
        return self is not TinyArchitecture.DENSE

    @property
    def n_leading_dense(self) -> int:
        """How many of the first layers have a plain feed-forward network instead of experts."""
        return 1 if self in (TinyArchitecture.DEEPSEEK2, TinyArchitecture.DEEPSEEK2_FUSED) else 0


class TensorRole(Enum):
    """What a tensor is, which decides its type."""

    F32 = auto()
    MATRIX = auto()
    GATE_UP_EXPERTS = auto()
    UP_EXPERTS = auto()
    DOWN_EXPERTS = auto()


@dataclass(frozen=True, slots=True)
class TinyTensor:
    """One tensor to write: shape row-major, spread and mean of its random values."""

    name: str
    shape: tuple[int, ...]
    role: TensorRole
    spread: float
    mean: float = 0.0


@dataclass(frozen=True, slots=True)
class TinyShape:
    """The counts a caller chooses."""

    n_layer: int
    n_expert: int
    n_expert_used: int
    n_vocab: int


Metadata = dict[str, int | float | bool]


def tiny_metadata(architecture: TinyArchitecture, shape: TinyShape) -> Metadata:
    """Return the architecture's keys, without its name as prefix."""
    metadata: Metadata = {
        "block_count": shape.n_layer,
        "context_length": N_CTX_TRAIN,
        "embedding_length": N_EMBD,
        "feed_forward_length": N_FF,
        "attention.head_count": N_HEAD,
        "attention.head_count_kv": N_HEAD_KV,
        "attention.layer_norm_rms_epsilon": 1e-6,
        "rope.freq_base": 10000.0,
        "vocab_size": shape.n_vocab,
    }
    if architecture.is_moe:
        metadata |= {"expert_count": shape.n_expert, "expert_used_count": shape.n_expert_used}
    match architecture:
        case TinyArchitecture.QWEN3MOE:
            metadata |= {**_HEAD_KEYS, "expert_feed_forward_length": N_FF}
        case TinyArchitecture.QWEN2MOE:
            metadata |= {"expert_feed_forward_length": N_FF, "expert_shared_feed_forward_length": 2 * N_FF}
        case TinyArchitecture.MIXTRAL:
            metadata |= {"rope.dimension_count": HEAD_DIM}
        case TinyArchitecture.DEEPSEEK2 | TinyArchitecture.DEEPSEEK2_FUSED:
            metadata |= _DEEPSEEK2_KEYS
        case TinyArchitecture.GPT_OSS:
            metadata |= {**_HEAD_KEYS, "expert_feed_forward_length": N_FF, "attention.sliding_window": 4}
        case TinyArchitecture.DENSE:
            metadata |= _HEAD_KEYS
        case TinyArchitecture.OLMOE:
            metadata |= {"attention.head_count_kv": N_HEAD}
    return metadata


_HEAD_KEYS: Metadata = {"attention.key_length": HEAD_DIM, "attention.value_length": HEAD_DIM}
_DEEPSEEK2_KEYS: Metadata = {
    # Multi-head latent attention stores one compressed head; the *_mla lengths are those of the decompressed heads.
    "attention.head_count_kv": 1,
    "attention.key_length": MLA_KV_RANK + MLA_ROPE,
    "attention.value_length": MLA_KV_RANK,
    "attention.key_length_mla": MLA_NOPE + MLA_ROPE,
    "attention.value_length_mla": HEAD_DIM,
    "attention.q_lora_rank": MLA_Q_RANK,
    "attention.kv_lora_rank": MLA_KV_RANK,
    "rope.dimension_count": MLA_ROPE,
    "leading_dense_block_count": 1,
    "feed_forward_length": 2 * N_FF,
    "expert_feed_forward_length": N_FF,
    "expert_shared_count": 1,
    "expert_group_count": N_EXPERT_GROUP,
    "expert_group_used_count": N_EXPERT_GROUP_USED,
    "expert_weights_norm": True,
    "expert_weights_scale": 2.5,
    "expert_gating_func": 2,  # sigmoid, the one of DeepSeek V3
}


def tiny_tensors(architecture: TinyArchitecture, shape: TinyShape) -> Iterator[TinyTensor]:
    """Yield the tensors in file order."""
    yield TinyTensor("token_embd.weight", (shape.n_vocab, N_EMBD), TensorRole.MATRIX, 1.0)
    yield _norm("output_norm.weight")
    yield TinyTensor("output.weight", (shape.n_vocab, N_EMBD), TensorRole.MATRIX, 3 * _INPUT_SPREAD)
    for layer in range(shape.n_layer):
        prefix = f"blk.{layer}."
        yield from _ATTENTION[architecture](prefix)
        if not architecture.is_moe or layer < architecture.n_leading_dense:
            n_ff = N_FF * (2 if architecture.n_leading_dense else 1)
            yield _norm(prefix + "ffn_norm.weight")
            yield from _feed_forward(prefix, "", n_ff)
        else:
            yield from _experts(architecture, prefix, shape.n_expert)


def _norm(name: str, width: int = N_EMBD) -> TinyTensor:
    return TinyTensor(name, (width,), TensorRole.F32, 0.1, mean=1.0)


def _bias(name: str, *shape: int) -> TinyTensor:
    return TinyTensor(name, shape, TensorRole.F32, 0.1)


def _matrix(name: str, *shape: int) -> TinyTensor:
    return TinyTensor(name, shape, TensorRole.MATRIX, shape[-1] ** -0.5)


def _feed_forward(prefix: str, suffix: str, n_ff: int) -> Iterator[TinyTensor]:
    for kind in ("gate", "up"):
        yield _matrix(f"{prefix}ffn_{kind}{suffix}.weight", n_ff, N_EMBD)
    yield _matrix(f"{prefix}ffn_down{suffix}.weight", N_EMBD, n_ff)


def _plain_attention(prefix: str) -> Iterator[TinyTensor]:
    yield _norm(prefix + "attn_norm.weight")
    for kind, n_head in (("q", N_HEAD), ("k", N_HEAD_KV), ("v", N_HEAD_KV)):
        yield _matrix(f"{prefix}attn_{kind}.weight", n_head * HEAD_DIM, N_EMBD)
    yield _matrix(prefix + "attn_output.weight", N_EMBD, N_HEAD * HEAD_DIM)


def _biased_attention(prefix: str) -> Iterator[TinyTensor]:
    yield from _plain_attention(prefix)
    for kind, n_head in (("q", N_HEAD), ("k", N_HEAD_KV), ("v", N_HEAD_KV)):
        yield _bias(f"{prefix}attn_{kind}.bias", n_head * HEAD_DIM)


def _head_normed_attention(prefix: str) -> Iterator[TinyTensor]:
    yield from _plain_attention(prefix)
    yield _norm(prefix + "attn_q_norm.weight", HEAD_DIM)
    yield _norm(prefix + "attn_k_norm.weight", HEAD_DIM)


def _width_normed_attention(prefix: str) -> Iterator[TinyTensor]:
    # OLMoE normalises queries and keys over all heads at once, with as many key heads as heads.
    yield _norm(prefix + "attn_norm.weight")
    for kind in ("q", "k", "v", "output"):
        yield _matrix(f"{prefix}attn_{kind}.weight", N_EMBD, N_EMBD)
    yield _norm(prefix + "attn_q_norm.weight")
    yield _norm(prefix + "attn_k_norm.weight")


def _sink_attention(prefix: str) -> Iterator[TinyTensor]:
    yield from _biased_attention(prefix)
    yield _bias(prefix + "attn_output.bias", N_EMBD)
    yield TinyTensor(prefix + "attn_sinks.weight", (N_HEAD,), TensorRole.F32, 1.0)


def _latent_attention(prefix: str) -> Iterator[TinyTensor]:
    yield _norm(prefix + "attn_norm.weight")
    yield _matrix(prefix + "attn_q_a.weight", MLA_Q_RANK, N_EMBD)
    yield _norm(prefix + "attn_q_a_norm.weight", MLA_Q_RANK)
    yield _matrix(prefix + "attn_q_b.weight", N_HEAD * (MLA_NOPE + MLA_ROPE), MLA_Q_RANK)
    yield _matrix(prefix + "attn_kv_a_mqa.weight", MLA_KV_RANK + MLA_ROPE, N_EMBD)
    yield _norm(prefix + "attn_kv_a_norm.weight", MLA_KV_RANK)
    yield _matrix(prefix + "attn_k_b.weight", N_HEAD, MLA_KV_RANK, MLA_NOPE)
    yield _matrix(prefix + "attn_v_b.weight", N_HEAD, HEAD_DIM, MLA_KV_RANK)
    yield _matrix(prefix + "attn_output.weight", N_EMBD, N_HEAD * HEAD_DIM)


_ATTENTION: dict[TinyArchitecture, Callable[[str], Iterator[TinyTensor]]] = {
    TinyArchitecture.QWEN3MOE: _head_normed_attention,
    TinyArchitecture.QWEN2MOE: _biased_attention,
    TinyArchitecture.OLMOE: _width_normed_attention,
    TinyArchitecture.MIXTRAL: _plain_attention,
    TinyArchitecture.DEEPSEEK2: _latent_attention,
    TinyArchitecture.DEEPSEEK2_FUSED: _latent_attention,
    TinyArchitecture.GPT_OSS: _sink_attention,
    TinyArchitecture.DENSE: _head_normed_attention,
}


def _experts(architecture: TinyArchitecture, prefix: str, n_expert: int) -> Iterator[TinyTensor]:
    norm = "post_attention_norm" if architecture is TinyArchitecture.GPT_OSS else "ffn_norm"
    yield _norm(f"{prefix}{norm}.weight")
    yield TinyTensor(prefix + "ffn_gate_inp.weight", (n_expert, N_EMBD), TensorRole.F32, _ROUTER_SPREAD)
    if architecture is TinyArchitecture.DEEPSEEK2_FUSED:
        shape = (n_expert, 2 * N_FF, N_EMBD)
        yield TinyTensor(prefix + "ffn_gate_up_exps.weight", shape, TensorRole.GATE_UP_EXPERTS, _INPUT_SPREAD)
    else:
        shape = (n_expert, N_FF, N_EMBD)
        yield TinyTensor(prefix + "ffn_gate_exps.weight", shape, TensorRole.GATE_UP_EXPERTS, _INPUT_SPREAD)
        yield TinyTensor(prefix + "ffn_up_exps.weight", shape, TensorRole.UP_EXPERTS, _INPUT_SPREAD)
    yield TinyTensor(prefix + "ffn_down_exps.weight", (n_expert, N_EMBD, N_FF), TensorRole.DOWN_EXPERTS, _DOWN_SPREAD)
    match architecture:
        case TinyArchitecture.QWEN2MOE:
            yield TinyTensor(prefix + "ffn_gate_inp_shexp.weight", (N_EMBD,), TensorRole.F32, _INPUT_SPREAD)
            yield from _feed_forward(prefix, "_shexp", 2 * N_FF)
        case TinyArchitecture.DEEPSEEK2 | TinyArchitecture.DEEPSEEK2_FUSED:
            yield _bias(prefix + "exp_probs_b.bias", n_expert)
            yield from _feed_forward(prefix, "_shexp", N_FF)
        case TinyArchitecture.GPT_OSS:
            yield _bias(prefix + "ffn_gate_inp.bias", n_expert)
            for kind, width in (("gate", N_FF), ("up", N_FF), ("down", N_EMBD)):
                yield _bias(f"{prefix}ffn_{kind}_exps.bias", n_expert, width)
        case _:
            pass
