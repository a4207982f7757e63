"""The work of a layer's chosen experts in PyTorch: one grouped matrix product for all of them, few values kept.

Tokens are sorted by expert, so that each expert works on one run of rows. The forward pass keeps the rows, what gate and
up made of them, and nothing else; the backward pass computes the rest again, because memory costs more than SwiGLU.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def activate(gate_up: Tensor, weight: Tensor) -> Tensor:
    """Return silu(gate) * up * weight: ``gate_up`` [row, 2 * n_ff], ``weight`` [row, 1] of the row's expert."""
    gate, up = gate_up.float().chunk(2, -1)
    return (F.silu(gate) * up * weight).to(gate_up.dtype)


def activate_backward(gate_up: Tensor, weight: Tensor, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what ``activate`` returned, and the gradients of ``gate_up`` and ``weight``.

    ``grad`` [row, n_ff] is the gradient of what ``activate`` returned.
    """
    gate, up = gate_up.float().chunk(2, -1)
    grad32 = grad.float()
    sigmoid = torch.sigmoid(gate)
    silu = gate * sigmoid
    plain = silu * up
    weighted = grad32 * weight
    to_gate = weighted * up * (sigmoid + silu * (1 - sigmoid))
    gate_up_grad = torch.cat((to_gate, weighted * silu), -1).to(gate_up.dtype)
    return (plain * weight).to(gate_up.dtype), gate_up_grad, (grad32 * plain).sum(-1, keepdim=True)


def grouped_product(rows: Tensor, matrices: Tensor, ends: Tensor) -> Tensor:
    """Multiply run ``e`` of ``rows`` [row, n] (it ends before row ``ends[e]``) by ``matrices[e]`` [n, m]."""
    if rows.dtype == torch.bfloat16:
        return F.grouped_mm(rows, matrices, offs=ends)
    counts = ends.diff(prepend=ends.new_zeros(1)).tolist()
    return torch.cat([run @ matrix for run, matrix in zip(rows.split(counts), matrices, strict=True)])


def grouped_outer(left: Tensor, right: Tensor, ends: Tensor) -> Tensor:
    """Return, for each run of rows, left^T @ right: ``left`` [row, n], ``right`` [row, m] give [run, n, m]."""
    if left.dtype == torch.bfloat16:
        return F.grouped_mm(left.t(), right, offs=ends)
    counts = ends.diff(prepend=ends.new_zeros(1)).tolist()
    return torch.stack([a.t() @ b for a, b in zip(left.split(counts), right.split(counts), strict=True)])


class ExpertMlp(torch.autograd.Function):
    """SwiGLU of each token's chosen experts, weighted and summed."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, chosen: Tensor, gate_up: Tensor, down: Tensor,
        act: Callable[..., Tensor], act_backward: Callable[..., tuple[Tensor, Tensor, Tensor]],
    ) -> Tensor:  # fmt: skip
        """Map ``x`` [token, n_embd] to the same; ``weight`` (float32) and ``chosen`` are [token, n_expert_used].

        ``gate_up`` is [n_expert, 2 * n_ff, n_embd], ``down`` [n_expert, n_embd, n_ff].
        """
        n_used = chosen.shape[1]
        # One byte per key: sorting is several times cheaper than with eight.
        order = chosen.reshape(-1).to(torch.uint8).argsort(stable=True)
        ends = chosen.reshape(-1).bincount(minlength=len(down)).cumsum(0).int()
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order), device=order.device)
        row_weight = weight.reshape(-1).index_select(0, order)[:, None]
        rows = x.index_select(0, order // n_used)
        hidden = grouped_product(rows, gate_up.mT, ends)
        out = grouped_product(act(hidden, row_weight), down.mT, ends)
        ctx.save_for_backward(rows, hidden, row_weight, gate_up, down, order, place, ends)
        ctx.act_backward, ctx.n_used = act_backward, n_used
        return F.embedding_bag(place.view(-1, n_used), out, mode="sum")

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, weight, gate_up and down."""
        rows, hidden, row_weight, gate_up, down, order, place, ends = ctx.saved_tensors
        grad_rows = grads[0].index_select(0, order // ctx.n_used)
        activated, grad_hidden, grad_weight = ctx.act_backward(
            hidden, row_weight, grouped_product(grad_rows, down, ends)
        )
        grad_down = grouped_outer(grad_rows, activated, ends)
        grad_gate_up = grouped_outer(grad_hidden, rows, ends)
        grad_x = F.embedding_bag(place.view(-1, ctx.n_used), grouped_product(grad_hidden, gate_up, ends), mode="sum")
        return grad_x, grad_weight.view(-1)[place].view(-1, ctx.n_used), None, grad_gate_up, grad_down, None, None


def reference_expert_mlp(x: Tensor, weight: Tensor, chosen: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
    """Compute what ``ExpertMlp`` computes as plainly as can be: token by token, expert by expert."""
    out = []
    for row, weights, experts in zip(x, weight, chosen.tolist(), strict=True):
        parts = []
        for share, e in zip(weights, experts, strict=True):
            gate, up = (gate_up[e] @ row).chunk(2)
            parts.append(share * (down[e] @ (F.silu(gate) * up)))
        out.append(torch.stack(parts).sum(0))
    return torch.stack(out)
