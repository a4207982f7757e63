"""How much memory llama.cpp will take for a model and context, asked of llama.cpp itself without loading weights.

llama.cpp can go through a load with allocations simulated (`no_alloc`); what it would allocate stands in its log.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from offload.errors import DecodeError, ModelFileError
from offload.llama.library import captured_log, error_cause, load

_LOAD_MODE_NONE: Final = 0
_CACHE_LINE: Final = re.compile(r"\bsize\s*=\s*([0-9.]+) MiB \(.*(?:cells|seqs)")
_BUFFER_LINE: Final = re.compile(r"(\S+\s+(?:compute|output)) buffer size\s*=\s*([0-9.]+) MiB")
MIB: Final = 1 << 20
_LOGIT_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes llama.cpp takes beside the weights."""

    kv_bytes: int
    """KV cache, or the state of a recurrent model."""
    compute_bytes: int
    """Compute and output buffers."""


def measure_footprint(path: Path, *, n_ctx: int, n_batch: int, n_ubatch: int, n_outputs_max: int) -> Footprint:
    """Ask llama.cpp what a context on the model at `path` would take. Loads the vocabulary, no weights.

    Room for the logits of more than one token is made by the first batch that wants them, and counted here.

    Raises:
        ModelFileError: llama.cpp refuses the file; the message carries llama.cpp's own reason.
        DecodeError: it refuses such a context.
    """
    api = load()
    model_params = api.llama_model_default_params()
    model_params.no_alloc = True
    model_params.use_extra_bufts = False
    model_params.load_mode = _LOAD_MODE_NONE
    model_params.n_gpu_layers = 0
    with captured_log() as log:
        model = api.llama_model_load_from_file(str(path).encode("utf-8", "surrogateescape"), model_params)
        if not model:
            raise ModelFileError(f"llama.cpp cannot open it: {error_cause(log) or 'no reason given'}.", file=path)
        try:
            params = api.llama_context_default_params()
            params.n_ctx, params.n_batch, params.n_ubatch, params.n_outputs_max = (
                n_ctx,
                n_batch,
                n_ubatch,
                n_outputs_max,
            )
            params.offload_kqv = params.op_offload = False
            context = api.llama_init_from_model(model, params)
            if not context:
                reason = error_cause(log) or "it gave no reason"
                hint = "Choose a smaller context or batch."
                raise DecodeError(f"llama.cpp cannot make a context of {n_ctx} tokens: {reason}.", status=-2, hint=hint)
            api.llama_free(context)
            n_vocab = int(api.llama_vocab_n_tokens(api.llama_model_get_vocab(model)))
        finally:
            api.llama_model_free(model)
    footprint = parse_footprint(log.lines)
    more_logits_bytes = max(n_outputs_max - 1, 0) * n_vocab * _LOGIT_BYTES
    return replace(footprint, compute_bytes=footprint.compute_bytes + more_logits_bytes)


def parse_footprint(lines: Iterable[str]) -> Footprint:
    """Read the sizes out of llama.cpp's log, summed over caches and kinds of memory.

    Where two backends use the same kind of memory, as the CPU's and the pager's do, llama.cpp simulates one buffer
    for both and reports it twice: it counts once.
    """
    kv = 0.0
    buffers: dict[str, float] = {}
    for line in lines:
        if found := _CACHE_LINE.search(line):
            kv += float(found[1])
        elif found := _BUFFER_LINE.search(line):
            buffers[found[1]] = max(buffers.get(found[1], 0.0), float(found[2]))
    return Footprint(round(kv * MIB), round(sum(buffers.values()) * MIB))
