"""How much memory llama.cpp will take for a model and context, asked of llama.cpp itself without loading weights.

llama.cpp can go through a load with allocations simulated (`no_alloc`); what it would allocate stands in its log.
"""

import ctypes
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from offload.errors import DecodeError, ModelFileError
from offload.llama.library import CapturedLog, captured_log, error_cause, load

_LOAD_MODE_NONE: Final = 0
_ALL_LAYERS: Final = 999
_CACHE_LINE: Final = re.compile(r"\bsize\s*=\s*([0-9.]+) MiB \(.*(?:cells|seqs)")
_CACHE_BUFFER_LINE: Final = re.compile(r"(\S+) (?:KV|RS) buffer size\s*=")
_BUFFER_LINE: Final = re.compile(r"(\S+)\s+(compute|output) buffer size\s*=\s*([0-9.]+) MiB")
MIB: Final = 1 << 20
_LOGIT_BYTES: Final = 4


class FootprintDevice(NamedTuple):
    """The compute device a model will be on: all its layers, its KV cache and its compute buffers."""

    address: int
    """Of its `ggml_backend_device`."""
    is_stand_in: bool = False
    """Whether it is the processor, in the place of a GPU."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes llama.cpp takes beside the weights: of the process's memory, and of a compute device's."""

    kv_bytes: int
    """KV cache, or the state of a recurrent model."""
    compute_bytes: int
    """Compute and output buffers."""
    device_kv_bytes: int = 0
    device_compute_bytes: int = 0


def measure_footprint(
    path: Path, *, n_ctx: int, n_batch: int, n_ubatch: int, n_outputs_max: int, device: FootprintDevice | None = None
) -> Footprint:
    """Ask llama.cpp what a context on the model at `path` would take. Loads the vocabulary, no weights.

    Room for the logits of more than one token is made by the first batch that wants them, and counted here. Of a device
    that stands in for a GPU everything is counted, and measured as it is on the CPU.

    Raises:
        ModelFileError: llama.cpp refuses the file; the message carries llama.cpp's own reason.
        DecodeError: it refuses such a context.
    """
    on_gpu = device is not None and not device.is_stand_in
    with captured_log() as log:
        n_vocab = _simulate(path, log, n_ctx, n_batch, n_ubatch, n_outputs_max, device if on_gpu else None)
    found = parse_footprint(log.lines, on_gpu=on_gpu)
    more_logits_bytes = max(n_outputs_max - 1, 0) * n_vocab * _LOGIT_BYTES
    found = replace(found, compute_bytes=found.compute_bytes + more_logits_bytes)
    return Footprint(0, 0, found.kv_bytes, found.compute_bytes) if device is not None and not on_gpu else found


def _simulate(
    path: Path,
    log: CapturedLog,
    n_ctx: int,
    n_batch: int,
    n_ubatch: int,
    n_outputs_max: int,
    device: FootprintDevice | None,
) -> int:
    """Go through a load and the making of a context; return the size of the vocabulary."""
    api = load()
    # An empty list, as of a model on the CPU: without one llama.cpp takes every GPU there is.
    devices = (ctypes.c_void_p * 2)(device.address if device is not None else None)
    model_params = api.llama_model_default_params()
    model_params.no_alloc = True
    model_params.use_extra_bufts = False
    model_params.load_mode = _LOAD_MODE_NONE
    model_params.n_gpu_layers = _ALL_LAYERS if device is not None else 0
    model_params.devices = ctypes.cast(devices, ctypes.c_void_p)
    model = api.llama_model_load_from_file(str(path).encode("utf-8", "surrogateescape"), model_params)
    if not model:
        raise ModelFileError(f"llama.cpp cannot open it: {error_cause(log) or 'no reason given'}.", file=path)
    try:
        params = api.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_outputs_max = n_ctx, n_batch, n_ubatch, n_outputs_max
        params.offload_kqv = params.op_offload = device is not None
        context = api.llama_init_from_model(model, params)
        if not context:
            reason = error_cause(log) or "it gave no reason"
            hint = "Choose a smaller context or batch."
            raise DecodeError(f"llama.cpp cannot make a context of {n_ctx} tokens: {reason}.", status=-2, hint=hint)
        api.llama_free(context)
        return int(api.llama_vocab_n_tokens(api.llama_model_get_vocab(model)))
    finally:
        api.llama_model_free(model)


def parse_footprint(lines: Iterable[str], *, on_gpu: bool = False) -> Footprint:
    """Read the sizes out of llama.cpp's log, summed over caches and kinds of memory.

    With `on_gpu`, what does not lie in the process's memory is the device's: as `CUDA0`, `Vulkan0`, `MTL0_Private`.
    Where two backends use the same kind of memory, as the CPU's and the pager's do, llama.cpp simulates one buffer
    for both and reports it twice: it counts once. Of a cache its buffers say where it lies and, as their allocation is
    simulated, no size; the size is told after them.
    """
    caches = {True: 0.0, False: 0.0}
    cache_is_host = True
    buffers: dict[tuple[str, str], float] = {}
    for line in lines:
        if found := _CACHE_BUFFER_LINE.search(line):
            cache_is_host = _is_host(found[1])
        elif found := _CACHE_LINE.search(line):
            caches[cache_is_host or not on_gpu] += float(found[1])
        elif found := _BUFFER_LINE.search(line):
            buffer = found[1], found[2]
            buffers[buffer] = max(buffers.get(buffer, 0.0), float(found[3]))
    computes = {True: 0.0, False: 0.0}
    for (memory, _), n_mib in buffers.items():
        computes[_is_host(memory) or not on_gpu] += n_mib
    return Footprint(*(round(n_mib * MIB) for n_mib in (caches[True], computes[True], caches[False], computes[False])))


def _is_host(buffer_type: str) -> bool:
    """Say whether buffers of that name lie in the process's memory: the CPU's, and a device's pinned ones."""
    return buffer_type.startswith("CPU") or buffer_type.endswith("_Host")
