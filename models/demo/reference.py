"""The demo network computed as plainly as can be, to compare the fast one with: ``python -m models.demo.reference``."""

import shutil
import sys
from collections.abc import Iterable
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from models.demo.experts import ExpertMlp, reference_expert_mlp
from models.demo.network import Kernels, Network, Rows, Shape, rms_norm, rotary_table
from models.demo.optimizer import BETAS, EPSILON, LARGEST_NORM, WEIGHT_DECAY, MasterAdamW, SharedWeights

SHAPE = Shape(n_vocab=97, n_embd=32, n_layer=2, n_head=4, n_head_kv=2, head_dim=16, n_expert=8, n_ff_exp=24, n_ctx=64)
LENGTHS = (5, 17, 1, 30, 8, 8, 3, 12, 20, 2)
LARGEST_DIFFERENCE = {torch.float32: 2e-5, torch.bfloat16: 2e-2}


def plain_rotated(x: Tensor, norm: Tensor, shape: Shape) -> Tensor:
    """Normalise and turn ``x`` [head, token, head_dim] of one row."""
    cos, sin = (table[: x.shape[1]] for table in rotary_table(shape))
    first, second = rms_norm(x, norm, shape.rms_eps).chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


def plain_attention(network: Network, layer: int, x: Tensor) -> Tensor:
    """Attend within one row ``x`` [token, n_embd]."""
    s, attention = network.shape, network.attentions[layer]
    heads = (x @ attention.qkv.t()).view(len(x), -1, s.head_dim).transpose(0, 1)
    q, k, v = heads.split((s.n_head, s.n_head_kv, s.n_head_kv))
    q, k = plain_rotated(q, attention.q_norm, s), plain_rotated(k, attention.k_norm, s)
    k, v = (t.repeat_interleave(s.n_head // s.n_head_kv, 0) for t in (k, v))
    scores = (q @ k.mT * s.head_dim**-0.5).masked_fill(torch.ones(len(x), len(x)).triu(1).bool(), float("-inf"))
    return (scores.softmax(-1) @ v).transpose(0, 1).flatten(1) @ attention.output.t()


def plain_experts(network: Network, layer: int, x: Tensor) -> Tensor:
    """Compute the chosen experts for each token of ``x`` [token, n_embd]."""
    experts = network.experts[layer]
    weight, chosen = (x @ experts.router.t()).softmax(-1).topk(network.shape.n_expert_used, -1)
    return reference_expert_mlp(x, weight / weight.sum(-1, keepdim=True), chosen, experts.gate_up, experts.down)


def plain_loss(network: Network, ids: Tensor, lengths: Iterable[int], targets: Tensor, weights: Tensor) -> Tensor:
    """Return what ``Network.loss`` returns, row by row."""
    logits, eps = [], network.shape.rms_eps
    for row in ids.split(list(lengths)):
        x = F.embedding(row, network.embedding)
        for i in range(network.shape.n_layer):
            x = x + plain_attention(network, i, rms_norm(x, network.attention_norms[i], eps))
            x = x + plain_experts(network, i, rms_norm(x, network.expert_norms[i], eps))
        logits.append(rms_norm(x, network.output_norm, eps) @ network.embedding.t())
    each = F.cross_entropy(torch.cat(logits), targets, reduction="none")
    return (each * weights).sum() / weights.sum()


def expert_layer_differences(dtype: torch.dtype) -> dict[str, float]:
    """Return, for one expert layer in ``dtype``, how far values and gradients are from the plain float32 ones."""
    torch.manual_seed(1)
    network = Network(SHAPE)
    experts = network.experts[0]
    chosen = torch.rand(40, SHAPE.n_expert - 1).topk(4).indices  # the last expert gets nothing
    tensors = [
        torch.randn(40, SHAPE.n_embd),
        torch.rand(40, 4),
        experts.gate_up.detach() * 10,
        experts.down.detach() * 10,
    ]
    fast = [t.to(dtype if i != 1 else torch.float32).requires_grad_() for i, t in enumerate(tensors)]
    plain = [t.detach().float().requires_grad_() for t in fast]
    kernels = network.kernels
    x, w, gate_up, down = fast
    ours = ExpertMlp.apply(x, w, chosen, gate_up, down, kernels.activate, kernels.activate_backward)
    x, w, gate_up, down = plain
    theirs = reference_expert_mlp(x, w, chosen, gate_up, down)
    grad = torch.randn_like(theirs)
    pairs = [(ours, theirs)]
    pairs += zip(torch.autograd.grad(ours, fast, grad.to(dtype)), torch.autograd.grad(theirs, plain, grad), strict=True)
    return {
        f"expert layer, {str(dtype)[6:]}, {name}": relative(a, b)
        for name, (a, b) in zip(("values", "of x", "of weight", "of gate_up", "of down"), pairs, strict=True)
    }


def relative(ours: Tensor, theirs: Tensor) -> float:
    """Return the largest difference as a share of the largest value."""
    ours, theirs = ours.detach().float(), theirs.detach()
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-30))


