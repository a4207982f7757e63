"""Trains a `GateNetwork` on recorded routes, by gradient descent on the log-likelihood of what was routed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from offload.routing.gate_network import GateNetwork
from offload.routing.router import FloatArray

LEAST_TOKENS = 128
"""A batch."""
_BATCH = LEAST_TOKENS
_RATE = 2e-3
_DECAY = 0.02
_WARM_UP = 10
"""Steps at a tenth of the rate, until Adam knows how large gradients are."""
_MOMENTUM, _SQUARES_KEPT, _LEAST = 0.9, 0.99, 1e-8


def train_network(
    logits: FloatArray,
    features: FloatArray,
    routed: NDArray[np.int32],
    *,
    n_hidden: int = 512,
    n_epochs: int = 12,
    seed: int = 0,
) -> GateNetwork:
    """Train one layer's network: the same of the same arguments, on the same machine.

    Args:
        logits: what the network will be given of each token [n_tokens, n_expert].
        features: likewise [n_tokens, 2 * n_embd].
        routed: the experts that were then routed to [n_tokens, n_expert_used].
        n_hidden: hidden units.
        n_epochs: passes over the tokens.
        seed: of the first weights and the order of tokens.

    Raises:
        ValueError: there are too few tokens for one batch, or the arrays are of different lengths.
    """
    n_tokens, n_expert = logits.shape
    if not n_tokens == len(features) == len(routed) or n_tokens < _BATCH:
        raise ValueError(
            f"{n_tokens} logits, {len(features)} features, {len(routed)} routes: {_BATCH} tokens are least"
        )
    random = np.random.default_rng(seed)
    n_features = features.shape[1]
    mean, spread = features.mean(axis=0), float(features.std()) + 1e-6
    wanted = np.zeros((n_tokens, n_expert), np.float32)
    np.put_along_axis(wanted, routed.astype(np.int64), 1.0, axis=1)
    scale = np.ones(1, np.float32)
    into = (random.standard_normal((n_features, n_hidden)) * np.sqrt(2.0 / n_features)).astype(np.float32)
    into_bias = np.zeros(n_hidden, np.float32)
    out = np.zeros((n_hidden, n_expert), np.float32)
    linear = np.zeros((n_features, n_expert), np.float32)
    offset = np.full(n_expert, -1.0, np.float32)
    weights = [into, out, linear, into_bias, offset, scale]
    adam = _Adam(weights, n_decaying=3, n_steps=n_epochs * (n_tokens // _BATCH))
    for _ in range(n_epochs):
        order = random.permutation(n_tokens)
        for start in range(0, n_tokens - _BATCH + 1, _BATCH):
            rows = order[start : start + _BATCH]
            x, base = (features[rows] - mean) / np.float32(spread), logits[rows]
            before = x @ into + into_bias
            hidden = np.maximum(before, 0.0)
            odds = scale * base + hidden @ out + x @ linear + offset
            wrong = (0.5 * (1.0 + np.tanh(0.5 * odds)) - wanted[rows]) / np.float32(_BATCH)
            back = (wrong @ out.T) * (before > 0)
            slopes = [x.T @ back, hidden.T @ wrong, x.T @ wrong, back.sum(0), wrong.sum(0), (wrong * base).sum()[None]]
            adam.step(slopes)
    first = np.concatenate([into, linear], axis=1).T / np.float32(spread)
    first_bias = np.concatenate([into_bias, offset]) - first @ mean
    return GateNetwork(
        np.ascontiguousarray(first, np.float32), first_bias, np.ascontiguousarray(out.T), float(scale[0])
    )


class _Adam:
    """Adam with decoupled weight decay and a rate that falls like a cosine to 0. Source: Loshchilov and Hutter 2019."""

    def __init__(self, weights: Sequence[FloatArray], *, n_decaying: int, n_steps: int) -> None:
        self._weights = weights
        self._means = [np.zeros_like(weight) for weight in weights]
        self._squares = [np.zeros_like(weight) for weight in weights]
        self._n_decaying, self._n_steps, self._step = n_decaying, n_steps, 0

    def step(self, slopes: Sequence[FloatArray]) -> None:
        """Change the weights in place against their slopes."""
        self._step += 1
        rate = np.float32(_RATE * 0.5 * (1.0 + np.cos(np.pi * self._step / self._n_steps)))
        if self._step <= _WARM_UP:
            rate *= np.float32(0.1)
        for number, (weight, slope) in enumerate(zip(self._weights, slopes, strict=True)):
            mean, squares = self._means[number], self._squares[number]
            mean += np.float32(1.0 - _MOMENTUM) * (slope - mean)
            squares += np.float32(1.0 - _SQUARES_KEPT) * (slope * slope - squares)
            if number < self._n_decaying:
                weight *= np.float32(1.0 - _DECAY * rate)
            weight -= rate * mean / (np.sqrt(squares) + np.float32(_LEAST))
