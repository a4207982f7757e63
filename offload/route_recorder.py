"""`RouteRecorder`: puts what the graphs of a context tell of their routing together into the steps of a trace.

`JudgedRoutes` takes such steps and says what a cache that knows the future would have made of them.

Thread rule: for the thread that computes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from offload.experts.fingerprint import source_files
from offload.experts.store import ExpertStore
from offload.ggml.paged_weights import PagedWeights
from offload.gguf_header import GgufHeader
from offload.llama.context import LlamaContext, Outputs
from offload.routing.reuse import belady_hits
from offload.routing.route_trace import UNKNOWN, Phase, RouteStep, TraceHeader
from offload.routing.token_routes import gather_routes


def trace_header(header: GgufHeader, store: ExpertStore) -> TraceHeader:
    """Return the header of a trace of this model, router inputs among what is recorded."""
    name = header.metadata.get("general.name")
    return TraceHeader(
        model_name=name if isinstance(name, str) else header.files[0].name,
        architecture=header.architecture,
        fingerprint=source_files(header)[0].fingerprint,
        layers=tuple(store.layers),
        n_expert=max(layout.n_expert for layout in store.layers.values()),
        n_expert_used=header.n_expert_used,
        expert_bytes=tuple(layout.expert_bytes for layout in store.layers.values()),
        n_embd=header.count("embedding_length") or 0,
    )


class RouteRecorder:
    """Records from its making until `close`: every physical batch becomes a step, in order.

    A step whose context was empty begins a new sequence.
    """

    reads_gates = True

    def __init__(
        self,
        header: TraceHeader,
        context: LlamaContext,
        weights: PagedWeights,
        sink: Callable[[RouteStep], None],
    ) -> None:
        self.header = header
        self._context, self._weights, self._sink = context, weights, sink
        self._index = {layer: index for index, layer in enumerate(header.layers)}
        self._sequence = -1
        self._phase = Phase.PREFILL
        self._goes_on = False
        """Whether the batch that was begun last is followed by more of the same prompt."""
        self._tokens: list[int] = []
        self._step: RouteStep | None = None
        context.listeners.append(self._begin_batch)
        weights.observers.append(self)

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        """Learn of one layer of the graph being computed; a graph's layers come in order."""
        index, n_rows = self._index[layer], experts.shape[0]
        if index == 0:
            self._end_step()
            self._step = self._new_step(n_rows)
        step = self._step
        if step is None:
            return  # recording began in the middle of a graph
        rows = slice(step.routes.shape[1] - n_rows, None)  # the last layer computes the last token alone
        step.routes[index, rows] = experts
        if weights is not None and step.weights is not None:
            step.weights[index, rows] = weights
        if inputs is not None and step.inputs is not None:
            step.inputs[index, rows] = inputs

    def close(self) -> None:
        """Hand over the last step and record no more. Harmless when called twice."""
        self._end_step()
        if self in self._weights.observers:
            self._weights.observers.remove(self)
            self._context.listeners.remove(self._begin_batch)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin_batch(self, tokens: Sequence[int] | NDArray[np.int32], logits: Outputs) -> None:
        self._end_step()
        begins = self._context.n_past == 0
        self._sequence += begins
        self._phase = Phase.PREFILL if begins or self._goes_on or len(tokens) > 1 else Phase.DECODE
        self._goes_on = logits == "none"
        self._tokens = [int(token) for token in tokens]

    def _new_step(self, n_tokens: int) -> RouteStep:
        tokens, self._tokens = self._tokens[:n_tokens], self._tokens[n_tokens:]
        header, shape = self.header, (len(self.header.layers), n_tokens)
        return RouteStep(
            sequence=max(self._sequence, 0),
            phase=self._phase,
            tokens=np.array(tokens, np.int32),
            routes=np.full((*shape, header.n_expert_used), UNKNOWN, np.int16),
            weights=np.zeros((*shape, header.n_expert_used), np.float16) if header.has_weights else None,
            inputs=np.zeros((*shape, header.n_embd), np.float16) if header.n_embd else None,
        )

    def _end_step(self) -> None:
        step, self._step = self._step, None
        if step is not None:
            self._sink(step)


class JudgedRoutes:
    """The routes of what is generated meanwhile, and the most hits that slots could have had with them."""

    def __init__(self, header: TraceHeader, capacity: Mapping[int, int]) -> None:
        """Judge for `capacity[layer]` slots."""
        self.header = header
        self._slots = [min(capacity[layer], header.n_expert) for layer in header.layers]
        self._steps: list[RouteStep] = []

    def add(self, step: RouteStep) -> None:
        """Take one step."""
        self._steps.append(step)

    def steps(self) -> Iterator[RouteStep]:
        """Yield the steps in the order they were computed."""
        return iter(self._steps)

    def best_hit_rate(self) -> float | None:
        """Return Belady's hit rate of the decoded tokens, 0 to 1; None where none was decoded."""
        tokens = gather_routes(self)
        sizes = sorted(set(self._slots))
        hits = belady_hits(tokens.routes, tokens.is_decode, self.header.n_expert, tuple(sizes))
        n_hits = sum(int(hits[sizes.index(n_slots), index]) for index, n_slots in enumerate(self._slots))
        n_accesses = int((tokens.routes[:, tokens.is_decode] != UNKNOWN).sum())
        return n_hits / n_accesses if n_accesses else None
