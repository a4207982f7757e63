"""Traces that a tiny model might have left: its routers choose by made-up inputs."""

from pathlib import Path

import numpy as np

from fakes.routing_traces import ListTrace
from offload.experts.gguf_store import GgufStore
from offload.gguf_header import read_gguf_header
from offload.route_recorder import trace_header
from offload.routing.route_trace import Phase, RouteStep
from offload.routing.router_weights import read_gates
from offload.routing.trace_file import TraceWriter


def trace_of_model(path: Path, *, n_sequences: int = 10, n_tokens: int = 30) -> ListTrace:
    """Return answers whose residual stream is drawn by token id, and changes a little from layer to layer."""
    gguf = read_gguf_header(path)
    header = trace_header(gguf, GgufStore(gguf))
    gates = read_gates(gguf, header.layers)
    random = np.random.default_rng(5)
    streams = random.standard_normal((12, header.n_embd)).astype(np.float32)
    shape = (len(gates), 1)
    steps = []
    for sequence in range(n_sequences):
        for place in range(n_tokens):
            token = int(random.integers(len(streams)))
            inputs = np.empty((*shape, header.n_embd), np.float16)
            routes = np.empty((*shape, header.n_expert_used), np.int16)
            stream = streams[token]
            for layer, gate in enumerate(gates):
                inputs[layer, 0] = gate.input_of(stream)
                routes[layer, 0] = gate.router.choose(inputs[layer, 0].astype(np.float32))
                stream = stream + np.float32(0.3) * random.standard_normal(header.n_embd).astype(np.float32)
            weights = np.full((*shape, header.n_expert_used), 0.5, np.float16)
            phase = Phase.DECODE if place > 2 else Phase.PREFILL
            steps.append(RouteStep(sequence, phase, np.array([token], np.int32), routes, weights, inputs))
    return ListTrace(header, tuple(steps))


def write_trace(path: Path, trace: ListTrace) -> str:
    """Write it to `path`, and return that."""
    with TraceWriter(path, trace.header) as writer:
        for step in trace.listed:
            writer.write(step)
    return str(path)
