"""Plain llama.cpp as a contender, in a process of its own: mapped from the file, or with everything resident.

Extra buffer types stay off (some machines advertise AMX and crash in its kernels); the interleaved layout is asked for
by override instead, tensor by tensor, wherever it has a kernel.
"""

import argparse
import ctypes
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from llama_cpp import llama_cpp
from numpy.typing import NDArray

from bench.measurement import Paging, Tokens, Workload, add_arguments, measure, print_line

if TYPE_CHECKING:
    from offload.llama.model import BufferOverride


_LEVEL_ERROR = 4
"""GGML_LOG_LEVEL_ERROR of ggml.h."""
_ALL_LAYERS = 999


class Weights(Enum):
    """Where the weights are, and in which layout."""

    MMAP = "mmap"
    """Mapped from the file, as llama.cpp does without being told."""
    PLAIN_EXPERTS = "plain-experts"
    """In memory; dense weights interleaved where there is a kernel, experts as in the file."""
    INTERLEAVED = "interleaved"
    """In memory, everything interleaved where there is a kernel."""


@dataclass(frozen=True, slots=True)
class Offloaded:
    """What of a model is on a device: all of it but the experts of some layers."""

    device: str
    n_cpu_moe: int = 0
    """Layers, from the first, whose experts the CPU computes: as many as llama.cpp's option of that name says."""


class _Override(ctypes.Structure):
    """struct llama_model_tensor_buft_override { const char * pattern; ggml_backend_buffer_type_t buft; }"""

    _fields_: ClassVar = [("pattern", ctypes.c_char_p), ("buft", ctypes.c_void_p)]


class _PlainLlama:
    """A context of llama.cpp's, one sequence."""

    def __init__(self, context: int, n_vocab: int) -> None:
        self._context = context
        self._n_vocab = n_vocab

    @property
    def n_vocab(self) -> int:
        return self._n_vocab

    def feed(self, tokens: Tokens) -> None:
        # The batch keeps a bare pointer to the array, which lives until the call returns.
        array = (ctypes.c_int32 * len(tokens))(*tokens.tolist())
        status = llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(array, len(tokens)))
        if status != 0:
            raise RuntimeError(f"llama_decode returned {status} for {len(tokens)} tokens")

    def logits(self) -> NDArray[np.float32]:
        return np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self._context, -1), (self._n_vocab,))

    def clear(self) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)

    def paging(self) -> Paging | None:
        return None


@contextmanager
def opened(path: Path, weights: Weights, work: Workload, offloaded: Offloaded | None = None) -> Iterator[_PlainLlama]:
    """Open a model in llama.cpp; with `offloaded`, `weights` says how the experts lie that the CPU computes.

    Raises:
        UsageError: there is no such device.
        RuntimeError: llama.cpp refuses the file or the context.
    """
    llama_cpp.llama_log_set(_quiet, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    overrides = _overrides(path, weights) if offloaded is None else _experts_on_cpu(path, weights, offloaded.n_cpu_moe)
    override_array = (_Override * (len(overrides) + 1))(
        *(_Override(override.pattern.encode(), override.buffer_type) for override in overrides)
    )
    model_params = llama_cpp.llama_model_default_params()
    mapped = weights is Weights.MMAP
    model_params.load_mode = llama_cpp.LLAMA_LOAD_MODE_MMAP if mapped else llama_cpp.LLAMA_LOAD_MODE_DIRECT_IO
    model_params.use_extra_bufts = False
    model_params.n_gpu_layers = 0
    device = _device_address(offloaded.device) if offloaded is not None else None
    devices = (ctypes.c_void_p * 2)(device, None)
    if device is not None:
        model_params.devices = ctypes.cast(devices, ctypes.c_void_p)
        model_params.n_gpu_layers, model_params.split_mode = _ALL_LAYERS, llama_cpp.LLAMA_SPLIT_MODE_NONE
    if overrides:
        model_params.tensor_buft_overrides = ctypes.cast(override_array, ctypes.c_void_p)
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
    if not model:
        raise RuntimeError(f"llama.cpp does not load {path}")
    try:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = work.n_ctx
        params.n_threads = params.n_threads_batch = work.n_threads
        context = llama_cpp.llama_init_from_model(model, params)
        if not context:
            raise RuntimeError(f"llama.cpp makes no context of {work.n_ctx} tokens")
        try:
            n_vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
            yield _PlainLlama(context, int(n_vocab))
        finally:
            llama_cpp.llama_free(context)
    finally:
        llama_cpp.llama_model_free(model)


def _overrides(path: Path, weights: Weights) -> "list[BufferOverride]":
    """Return what puts tensors into the interleaved layout: the same ones that `offload` puts there."""
    if weights is Weights.MMAP:
        return []  # and nothing of offload is imported
    import re

    from offload.ggml.interleave import Interleaver, interleaved_buffer_type
    from offload.gguf_header import read_gguf_header
    from offload.llama.model import BufferOverride
    from offload.paged_model import dense_overrides

    header = read_gguf_header(path)
    overrides = dense_overrides(header)
    buffer_type = interleaved_buffer_type()
    if weights is Weights.PLAIN_EXPERTS or buffer_type is None:
        return overrides
    interleaver = Interleaver()
    try:
        for tensor in header.expert_tensors:
            info = tensor.info
            if interleaver.supports(int(info.type), info.shape[0], info.shape[1]):
                overrides.append(BufferOverride(f"^{re.escape(info.name)}$", buffer_type))
    finally:
        interleaver.close()
    return overrides


def _experts_on_cpu(path: Path, weights: Weights, n_layers: int) -> "list[BufferOverride]":
    """Return what leaves the experts of the first layers to the CPU, interleaved where that is asked for and can be."""
    import re

    from offload.ggml.interleave import Interleaver, interleaved_buffer_type
    from offload.ggml.symbols import symbols
    from offload.gguf_header import read_gguf_header
    from offload.llama.model import BufferOverride

    plain = int(symbols().ggml_backend_cpu_buffer_type())
    buffer_type = interleaved_buffer_type() if weights is Weights.INTERLEAVED else None
    interleaver = Interleaver()
    try:
        overrides = []
        for tensor in read_gguf_header(path).expert_tensors:
            info = tensor.info
            if tensor.layer < n_layers:
                fits = interleaver.supports(int(info.type), info.shape[0], info.shape[1])
                there = buffer_type if buffer_type is not None and fits else plain
                overrides.append(BufferOverride(f"^{re.escape(info.name)}$", there))
        return overrides
    finally:
        interleaver.close()


def _device_address(name: str) -> int | None:
    """Return the address of a ggml device; None: the processor, that stands in for one."""
    from offload.ggml.devices import choose_device, list_devices

    device = choose_device(name, list_devices())
    return device.address if device is not None and not device.is_stand_in else None


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _quiet(level: int, text: bytes, _user_data: object) -> None:
    """Let only errors through."""
    if level == _LEVEL_ERROR:
        sys.stderr.write(text.decode("utf-8", "replace"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description="Measure plain llama.cpp on fixed tokens.")
    add_arguments(parser)
    parser.add_argument("--weights", type=Weights, default=Weights.MMAP)
    parser.add_argument("--device", help="what computes, all of it but the experts that are left to the CPU")
    parser.add_argument("--n-cpu-moe", type=int, default=0, metavar="N", help="layers whose experts the CPU computes")
    options = parser.parse_args(arguments)
    work: Workload = options.workload
    offloaded = Offloaded(options.device, options.n_cpu_moe) if options.device else None
    print_line(measure(lambda: opened(Path(options.model), options.weights, work, offloaded), work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
