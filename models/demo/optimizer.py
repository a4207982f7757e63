"""AdamW for weights computed in bfloat16: kept in float32, rounded after every step, shared by all workers.

Each worker has the gradients of its part of the batch; all tensors lie in shared memory, and each worker updates its
share of every tensor. A tensor is read and written once a step, by one compiled pass where a compiler is there: with 52
million weights and short steps the traffic to memory is what a step costs.

Order of a step, for every worker: ``give`` the gradients, wait, ``measure``, wait, ``apply``, wait.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

BETAS = (0.9, 0.95)
EPSILON = 1e-8
WEIGHT_DECAY = 0.05
LARGEST_NORM = 1.0
CHUNK = 1 << 18  # weights updated at a time where nothing is compiled: small enough to stay in a core's cache


def update(weight: Tensor, master: Tensor, mean: Tensor, square: Tensor, grad: Tensor, knobs: Tensor) -> None:
    """Do one step of AdamW in place on flat tensors.

    ``knobs`` are the rate, the decay, the gradient's scale and both bias corrections.
    """
    rate, decay, scale, mean_correction, square_correction = knobs.unbind()
    g = grad.float() * scale
    mean.lerp_(g, 1 - BETAS[0])
    square.mul_(BETAS[1]).add_(g * g * (1 - BETAS[1]))
    step = (mean / mean_correction) / ((square / square_correction).sqrt() + EPSILON)
    master.sub_(rate * (step + decay * master))
    weight.copy_(master)


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter's tensors, all flat: the weight as computed with, in float32, both moments, each worker's gradient."""

    weight: Tensor
    master: Tensor
    mean: Tensor
    square: Tensor
    grads: tuple[Tensor, ...]
    decay: float


@dataclass(frozen=True, slots=True)
class SharedWeights:
    """What all workers see: the slots by the parameter's name, and each worker's squared norm of its share."""

    slots: dict[str, Slot]
    norms: Tensor

    @classmethod
    def of(cls, network: nn.Module, dtype: torch.dtype, n_worker: int) -> "SharedWeights":
        """Copy the weights of ``network``: matrices but the routers in ``dtype``, everything else in float32."""
        slots = {}
        for name, parameter in network.named_parameters():
            master = parameter.detach().float().flatten().clone()
            kind = dtype if parameter.ndim > 1 and not name.endswith("router") else torch.float32
            weight = master.to(kind, copy=True)
            tensors = [weight, master, torch.zeros_like(master), torch.zeros_like(master)]
            grads = [torch.zeros_like(weight) for _ in range(n_worker)]
            if n_worker > 1:
                for tensor in (*tensors, *grads):
                    tensor.share_memory_()
            slots[name] = Slot(*tensors, tuple(grads), WEIGHT_DECAY if parameter.ndim > 1 else 0.0)
        norms = torch.zeros(n_worker, device=master.device)
        return cls(slots, norms.share_memory_() if n_worker > 1 else norms)


class MasterAdamW:
    """One worker's part of AdamW, with decay on matrices alone and gradients clipped to ``LARGEST_NORM``.

    The parameters of ``network`` become views of the shared weights.
    """

    def __init__(self, network: nn.Module, shared: SharedWeights, worker: int, *, compiled: bool) -> None:
        self._parameters = dict(network.named_parameters())
        self._shared, self._worker = shared, worker
        for name, parameter in self._parameters.items():
            parameter.data = shared.slots[name].weight.view(parameter.shape)
        self._update: Callable[..., None] = torch.compile(update, dynamic=True) if compiled else update
        self._chunk = CHUNK if not compiled and not shared.norms.is_cuda else 1 << 62

    def give(self) -> None:
        """Hand this worker's gradients to all and drop them."""
        for name, parameter in self._parameters.items():
            if parameter.grad is None:
                raise ValueError(f"the parameter {name} got no gradient")
            self._shared.slots[name].grads[self._worker].copy_(parameter.grad.reshape(-1))
            parameter.grad = None

    def _share(self, tensor: Tensor) -> Tensor:
        return tensor.tensor_split(len(self._shared.norms))[self._worker]

    def measure(self) -> None:
        """Take the mean of all workers' gradients for this worker's share, and its norm."""
        squares = []
        for slot in self._shared.slots.values():
            first, *others = map(self._share, slot.grads)
            for other in others:
                first += other
            squares.append(torch.linalg.vector_norm(first, dtype=torch.float32).square())
        self._shared.norms[self._worker] = torch.stack(squares).sum()

    def apply(self, step: int, rate: float) -> None:
        """Update this worker's share of every weight: step ``step`` (from 1) at the learning rate ``rate``."""
        mean_of = 1 / len(self._shared.norms)
        norm = float(self._shared.norms.sum().sqrt()) * mean_of
        scale = mean_of * min(1.0, LARGEST_NORM / (norm + 1e-6))
        corrections = [1 - beta**step for beta in BETAS]
        device = self._shared.norms.device
        knobs = {d: torch.tensor([rate, d, scale, *corrections], device=device) for d in (0.0, WEIGHT_DECAY)}
        for slot in self._shared.slots.values():
            # The mean gradient of a share lies where the first worker's gradient was.
            tensors = [self._share(t) for t in (slot.weight, slot.master, slot.mean, slot.square, slot.grads[0])]
            for pieces in zip(*(t.split(min(self._chunk, max(len(t), 1))) for t in tensors), strict=True):
                self._update(*pieces, knobs[slot.decay])
