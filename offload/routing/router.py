"""`Router`: how one layer chooses its experts, as llama.cpp computes it.

Source: `llm_graph_context::build_moe_ffn` (src/llama-graph.cpp).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class Gating(IntEnum):
    """What is made of a router's logits before experts are chosen, numbered as `expert_gating_func` in GGUF."""

    SOFTMAX = 1
    SIGMOID = 2
    SOFTMAX_WEIGHT = 3
    """The logits as they are: softmax is taken of the chosen ones alone."""


@dataclass(frozen=True, slots=True)
class Router:
    """The router of one layer. Any thread."""

    weight: FloatArray
    """[n_expert, n_embd]."""
    gating: Gating
    n_expert_used: int
    logit_bias: FloatArray | None = None
    """[n_expert], added to the logits."""
    choice_bias: FloatArray | None = None
    """[n_expert], added to what the gating makes of them, for the choice alone."""
    n_group: int = 1
    """Groups of as many experts each, neighbours, of which a token uses only some."""
    n_group_used: int = 1

    @property
    def n_expert(self) -> int:
        """Experts of the layer."""
        return len(self.weight)

    @property
    def n_bytes(self) -> int:
        """Memory of its arrays."""
        arrays = (self.weight, self.logit_bias, self.choice_bias)
        return sum(array.nbytes for array in arrays if array is not None)

    def logits(self, inputs: FloatArray) -> FloatArray:
        """Return the logits [n_expert] of a token's router input [n_embd]."""
        logits: FloatArray = self.weight @ inputs
        if self.logit_bias is not None:
            logits += self.logit_bias
        return logits

    def choice_scores(self, logits: FloatArray) -> FloatArray:
        """Return by what experts are chosen [n_expert], the largest first, of `logits` [n_expert]: finite.

        Experts of groups that are not used come after all others. Where only the order of softmax's values counts,
        they are log-probabilities.
        """
        scores = self._gated(logits)
        if self.choice_bias is not None:
            scores = scores + self.choice_bias
        if self.n_group > 1:
            grouped = scores.reshape(self.n_group, -1)
            best_two = np.sort(grouped, axis=1)[:, -2:].sum(axis=1)
            unused = np.argsort(-best_two, kind="stable")[self.n_group_used :]
            below = np.zeros_like(grouped)
            below[unused] = np.float32(1.0) + scores.max() - scores.min()
            scores = (grouped - below).reshape(-1)
        return scores

    def choose(self, inputs: FloatArray) -> NDArray[np.int32]:
        """Return the experts [n_expert_used] for a router input [n_embd], the preferred one first."""
        order = np.argsort(-self.choice_scores(self.logits(inputs)), kind="stable")
        return order[: self.n_expert_used].astype(np.int32)

    def _gated(self, logits: FloatArray) -> FloatArray:
        match self.gating:
            case Gating.SIGMOID:
                with np.errstate(over="ignore"):
                    gated: FloatArray = np.float32(1.0) / (np.float32(1.0) + np.exp(-logits))
                return gated
            case Gating.SOFTMAX:
                shifted: FloatArray = logits - logits.max()
                powers = np.exp(shifted)
                if self.choice_bias is None and self.n_group <= 1:
                    log_probabilities: FloatArray = shifted - np.log(powers.sum())
                    return log_probabilities
                probabilities: FloatArray = powers / powers.sum()
                return probabilities
            case Gating.SOFTMAX_WEIGHT:
                return logits
