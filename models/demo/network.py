"""The demo network in PyTorch: the ``qwen3moe`` architecture exactly as llama.cpp computes it.

``python -m models.demo.reference`` compares its fast parts with plain ones, values and gradients.

Rows of different lengths lie one after another in one flat line of tokens; only the attention looks at rows, in groups of
about the same length, padded at the end, where causal attention never looks.

Source: llama.cpp, src/models/qwen3moe.cpp and ``build_moe_ffn`` in src/llama-graph.cpp: RMS norms before attention and
experts, normalised queries and keys, NEOX rotary positions, softmax over all experts, the weights of the chosen ones
scaled to sum to one, SwiGLU experts, embedding and output tied.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from models.demo.experts import ExpertMlp, activate, activate_backward

ROWS_PER_GROUP = 8
LOSS_CHUNK_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network, spelt as GGUF spells them."""

    n_vocab: int
    n_embd: int = 256
    n_layer: int = 8
    n_head: int = 4
    n_head_kv: int = 2
    head_dim: int = 64
    n_expert: int = 32
    n_expert_used: int = 4
    n_ff_exp: int = 256
    n_ctx: int = 2048
    rope_freq_base: float = 10_000.0
    rms_eps: float = 1e-6


@dataclass(frozen=True, slots=True)
class Rows:
    """Where rows of several lengths lie in a flat line of tokens.

    ``positions`` [token] counts from a row's start. ``groups`` are the rows of about one length, each [row, length] with
    the token's index, or the number of tokens where a row has ended. ``places`` [token] finds a token again among the
    groups laid flat one after another.
    """

    positions: Tensor
    groups: tuple[Tensor, ...]
    places: Tensor

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device | None = None) -> "Rows":
        """Lay out rows of ``lengths``, one after another."""
        size = torch.tensor(lengths)
        n_token = int(size.sum())
        starts = size.cumsum(0) - size
        positions = torch.arange(n_token) - starts.repeat_interleave(size)
        groups = []
        for some in size.argsort(stable=True).split(ROWS_PER_GROUP):
            column = torch.arange(int(size[some].max()))
            group = starts[some, None] + column
            groups.append(group.masked_fill(column >= size[some, None], n_token))
        flat = torch.cat([group.flatten() for group in groups])
        there = (flat < n_token).nonzero().flatten()
        places = torch.empty(n_token, dtype=torch.long)
        places[flat[there]] = there
        return cls(positions.to(device), tuple(group.to(device) for group in groups), places.to(device))


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


def rotated(x: Tensor, norm: Tensor, cos: Tensor, sin: Tensor, eps: float) -> Tensor:
    """Normalise ``x`` [token, head, head_dim] and turn its pairs (i, i + head_dim/2) by their position's angle."""
    first, second = rms_norm(x.float(), norm, eps).chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


def queries_keys_values(
    qkv: Tensor, q_norm: Tensor, k_norm: Tensor, cos: Tensor, sin: Tensor, n_head: int, n_kv: int, eps: float
) -> Tensor:
    """Return ``qkv`` [token, all heads * head_dim] with queries and keys normalised and turned."""
    heads = qkv.view(len(qkv), n_head + 2 * n_kv, -1)
    q, k, v = heads.split((n_head, n_kv, n_kv), 1)
    turned = (rotated(q, q_norm, cos, sin, eps).to(qkv.dtype), rotated(k, k_norm, cos, sin, eps).to(qkv.dtype), v)
    return torch.cat(turned, 1).view_as(qkv)


