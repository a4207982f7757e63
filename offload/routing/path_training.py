"""Trains the network of the learned path on the tokens of a trace, in NumPy."""

import numpy as np
from numpy.typing import NDArray

from offload.routing.path_network import N_WINDOW, PathNetwork
from offload.routing.path_samples import PathBatch, PathSamples

N_HIDDEN = 256
N_EMBD = 48
MOST_WORDS = 8192
_MOST_BATCH_TOKENS, _LEAST_BATCH_TOKENS = 256, 32
_BATCHES_PER_PASS = 32
"""As many as the least batch allows, where tokens are too few for the largest one."""
_LEARNING_RATE = 3e-3
_WARM_UP_STEPS = 100
_WEIGHT_DECAY = 1e-3
_MEMORY, _SQUARE_MEMORY = np.float32(0.9), np.float32(0.99)
_AVERAGE = 0.99
_UNKNOWN_WORDS = 0.05
_BEFORE_COMPUTE = 0.4
_DROPPED = 0.2
_TINY = np.float32(1e-8)

_Arrays = dict[str, NDArray[np.float32]]


class PathTraining:
    """Weights while they are trained: by Adam, on the cross-entropy of every layer's experts.

    What counts is their running average. A token is learnt with the first 0 to n_layer - 1 of its layers known, so that
    one network forecasts before anything is computed and after every layer. Some token ids are hidden, so that it copes
    with those it does not know. The same seed and samples give the same network on one machine. For one thread, and
    those of BLAS.

    Source: Kingma and Ba, "Adam", 2015, with decoupled weight decay (Loshchilov and Hutter, 2019).
    """

    def __init__(
        self,
        samples: PathSamples,
        members: NDArray[np.int64],
        n_layer: int,
        n_expert: int,
        *,
        seed: int,
        n_hidden: int = N_HIDDEN,
    ) -> None:
        """Start from random weights, with the token prior's forecast alone; `members` are the tokens to learn."""
        self._samples, self._members = samples, members
        self._n_batch = min(_MOST_BATCH_TOKENS, max(_LEAST_BATCH_TOKENS, len(members) // _BATCHES_PER_PASS))
        self.n_layer, self._n_expert = n_layer, n_expert
        self._random = random = np.random.default_rng(seed)
        n_cell = n_layer * n_expert

        def drawn(n_in: int, n_out: int, scale: float) -> NDArray[np.float32]:
            return random.standard_normal((n_in, n_out), np.float32) * np.float32(scale)

        by_layer = n_layer**-0.5
        self._weights: _Arrays = {
            "embedding": drawn(1 + len(samples.vocabulary), N_EMBD, 0.3),
            "window": drawn(N_WINDOW * N_EMBD, n_hidden, 1.5 * (N_WINDOW * N_EMBD) ** -0.5),
            "last": drawn(n_cell, n_hidden, 0.2 * by_layer),
            "earlier": drawn(n_cell, n_hidden, 0.2 * by_layer),
            "current": drawn(n_cell, n_hidden, 0.2 * by_layer),
            "bias": np.zeros(n_hidden, np.float32),
            "output": drawn(n_hidden, n_cell, 0.1 * n_hidden**-0.5),
            "output_bias": np.zeros(n_cell, np.float32),
            "prior_weight": np.ones(n_layer, np.float32),
        }
        self._mean = {name: np.zeros_like(array) for name, array in self._weights.items()}
        self._square = {name: np.zeros_like(array) for name, array in self._weights.items()}
        self._average = {name: array.copy() for name, array in self._weights.items()}
        self._n_steps = 0
        self._order = members[:0]

    @property
    def steps_per_pass(self) -> int:
        """Steps in which every token is learnt once."""
        return max(1, len(self._members) // self._n_batch)

    def step(self) -> None:
        """Learn a batch."""
        if len(self._order) < min(self._n_batch, len(self._members)):
            self._order = self._random.permutation(self._members)
        chosen, self._order = np.split(self._order, [self._n_batch])
        self._n_steps += 1
        for name, gradient in self._gradients(self._samples.batch(chosen, learnt=True)).items():
            self._update(name, gradient)

    def network(self) -> PathNetwork:
        """Return the averaged weights, as they are after a file held them."""
        shape = (self.n_layer, self._n_expert)
        arrays = dict(self._average)
        arrays["output"] = arrays["output"].T.reshape(*shape, -1)
        arrays["output_bias"] = arrays["output_bias"].reshape(shape)
        halves = {name: array.astype(np.float16) for name, array in arrays.items()}
        return PathNetwork.of_arrays({"vocabulary": self._samples.vocabulary, **halves}, *shape)

    def logits(self, batch: PathBatch, n_known: int = 0) -> NDArray[np.float32]:
        """Return the averaged weights' logits [n, n_layer, n_expert], the first `n_known` layers being routed."""
        weights = self._average
        inputs = _inputs(weights, batch.words, batch)
        n_cell = n_known * self._n_expert
        inputs += batch.routed.reshape(len(inputs), -1)[:, :n_cell] @ weights["current"][:n_cell]
        hidden = np.maximum(inputs, 0.0)
        logits = (hidden @ weights["output"] + weights["output_bias"]).reshape(batch.prior.shape)
        return np.asarray(logits + weights["prior_weight"][:, None] * batch.prior)

    def _gradients(self, batch: PathBatch) -> _Arrays:
        weights, random = self._weights, self._random
        n = len(batch.words)
        words = np.where(random.random(batch.words.shape) < _UNKNOWN_WORDS, 0, batch.words)
        n_known = random.integers(1, self.n_layer, n) if self.n_layer > 1 else np.zeros(n, np.int64)
        n_known[random.random(n) < _BEFORE_COMPUTE] = 0
        is_known = np.arange(self.n_layer) < n_known[:, None]
        current = (batch.routed * is_known[:, :, None]).reshape(n, -1)

        inputs = _inputs(weights, words, batch) + current @ weights["current"]
        kept = (random.random(inputs.shape, np.float32) >= _DROPPED) & (inputs > 0.0)
        passed = np.where(kept, np.float32(1.0 / (1.0 - _DROPPED)), np.float32(0.0))
        hidden = inputs * passed
        error: NDArray[np.float32] = (hidden @ weights["output"] + weights["output_bias"]).reshape(batch.prior.shape)
        error += weights["prior_weight"][:, None] * batch.prior
        n_routed = batch.routed.sum(axis=2, keepdims=True)
        _softmax(error)
        error -= batch.routed / np.maximum(n_routed, 1.0)
        error *= (n_routed > 0.0) & ~is_known[:, :, None]
        error *= np.float32(1.0 / n)

        of_prior: NDArray[np.float32] = (error * batch.prior).sum(axis=(0, 2))
        error = error.reshape(n, -1)
        of_input: NDArray[np.float32] = (error @ weights["output"].T) * passed
        of_words = (of_input @ weights["window"].T).reshape(-1, N_EMBD)
        return {
            "embedding": _sum_by_row(words.reshape(-1), of_words, len(weights["embedding"])),
            "window": weights["embedding"][words].reshape(n, -1).T @ of_input,
            "last": batch.last.T @ of_input,
            "earlier": batch.earlier.T @ of_input,
            "current": current.T @ of_input,
            "bias": of_input.sum(axis=0),
            "output": hidden.T @ error,
            "output_bias": error.sum(axis=0),
            "prior_weight": of_prior,
        }

    def _update(self, name: str, gradient: NDArray[np.float32]) -> None:
        weight, mean, square = self._weights[name], self._mean[name], self._square[name]
        time = self._n_steps
        mean += (gradient - mean) * (1 - _MEMORY)
        np.multiply(gradient, gradient, out=gradient)
        square += (gradient - square) * (1 - _SQUARE_MEMORY)
        rate = _LEARNING_RATE * min(1.0, time / _WARM_UP_STEPS)
        np.sqrt(square, out=gradient)
        gradient *= np.float32(1.0 / np.sqrt(1.0 - float(_SQUARE_MEMORY) ** time))
        gradient += _TINY
        np.divide(mean, gradient, out=gradient)
        gradient *= np.float32(rate / (1.0 - float(_MEMORY) ** time))
        if weight.ndim == 2:
            weight *= np.float32(1.0 - rate * _WEIGHT_DECAY)
        weight -= gradient
        average = self._average[name]
        average += (weight - average) * np.float32(1.0 - min(_AVERAGE, (1 + time) / (10 + time)))


def _inputs(weights: _Arrays, words: NDArray[np.int64], batch: PathBatch) -> NDArray[np.float32]:
    inputs = weights["embedding"][words].reshape(len(words), -1) @ weights["window"]
    inputs += batch.last @ weights["last"]
    inputs += batch.earlier @ weights["earlier"]
    inputs += weights["bias"]
    return np.asarray(inputs)


def _softmax(logits: NDArray[np.float32]) -> None:
    """Replace logits by their softmax along the last axis."""
    logits -= logits.max(axis=-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=-1, keepdims=True)


def _sum_by_row(rows: NDArray[np.int64], values: NDArray[np.float32], n_rows: int) -> NDArray[np.float32]:
    """Return [n_rows, width]: the sum of the `values` of every row."""
    total = np.zeros((n_rows, values.shape[1]), np.float32)
    order = np.argsort(rows, kind="stable")
    starts = np.flatnonzero(np.diff(rows[order], prepend=-1))
    total[rows[order][starts]] = np.add.reduceat(values[order], starts, axis=0)
    return total
