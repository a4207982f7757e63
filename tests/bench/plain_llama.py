"""Plain llama.cpp as a contender, in a process of its own: mapped from the file, or with everything resident.

Extra buffer types stay off (some machines advertise AMX and crash in its kernels); the interleaved layout is asked for
by override instead, tensor by tensor, wherever it has a kernel.
"""

import argparse
import ctypes
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


class Weights(Enum):
    """Where the weights are, and in which layout."""

    MMAP = "mmap"
    """Mapped from the file, as llama.cpp does without being told."""
    PLAIN_EXPERTS = "plain-experts"
    """In memory; dense weights interleaved where there is a kernel, experts as in the file."""
    INTERLEAVED = "interleaved"
    """In memory, everything interleaved where there is a kernel."""


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
def opened(path: Path, weights: Weights, work: Workload) -> Iterator[_PlainLlama]:
    """Open a model in llama.cpp.

    Raises:
        RuntimeError: llama.cpp refuses the file or the context.
    """
    llama_cpp.llama_log_set(_quiet, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    overrides = _overrides(path, weights)
    override_array = (_Override * (len(overrides) + 1))(
        *(_Override(override.pattern.encode(), override.buffer_type) for override in overrides)
    )
    model_params = llama_cpp.llama_model_default_params()
    mapped = weights is Weights.MMAP
    model_params.load_mode = llama_cpp.LLAMA_LOAD_MODE_MMAP if mapped else llama_cpp.LLAMA_LOAD_MODE_DIRECT_IO
    model_params.use_extra_bufts = False
    model_params.n_gpu_layers = 0
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
    options = parser.parse_args(arguments)
    print_line(measure(lambda: opened(Path(options.model), options.weights, options.workload), options.workload))
    return 0


if __name__ == "__main__":
    sys.exit(main())