def network_differences(kernels: Kernels, name: str) -> dict[str, float]:
    """Return how far the loss and every parameter's gradient are from the plain ones, in float32."""
    torch.manual_seed(0)
    network = Network(SHAPE, kernels)
    n_token = sum(LENGTHS)
    ids, targets, weights = torch.randint(97, (n_token,)), torch.randint(97, (n_token,)), torch.rand(n_token)
    parameters = dict(network.named_parameters())
    ours, _ = network.loss(ids, Rows.of(LENGTHS), targets, weights)
    theirs = plain_loss(network, ids, LENGTHS, targets, weights)
    grads = [torch.autograd.grad(loss, list(parameters.values())) for loss in (ours, theirs)]
    differences = {f"network, {name}, loss": relative(ours, theirs)}
    for parameter, a, b in zip(parameters, *grads, strict=True):
        differences[f"network, {name}, gradient of {parameter}"] = relative(a, b)
    return differences


def padding_differences() -> dict[str, float]:
    """Return how far the logits of two rows computed together are from each row's own."""
    torch.manual_seed(2)
    network = Network(SHAPE)
    ids = torch.randint(97, (50,))
    together, _ = network.hidden(ids, Rows.of((13, 37)))
    alone = [network.hidden(ids[a:b], Rows.of((b - a,)))[0] for a, b in pairwise((0, 13, 50))]
    return {"two rows together": relative(together, torch.cat(alone))}


def optimizer_differences(n_worker: int, *, compiled: bool) -> dict[str, float]:
    """Return how far three steps of several workers are from PyTorch's AdamW on the mean of their gradients."""
    torch.manual_seed(3)
    plain = Network(SHAPE)
    shared = SharedWeights.of(plain, torch.float32, n_worker)
    networks = [Network(SHAPE) for _ in range(n_worker)]
    workers = [MasterAdamW(n, shared, rank, compiled=compiled) for rank, n in enumerate(networks)]
    flat = [p for p in plain.parameters() if p.ndim == 1]
    groups = [{"params": [p for p in plain.parameters() if p.ndim > 1]}, {"params": flat, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=1e-2, betas=BETAS, eps=EPSILON, weight_decay=WEIGHT_DECAY)
    for step in range(1, 4):
        for i, parameter in enumerate(plain.parameters()):
            grads = [torch.randn_like(parameter) * (i + 1) for _ in networks]
            parameter.grad = torch.stack(grads).mean(0)
            for network, grad in zip(networks, grads, strict=True):
                list(network.parameters())[i].grad = grad
        torch.nn.utils.clip_grad_norm_(plain.parameters(), LARGEST_NORM)
        adam.step()
        for worker in workers:
            worker.give()
        for worker in workers:
            worker.measure()
        for worker in workers:
            worker.apply(step, 1e-2)
    pairs = zip(plain.parameters(), networks[-1].parameters(), strict=True)
    name = f"weights after three steps of {n_worker} workers{', compiled' if compiled else ''}"
    return {name: max(relative(b, a) for a, b in pairs)}


def check(*, compiled: bool) -> bool:
    """Print all differences and tell whether each is small enough."""
    good = True
    found = [(torch.float32, network_differences(Kernels(), "plain kernels")), (torch.float32, padding_differences())]
    found += [(dtype, expert_layer_differences(dtype)) for dtype in LARGEST_DIFFERENCE]
    found += [(torch.float32, optimizer_differences(n, compiled=False)) for n in (1, 3)]
    if compiled:
        found.append((torch.float32, optimizer_differences(2, compiled=True)))
        found.append((torch.float32, network_differences(Kernels.compiled(), "compiled kernels")))
    for dtype, differences in found:
        for name, difference in differences.items():
            small = difference <= LARGEST_DIFFERENCE[dtype]
            good &= small
            print(f"{'ok ' if small else 'BAD'} {difference:.1e} {name}")
    return good


if __name__ == "__main__":
    sys.exit(0 if check(compiled=shutil.which("g++") is not None) else 1)