def router_choice(x: Tensor, router: Tensor, n_used: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the weights and ids of the chosen experts [token, n_used], all probabilities' mean, and the z loss."""
    logits = x.float() @ router.t()
    probability = logits.softmax(-1)
    weight, chosen = probability.topk(n_used, -1)
    return weight / weight.sum(-1, keepdim=True), chosen, probability.mean(0), logits.logsumexp(-1).pow(2).mean()


def loss_gradient(logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weighted sum of the negative log-likelihoods and its gradient: ``logits`` [token, n_vocab]."""
    log_likelihood = logits.float().log_softmax(-1)
    hit = torch.arange(logits.shape[-1], device=logits.device) == targets[:, None]
    loss = -(log_likelihood.gather(1, targets[:, None])[:, 0] * weights).sum()
    return loss, ((log_likelihood.exp() - hit.float()) * weights[:, None]).to(logits.dtype)


@dataclass(frozen=True, slots=True)
class Kernels:
    """The parts made of many small steps over large tensors, plain or compiled into one pass each."""

    norm: Callable[..., Tensor] = rms_norm
    queries_keys_values: Callable[..., Tensor] = queries_keys_values
    router_choice: Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]] = router_choice
    activate: Callable[..., Tensor] = activate
    activate_backward: Callable[..., tuple[Tensor, Tensor, Tensor]] = activate_backward
    loss_gradient: Callable[..., tuple[Tensor, Tensor]] = loss_gradient

    @classmethod
    def compiled(cls) -> "Kernels":
        """Return kernels that ``torch.compile`` fuses; a CPU needs a C++ compiler for it."""
        fuse = torch.compile(dynamic=False)
        return cls(
            *map(fuse, (rms_norm, queries_keys_values, router_choice, activate, activate_backward, loss_gradient))
        )


class _Take(torch.autograd.Function):
    """Take tokens by index into a padded layout, or back: each way is the other's gradient, and no sum is needed."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return _taken(x, there)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (back,) = ctx.saved_tensors
        return _taken(grads[0], back), None, None


def _taken(x: Tensor, index: Tensor) -> Tensor:
    """Take rows of ``x``; the index after the last one gives zeros."""
    return torch.cat((x, x.new_zeros(1, x.shape[1]))).index_select(0, index)


class _CausalAttention(torch.autograd.Function):
    """Causal attention by plain batched products: on a CPU, for short rows in bfloat16, the fastest there is."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Map queries, keys and values [batch, token, head_dim] to the mixed values."""
        n_token = q.shape[1]
        future = torch.full((n_token, n_token), float("-inf"), dtype=q.dtype, device=q.device).triu(1)
        share = torch.baddbmm(future, q, k.mT, alpha=q.shape[-1] ** -0.5).softmax(-1)
        ctx.save_for_backward(q, k, v, share)
        return share @ v

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of queries, keys and values."""
        q, k, v, share = ctx.saved_tensors
        grad = grads[0]
        scores = torch._softmax_backward_data(grad @ v.mT, share, -1, share.dtype)
        scores *= q.shape[-1] ** -0.5
        return scores @ k, scores.mT @ q, share.mT @ grad


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return the mixed values: queries [row, head, token, head_dim], keys and values with fewer heads."""
    group = q.shape[1] // k.shape[1]
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    k, v = (t.repeat_interleave(group, 1).flatten(0, 1) for t in (k, v))
    mixed: Tensor = _CausalAttention.apply(q.flatten(0, 1), k, v)
    return mixed.view_as(q)


class Attention(nn.Module):
    """Causal attention with grouped key and value heads and normalised queries and keys."""

    def __init__(self, shape: Shape, kernels: Kernels) -> None:
        super().__init__()
        self.shape, self.kernels = shape, kernels
        self.qkv = nn.Parameter(torch.randn((shape.n_head + 2 * shape.n_head_kv) * shape.head_dim, shape.n_embd) * 0.02)
        scale = 0.02 / (2 * shape.n_layer) ** 0.5
        self.output = nn.Parameter(torch.randn(shape.n_embd, shape.n_head * shape.head_dim) * scale)
        self.q_norm = nn.Parameter(torch.ones(shape.head_dim))
        self.k_norm = nn.Parameter(torch.ones(shape.head_dim))

    def forward(self, x: Tensor, rows: Rows, cos: Tensor, sin: Tensor) -> Tensor:
        """Map [token, n_embd] to the same."""
        s = self.shape
        qkv = self.kernels.queries_keys_values(
            x @ self.qkv.t(), self.q_norm, self.k_norm, cos, sin, s.n_head, s.n_head_kv, s.rms_eps
        )
        padded = torch.cat([group.flatten() for group in rows.groups])
        parts = _Take.apply(qkv, padded, rows.places).split([group.numel() for group in rows.groups])
        mixed = []
        for group, part in zip(rows.groups, parts, strict=True):
            heads = part.view(*group.shape, -1, s.head_dim).transpose(1, 2)
            attended = causal_attention(*heads.split((s.n_head, s.n_head_kv, s.n_head_kv), 1))
            mixed.append(attended.transpose(1, 2).reshape(group.numel(), -1))
        back: Tensor = _Take.apply(torch.cat(mixed), rows.places, padded)
        return back @ self.output.t()


class Experts(nn.Module):
    """The routed experts of a layer. The router stays in float32, as llama.cpp keeps it."""

    def __init__(self, shape: Shape, kernels: Kernels) -> None:
        super().__init__()
        self.shape, self.kernels = shape, kernels
        n_expert, n_ff, n_embd = shape.n_expert, shape.n_ff_exp, shape.n_embd
        self.router = nn.Parameter(torch.randn(n_expert, n_embd) * 0.02)
        self.gate_up = nn.Parameter(torch.randn(n_expert, 2 * n_ff, n_embd) * 0.02)
        self.down = nn.Parameter(torch.randn(n_expert, n_embd, n_ff) * 0.02 / (2 * shape.n_layer) ** 0.5)

    def forward(self, x: Tensor, losses: RouterLosses) -> Tensor:
        """Map [token, n_embd] to the same and add this layer's router losses to ``losses``."""
        s, kernels = self.shape, self.kernels
        weight, chosen, probability, z = kernels.router_choice(x, self.router, s.n_expert_used)
        share = chosen.reshape(-1).bincount(minlength=s.n_expert).float() / chosen.numel()
        losses.balance = losses.balance + s.n_expert * (share * probability).sum()
        losses.z = losses.z + z
        losses.share.append(share)
        out: Tensor = ExpertMlp.apply(
            x, weight, chosen, self.gate_up, self.down, kernels.activate, kernels.activate_backward
        )
        return out


class _WeightedLoss(torch.autograd.Function):
    """The loss over the vocabulary, some tokens at a time: logits and their gradient never leave the cache whole."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, embedding: Tensor, targets: Tensor, weights: Tensor, kernel: Callable[..., Any]
    ) -> Tensor:
        """Return the mean negative log-likelihood (nats per token) under ``weights`` [token]."""
        weights = weights / weights.sum()
        grad_hidden = torch.empty_like(hidden)
        grad_embedding = torch.zeros_like(embedding, dtype=torch.float32)
        total = hidden.new_zeros((), dtype=torch.float32)
        for start in range(0, len(hidden), LOSS_CHUNK_TOKENS):
            some = slice(start, start + LOSS_CHUNK_TOKENS)
            loss, grad = kernel(hidden[some] @ embedding.t(), targets[some], weights[some])
            total += loss
            grad_hidden[some] = grad @ embedding
            grad_embedding += grad.t() @ hidden[some]
        ctx.save_for_backward(grad_hidden, grad_embedding.to(embedding.dtype))
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of hidden and embedding."""
        grad_hidden, grad_embedding = ctx.saved_tensors
        return grad_hidden * grads[0], grad_embedding * grads[0], None, None, None


class Network(nn.Module):
    """The whole model: ids in, hidden states, loss or logits out. It computes in the type of its embedding."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape, kernels: Kernels | None = None) -> None:
        super().__init__()
        self.shape = shape
        self.kernels = kernels or Kernels()
        self.embedding = nn.Parameter(torch.randn(shape.n_vocab, shape.n_embd) * 0.02)
        self.attention_norms = nn.ParameterList(torch.ones(shape.n_embd) for _ in range(shape.n_layer))
        self.attentions = nn.ModuleList(Attention(shape, self.kernels) for _ in range(shape.n_layer))
        self.expert_norms = nn.ParameterList(torch.ones(shape.n_embd) for _ in range(shape.n_layer))
        self.experts = nn.ModuleList(Experts(shape, self.kernels) for _ in range(shape.n_layer))
        self.output_norm = nn.Parameter(torch.ones(shape.n_embd))
        cos, sin = rotary_table(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def hidden(self, ids: Tensor, rows: Rows) -> tuple[Tensor, RouterLosses]:
        """Map ids [token] to normalised hidden states [token, n_embd] and the router losses, summed over layers."""
        losses = RouterLosses(self.cos.new_zeros(()), self.cos.new_zeros(()), [])
        norm, eps = self.kernels.norm, self.shape.rms_eps
        cos, sin = self.cos[rows.positions], self.sin[rows.positions]
        x = F.embedding(ids, self.embedding)
        for a_norm, attention, e_norm, experts in zip(
            self.attention_norms, self.attentions, self.expert_norms, self.experts, strict=True
        ):
            x = x + attention(norm(x, a_norm, eps), rows, cos, sin)
            x = x + experts(norm(x, e_norm, eps), losses)
        return norm(x, self.output_norm, eps), losses

    def loss(self, ids: Tensor, rows: Rows, targets: Tensor, weights: Tensor) -> tuple[Tensor, RouterLosses]:
        """Return the mean loss (nats per token) of predicting ``targets`` under ``weights``, all [token]."""
        hidden, losses = self.hidden(ids, rows)
        loss: Tensor = _WeightedLoss.apply(hidden, self.embedding, targets, weights, self.kernels.loss_gradient)
        return loss, losses

    def forward(self, ids: Tensor) -> tuple[Tensor, RouterLosses]:
        """Return logits [row, token, n_vocab] for ids [row, token], and the router losses."""
        hidden, losses = self.hidden(ids.flatten(), Rows.of([ids.shape[1]] * ids.shape[0], ids.device))
        return (hidden @ self.embedding.t()).view(*ids.shape, -1), losses
