"""Plain llama.cpp with every layer on the device of the gates: what the gates of the GPU tier compare with."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fakes.paged_runs import ANSWER, N_CTX, PROMPT, Logits, decode, prefill
from offload.llama.context import ContextBuffers, LlamaContext
from offload.llama.library import captured_log, load
from offload.llama.model import LlamaModel
from vulkan.devices import gates_device

_ALL_LAYERS = 999
_N_ANSWER = 24
"""Tokens: the device is slow, and after so many every size of the tiers has evicted experts."""


@dataclass(frozen=True, slots=True)
class PlainDeviceRun:
    """A context that computes on the device, and what llama.cpp logged while the model and it were made."""

    context: LlamaContext
    log: list[str]


@contextmanager
def plain_device_context(path: Path, *, n_ubatch: int = 16) -> Iterator[PlainDeviceRun]:
    """Open the model at `path` with llama.cpp's own defaults, all its layers and the KV cache on the device.

    Raises:
        LookupError: ggml does not list the device.
    """
    device = gates_device()
    api = load()
    model_params = api.llama_model_default_params()
    # One device: with several GPUs llama.cpp would share the layers out among them.
    devices = (ctypes.c_void_p * 2)(device.address, None)
    model_params.devices = ctypes.cast(devices, ctypes.c_void_p)
    model_params.n_gpu_layers = _ALL_LAYERS
    params = api.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = N_CTX, len(PROMPT), n_ubatch
    params.n_threads = params.n_threads_batch = 1
    with captured_log() as log:
        model_handle = api.llama_model_load_from_file(str(path).encode(), model_params)
        assert model_handle, log.errors
        with LlamaModel(model_handle, path, ()) as model:
            handle = api.llama_init_from_model(model_handle, params)
            assert handle, log.errors
            with LlamaContext(model, handle, ContextBuffers()) as context:
                yield PlainDeviceRun(context, list(log.lines))


def prompt_and_answer(context: LlamaContext) -> Logits:
    """Compute PROMPT as a batch and the start of ANSWER token by token; return all logits, in order."""
    return np.concatenate([prefill(context), decode(context, ANSWER[:_N_ANSWER])])
