"""`KeepScores`: how much each expert of a layer deserves its slot, and the simplest answer to that."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

HALF_LIFE_TOKENS = 16.0
"""Of a use, in decayed frequencies, the best of 8 to 64 on traces of Qwen3-30B-A3B."""


class KeepScores(Protocol):
    """Learns how tokens are routed, and scores experts: the lowest leaves. For one thread, or under its user's lock.

    A token is one or several calls of `routed`, with layers that ascend: one layer at a time as a model computes, or
    all at once where the routes are known. Both give the same scores.
    """

    def routed(
        self, layers: slice, experts: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]] | None
    ) -> None:
        """Learn how the next `layers` of a token are routed. A layer not after the last one begins a new token.

        Args:
            layers: from which to below which layer, counted from 0.
            experts: [n, n_expert_used] of these n layers, most important first; below 0: unknown.
            weights: their gate weights, of the same shape; None: unknown.
        """

    def scores(self, layers: slice) -> NDArray[np.floating[Any]]:
        """Return scores [n, n_expert], which must not be changed. Meant for layers that have just been routed."""
        ...

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what was learnt, in arrays."""
        ...

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a state of scores of the same shape.

        Raises:
            ValueError: it is none; nothing has changed.
        """


class DecayedFrequency:
    """Scores an expert by its uses, of which a later one counts more: half of it after some tokens."""

    def __init__(self, n_layer: int, n_expert: int, half_life: float = HALF_LIFE_TOKENS) -> None:
        """Start without uses; `half_life` in tokens."""
        self._decay = np.float32(0.5 ** (1 / half_life))
        # The last column belongs to no expert: unknown routes (-1) index it. The uses of a token add up to its experts.
        self._frequency = np.zeros((n_layer, n_expert + 1), np.float32)

    def routed(
        self, layers: slice, experts: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]] | None
    ) -> None:
        """Count the uses."""
        frequency = self._frequency[layers]
        frequency *= self._decay
        frequency[np.arange(len(experts))[:, None], experts] += 1 - self._decay

    def scores(self, layers: slice) -> NDArray[np.float32]:
        """Return the share of the last tokens that used each expert."""
        return self._frequency[layers, :-1].copy()

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the frequencies."""
        return {"frequency": self._frequency[:, :-1].copy()}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Take frequencies.

        Raises:
            ValueError: they are of other layers or experts.
        """
        self._frequency[:, :-1] = checked(state, "frequency", self._frequency[:, :-1].shape)


def checked(state: dict[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the array `name` of a state.

    Raises:
        ValueError: it is missing, has another shape, or holds a number that is not finite.
    """
    found = state.get(name)
    if found is None or found.shape != shape or not np.isfinite(found).all():
        what = "missing" if found is None else f"of shape {found.shape}" if found.shape != shape else "not finite"
        raise ValueError(f"{name} of the state is {what}; expected are finite numbers {shape}")
    return found
