"""Plain llama.cpp with every layer on the software Vulkan device: what the gates of the GPU tier compare with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fakes.paged_runs import N_CTX, PROMPT
from offload.llama.context import ContextBuffers, LlamaContext
from offload.llama.library import captured_log, load
from offload.llama.model import LlamaModel
from vulkan.devices import software_vulkan

_ALL_LAYERS = 999


@dataclass(frozen=True, slots=True)
class PlainDeviceRun:
    """A context that computes on the device, and what llama.cpp logged while the model and it were made."""

    context: LlamaContext
    log: list[str]


@contextmanager
def plain_device_context(path: Path, *, n_ubatch: int = 16) -> Iterator[PlainDeviceRun]:
    """Open the model at `path` with llama.cpp's own defaults, all its layers and the KV cache on the device.

    Raises:
        LookupError: ggml does not list software Vulkan.
    """
    software_vulkan()
    api = load()
    model_params = api.llama_model_default_params()
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
