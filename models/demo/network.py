"""The demo network in PyTorch: the ``qwen3moe`` architecture exactly as llama.cpp computes it.

Source: llama.cpp, src/models/qwen3moe.cpp and ``build_moe_ffn`` in src/llama-graph.cpp: RMS norms before attention and
experts, normalised queries and keys, NEOX rotary positions, softmax over all experts, the weights of the chosen ones
scaled to sum to one, SwiGLU experts, embedding and output tied.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network, spelt as GGUF spells them."""

    n_vocab: int
    n_embd: int = 256
    n_layer: int = 5
    n_head: int = 4
    n_head_kv: int = 2
    head_dim: int = 64
    n_expert: int = 16
    n_expert_used: int = 4
    n_ff_exp: int = 256
    n_ctx: int = 1024
    rope_freq_base: float = 10_000.0
    rms_eps: float = 1e-6


@dataclass(slots=True)
class RouterLosses:
    """What the routers add to the loss, and the share of work each expert of each layer got."""

    balance: Tensor
    z: Tensor
    share: list[Tensor]


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Return ``x`` scaled to unit mean square, times ``weight``; computed in float32."""
    x32 = x.float()
    return (x32 * torch.rsqrt(x32.pow(2).mean(-1, keepdim=True) + eps) * weight).to(x.dtype)


def rotary_table(shape: Shape) -> tuple[Tensor, Tensor]:
    """Return cos and sin, each [n_ctx, head_dim / 2]."""
    half = shape.head_dim // 2
    frequency = shape.rope_freq_base ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(shape.n_ctx, dtype=torch.float64)[:, None] * frequency
    return angle.cos().float(), angle.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn pairs (i, i + head_dim/2) of ``x`` [batch, head, token, head_dim] by their position's angle."""
    first, second = x.float().chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1).to(x.dtype)


class Attention(nn.Module):
    """Causal attention with grouped key and value heads and normalised queries and keys."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        n_kv = shape.n_head_kv * shape.head_dim
        self.q = nn.Parameter(torch.randn(shape.n_head * shape.head_dim, shape.n_embd) * 0.02)
        self.k = nn.Parameter(torch.randn(n_kv, shape.n_embd) * 0.02)
        self.v = nn.Parameter(torch.randn(n_kv, shape.n_embd) * 0.02)
        scale = 0.02 / (2 * shape.n_layer) ** 0.5
        self.output = nn.Parameter(torch.randn(shape.n_embd, shape.n_head * shape.head_dim) * scale)
        self.q_norm = nn.Parameter(torch.ones(shape.head_dim))
        self.k_norm = nn.Parameter(torch.ones(shape.head_dim))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Map [batch, token, n_embd] to the same."""
        s, (batch, n_token, _) = self.shape, x.shape
        qkv = x @ torch.cat((self.q, self.k, self.v)).to(x.dtype).t()
        q, k, v = (
            qkv.view(batch, n_token, -1, s.head_dim).transpose(1, 2).split((s.n_head, s.n_head_kv, s.n_head_kv), 1)
        )
        q = rotate(rms_norm(q, self.q_norm, s.rms_eps), cos, sin)
        k = rotate(rms_norm(k, self.k_norm, s.rms_eps), cos, sin)
        group = s.n_head // s.n_head_kv
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return mixed.transpose(1, 2).reshape(batch, n_token, -1) @ self.output.to(x.dtype).t()


class Experts(nn.Module):
    """The routed experts of a layer. Tokens are sorted by expert, so that each expert is one matrix product."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        n_expert, n_ff, n_embd = shape.n_expert, shape.n_ff_exp, shape.n_embd
        self.router = nn.Parameter(torch.randn(n_expert, n_embd) * 0.02)
        self.gate = nn.Parameter(torch.randn(n_expert, n_ff, n_embd) * 0.02)
        self.up = nn.Parameter(torch.randn(n_expert, n_ff, n_embd) * 0.02)
        self.down = nn.Parameter(torch.randn(n_expert, n_embd, n_ff) * 0.02 / (2 * shape.n_layer) ** 0.5)

    def forward(self, x: Tensor, losses: RouterLosses) -> Tensor:
        """Map [token, n_embd] to the same and add this layer's router losses to ``losses``."""
        s = self.shape
        logits = x.float() @ self.router.t()
        probability = logits.softmax(-1)
        weight, chosen = probability.topk(s.n_expert_used, -1)
        weight = weight / weight.sum(-1, keepdim=True)

        flat = chosen.reshape(-1)
        order = flat.argsort(stable=True)
        counts = flat.bincount(minlength=s.n_expert)
        share = counts.float() / flat.numel()
        losses.balance = losses.balance + s.n_expert * (share * probability.mean(0)).sum()
        losses.z = losses.z + logits.logsumexp(-1).pow(2).mean()
        losses.share.append(share)

        token = order // s.n_expert_used
        rows = x.index_select(0, token).split(counts.tolist())
        gate, up, down = (w.to(x.dtype).unbind(0) for w in (self.gate, self.up, self.down))
        parts = [(F.silu(part @ gate[e].t()) * (part @ up[e].t())) @ down[e].t() for e, part in enumerate(rows)]
        weighted = torch.cat(parts) * weight.reshape(-1).index_select(0, order).to(x.dtype)[:, None]
        return torch.zeros_like(x).index_add(0, token, weighted)


class Network(nn.Module):
    """The whole model: ids in, hidden states or logits out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.randn(shape.n_vocab, shape.n_embd) * 0.02)
        self.attention_norms = nn.ParameterList(torch.ones(shape.n_embd) for _ in range(shape.n_layer))
        self.attentions = nn.ModuleList(Attention(shape) for _ in range(shape.n_layer))
        self.expert_norms = nn.ParameterList(torch.ones(shape.n_embd) for _ in range(shape.n_layer))
        self.experts = nn.ModuleList(Experts(shape) for _ in range(shape.n_layer))
        self.output_norm = nn.Parameter(torch.ones(shape.n_embd))
        cos, sin = rotary_table(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, ids: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, RouterLosses]:
        """Return logits [batch, token, n_vocab] in ``dtype`` and the router losses, summed over layers."""
        losses = RouterLosses(torch.zeros(()), torch.zeros(()), [])
        n_token, eps = ids.shape[1], self.shape.rms_eps
        cos, sin = self.cos[:n_token], self.sin[:n_token]
        x = F.embedding(ids, self.embedding).to(dtype)
        for a_norm, attention, e_norm, experts in zip(
            self.attention_norms, self.attentions, self.expert_norms, self.experts, strict=True
        ):
            x = x + attention(rms_norm(x, a_norm, eps), cos, sin)
            x = x + experts(rms_norm(x, e_norm, eps).reshape(-1, x.shape[-1]), losses).view_as(x)
        return rms_norm(x, self.output_norm, eps) @ self.embedding.to(dtype).t(), losses
