"""The routers of the model that a trace was recorded of, read from its file without loading it."""

from pathlib import Path

from offload.errors import UsageError
from offload.experts.fingerprint import source_files
from offload.gguf_header import read_gguf_header
from offload.routing.route_trace import TraceHeader
from offload.routing.router_weights import LayerGate, read_gates


def gates_of_trace(path: Path | str, trace: TraceHeader) -> tuple[LayerGate, ...]:
    """Return the gates of the layers of `trace`, in that order, from the model at `path`.

    A trace without a fingerprint is taken for one of this model if its shape is.

    Raises:
        UsageError: the trace is of another model.
        ModelNotFoundError: there is no such file.
        ModelFileError: it is malformed.
        OffloadError: how this model routes is not known.
    """
    header = read_gguf_header(path)
    layers = tuple(sorted({tensor.layer for tensor in header.expert_tensors}))
    shape = (layers, header.n_expert, header.n_expert_used)
    fingerprint = source_files(header)[0].fingerprint
    same_file = not trace.fingerprint or trace.fingerprint == fingerprint
    same_width = trace.n_embd in (0, header.count("embedding_length") or 0)
    if not same_file or not same_width or shape != (trace.layers, trace.n_expert, trace.n_expert_used):
        raise UsageError(
            f"The trace is of {trace.model_name or 'another model'} ({trace.fingerprint[:8] or 'unknown'}), "
            f"not of {header.files[0].name} ({fingerprint[:8]}).",
            hint="Give the model that it was recorded with.",
        )
    return read_gates(header, trace.layers)
