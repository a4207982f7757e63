"""Routing traces held in memory, and made-up steps for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from offload.routing.route_trace import UNKNOWN, Phase, RouteStep, TraceHeader
from offload.routing.token_routes import TokenRoutes, gather_routes

Layer = Sequence[int]
"""Experts of one token in one layer."""


@dataclass(frozen=True, slots=True)
class ListTrace:
    """A trace whose steps lie in a list."""

    header: TraceHeader
    listed: tuple[RouteStep, ...]

    def steps(self) -> Iterator[RouteStep]:
        return iter(self.listed)


def make_header(
    n_layer: int = 2, n_expert: int = 8, n_expert_used: int = 2, *, n_embd: int = 0, has_weights: bool = True
) -> TraceHeader:
    return TraceHeader(
        model_name="made-up.gguf",
        architecture="qwen3moe",
        fingerprint="00ff",
        layers=tuple(range(1, n_layer + 1)),
        n_expert=n_expert,
        n_expert_used=n_expert_used,
        expert_bytes=tuple(4096 * layer for layer in range(1, n_layer + 1)),
        n_embd=n_embd,
        has_weights=has_weights,
    )


def random_step(
    header: TraceHeader,
    random: np.random.Generator,
    n_tokens: int = 1,
    *,
    sequence: int = 0,
    phase: Phase = Phase.DECODE,
) -> RouteStep:
    """Return a step with distinct experts for each token, and some that are unknown where it is a prompt's."""
    shape = (len(header.layers), n_tokens, header.n_expert_used)
    routes = random.random((*shape[:2], header.n_expert)).argsort(axis=2)[..., : header.n_expert_used].astype(np.int16)
    if phase is Phase.PREFILL:
        routes[-1, :-1] = UNKNOWN
    weights = random.random(shape).astype(np.float16) if header.has_weights else None
    inputs = random.random((*shape[:2], header.n_embd)).astype(np.float16) if header.n_embd else None
    return RouteStep(sequence, phase, random.integers(-1, 40, n_tokens).astype(np.int32), routes, weights, inputs)


def decode_step(*layers: Layer, token: int = -1, sequence: int = 0, phase: Phase = Phase.DECODE) -> RouteStep:
    """Return a step of one token without weights."""
    routes = np.array(layers, np.int16)[:, None, :]
    return RouteStep(sequence, phase, np.array([token], np.int32), routes)


def tokens_of(steps: Sequence[RouteStep], *, n_expert: int = 8) -> TokenRoutes:
    """Return the tokens of `steps`, which all have one shape."""
    n_layer, _, k = steps[0].routes.shape
    return gather_routes(ListTrace(make_header(n_layer, n_expert, k, has_weights=False), tuple(steps)))


def same_steps(one: RouteStep, other: RouteStep) -> bool:
    """Say whether two steps hold the same."""

    def same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
        return a is None if b is None else a is not None and a.dtype == b.dtype and np.array_equal(a, b)

    return (one.sequence, one.phase) == (other.sequence, other.phase) and all(
        same(getattr(one, name), getattr(other, name)) for name in ("tokens", "routes", "weights", "inputs")
    )
