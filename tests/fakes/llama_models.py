"""Tiny models opened with llama.cpp, for tests: one compute thread, so that a busy machine does not slow them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from offload.llama.context import LlamaContext
from offload.llama.model import LlamaModel

N_CTX = 256
"""llama.cpp's smallest step of a context."""


@contextmanager
def open_context(path: Path, *, n_ctx: int = N_CTX, n_batch: int = 32, n_ubatch: int = 16) -> Iterator[LlamaContext]:
    """Open the model at `path` with a context; closes both."""
    with (
        LlamaModel.open(path) as model,
        LlamaContext.open(model, n_ctx=n_ctx, n_batch=n_batch, n_ubatch=n_ubatch, n_threads=1) as context,
    ):
        yield context
