"""`SimilarPaths`: keeps the experts that were used after tokens whose routing was like this one's.

Text repeats itself: words, phrases, subjects. The tokens of the past that were routed as this one and those before it
say better than the frequency of an expert how soon it is used again. For every token of a window of the past:

    likeness   experts it shares with this token, over the layers routed so far, plus half of the likeness of the tokens
               before both, plus a quarter of those before ...; in standard deviations from the window's mean
    attention  exp(SHARPNESS x likeness)
    heed       what each later token of the window counts: the attention of the token right before it, plus what
               the one before that has, times FADE, ...; all add up to 1

A score is the heeded tokens' use of the expert, plus some of its decayed frequency. Nothing is fitted: likeness is
measured in its own deviations, so that models of few and of many layers and experts need no constants of their own.

Source: kernel regression (Nadaraya and Watson, 1964) with a token's path as the query, which is also what one head of
attention computes over the past.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from offload.routing.keep_scores import DecayedFrequency, checked

WINDOW_TOKENS = 1024
SHARPNESS = np.float32(1.5)
FADE = np.float32(0.7)
_CARRIED = np.float32(0.5)
_FREQUENCY_SHARE = np.float32(0.3)
_FREQUENCY_HALF_LIFE = 8.0
_FADE_STEPS = (1, 2, 4, 8)
"""Doubling sums: 16 tokens after a like one are heeded."""


class SimilarPaths:
    """What followed the routing paths that were like the present one. See `KeepScores`."""

    def __init__(self, n_layer: int, n_expert: int, n_expert_used: int, *, window: int = WINDOW_TOKENS) -> None:
        self._n_layer, self._n_expert, self._window = n_layer, n_expert, window
        self._frequency = DecayedFrequency(n_layer, n_expert, _FREQUENCY_HALF_LIFE)
        # Tokens lie in a row twice as long as the window: [_first, _end) is the past, _end the present token.
        row = 2 * window + 1
        # Unknown routes are expert number n_expert, of no value and shared with nobody.
        self._experts = np.full((n_layer, row, n_expert_used), n_expert, np.intp)
        self._values = np.zeros((n_layer, row, n_expert_used), np.float32)
        self._uses = np.zeros((n_layer, n_expert + 1, row), np.uint8)
        self._likeness_before = np.zeros(row, np.float32)
        """Of the tokens before each token of the past, and before the present one."""
        self._first = self._end = 0
        self._next_layer = 0
        self._shared = np.zeros((1, 0), np.float32)
        """Experts each token of the past shares with this one, up to each of the layers routed last [n, n_past]."""
        self._shared_of = slice(0, 0)

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        arrays = (self._experts, self._values, self._uses, self._likeness_before)
        return sum(array.nbytes for array in arrays)

    def routed(
        self, layers: slice, experts: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]] | None
    ) -> None:
        """Compare the layers with those of the past, and note them."""
        if layers.start < self._next_layer:
            self._finish_token()
        self._frequency.routed(layers, experts, weights)
        numbers = np.where(experts < 0, self._n_expert, experts).astype(np.intp)
        rows = np.arange(layers.start, layers.stop)[:, None]
        past = slice(self._first, self._end)
        shared = np.add.reduce(self._uses[rows, numbers, past], axis=1, dtype=np.float32)
        shared[0] += self._shared[-1]
        self._shared = shared.cumsum(axis=0, out=shared)
        self._shared_of = layers
        self._experts[layers, self._end] = numbers
        self._values[layers, self._end] = _values(experts, weights)
        self._next_layer = layers.stop

    def scores(self, layers: slice) -> NDArray[np.float32]:
        """Return how much the experts are used by tokens like those that are expected next."""
        scores = self._frequency.scores(layers)
        past = slice(self._first, self._end)
        if self._end - self._first < 2:
            return scores
        shared = self._shared if layers == self._shared_of else self._shared[-1:]
        heed = _heed(shared + self._likeness_before[past])
        values = self._values[layers, past] * heed[..., None]
        numbers = self._experts[layers, past]
        n, width = len(scores), self._n_expert + 1
        if n > 1:
            numbers = numbers + (np.arange(n) * width)[:, None, None]
        used = np.bincount(numbers.ravel(), values.ravel(), n * width).reshape(n, width)[:, :-1]
        scores *= _FREQUENCY_SHARE
        scores += used
        return scores

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the window of the past, the present token included as far as it is known."""
        self._finish_token()
        past = slice(self._first, self._end)
        return {
            "experts": self._experts[:, past].astype(np.int16),
            "values": self._values[:, past].copy(),
            **self._frequency.state(),
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Take a past, of which the last tokens that fit the window stay.

        Raises:
            ValueError: it is of another model's shape.
        """
        n_layer, _, k = self._experts.shape
        found = state.get("experts")
        n_tokens = found.shape[1] if found is not None and found.ndim == 3 else 0
        experts = checked(state, "experts", (n_layer, n_tokens, k))
        values = checked(state, "values", (n_layer, n_tokens, k))
        if n_tokens and not 0 <= int(experts.min()) <= int(experts.max()) <= self._n_expert:
            raise ValueError(f"the state has experts that are not within 0 and {self._n_expert}")
        self._frequency.restore(state)
        n = min(n_tokens, self._window)
        self._first, self._end, self._next_layer = 0, n, 0
        self._experts[:, :n] = experts[:, n_tokens - n :]
        self._values[:, :n] = values[:, n_tokens - n :]
        self._uses[:] = 0
        layer, token = np.arange(n_layer)[:, None, None], np.arange(n)[None, :, None]
        self._uses[layer, self._experts[:, :n], token] = 1
        self._uses[:, self._n_expert] = 0
        self._likeness_before[:] = 0
        self._shared, self._shared_of = np.zeros((1, n), np.float32), slice(0, 0)

    def _finish_token(self) -> None:
        """Make the present token part of the past."""
        if not self._next_layer:
            return
        first, end = self._first, self._end
        layer = np.arange(self._n_layer)[:, None]
        self._uses[layer, self._experts[:, end], end] = 1
        self._uses[:, self._n_expert, end] = 0
        likeness = self._shared[-1] + self._likeness_before[first:end]
        self._likeness_before[first + 1 : end + 1] = likeness * _CARRIED
        self._likeness_before[first] = 0
        self._end += 1
        self._first = max(first, self._end - self._window)
        if self._end == self._experts.shape[1]:
            self._move_to_front()
        self._experts[:, self._end] = self._n_expert
        self._values[:, self._end] = 0
        self._shared, self._shared_of = np.zeros((1, self._end - self._first), np.float32), slice(0, 0)
        self._next_layer = 0

    def _move_to_front(self) -> None:
        n, past = self._window, slice(self._first, self._end)
        self._experts[:, :n] = self._experts[:, past]
        self._values[:, :n] = self._values[:, past]
        self._uses[:, :, :n] = self._uses[:, :, past]
        self._uses[:, :, n:] = 0
        self._likeness_before[:n] = self._likeness_before[past]
        self._first, self._end = 0, n


def _heed(likeness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what each token of the past counts, [n, n_past], from its likeness to the present one."""
    likeness -= likeness.mean(axis=1, keepdims=True)
    deviation = np.sqrt((likeness * likeness).mean(axis=1, keepdims=True))
    likeness *= SHARPNESS / np.maximum(deviation, np.float32(1e-3))
    # A token can stand out by as many deviations as the root of the window; exp(60) is no overflow.
    attention = np.exp(np.minimum(likeness, 60, out=likeness), out=likeness)
    heed: NDArray[np.float32] = np.zeros_like(attention)
    heed[:, 1:] = attention[:, :-1]
    fade = FADE
    for step in _FADE_STEPS:
        heed[:, step:] += fade * heed[:, :-step]
        fade *= fade
    heed /= heed.sum(axis=1, keepdims=True)
    return heed


def _values(experts: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]] | None) -> NDArray[np.float32]:
    """Return what a use of each expert is worth: 1 on average, as the root of its gate weight where that is known."""
    known = experts >= 0
    values: NDArray[np.float32] = (
        np.ones(experts.shape, np.float32) if weights is None else np.sqrt(np.maximum(weights, 0, dtype=np.float32))
    )
    values *= known
    total = values.sum(axis=1, keepdims=True)
    if not total.all():
        values = np.where(total > 0, values, known).astype(np.float32)
        total = np.maximum(values.sum(axis=1, keepdims=True), 1)
    values *= experts.shape[1] / total
    return values
