"""`uses_to_copy`: what it costs to copy an expert to a device, in rows of it that the CPU could compute instead."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from offload.experts.store import ExpertStore
from offload.ggml.device_memory import DeviceBuffer
from offload.ggml.weight_speed import WeightPasses
from offload.gguf_header import ExpertTensor, GgufHeader

_REPEATS = 7
_PASS_BYTES = 64 << 20
"""Of weights that are multiplied with to tell the CPU's speed: more than its caches hold."""
_COPIES_OF_ROW = 4
"""Of vectors, for each expert that the CPU computes: the inputs of gate and up, and of down; what they give."""
_STEP = 0.5
"""To which the answer is rounded: the same machine shall give the same one the next time."""


def uses_to_copy(header: GgufHeader, store: ExpertStore, device: int, n_threads: int) -> float:
    """Return by how many uses copying an expert costs more than computing it on the CPU, beyond the first; 0 or more.

    Measured with the first layer's experts, in about half a second.

    Raises:
        DeviceError: the device has no room for one expert.
        DecodeError: ggml failed.
    """
    layer = min(store.layers)
    parts = [tensor for tensor in header.expert_tensors if tensor.layer == layer]
    copying = sum(_copy_seconds(device, part.expert_bytes) for part in parts)
    vector_bytes = 4 * max(max(part.info.shape[:2]) for part in parts)
    computing = sum(_compute_seconds(part, n_threads) for part in parts)
    computing += _COPIES_OF_ROW * _copy_seconds(device, vector_bytes)
    return max(0.0, round((copying / computing - 1) / _STEP) * _STEP)


def _copy_seconds(device: int, n_bytes: int) -> float:
    content = memoryview(np.ones(n_bytes, np.uint8).tobytes())
    buffer = DeviceBuffer(device, n_bytes)
    try:
        return _median_seconds(lambda: buffer.write(0, content))
    finally:
        buffer.close()


def _compute_seconds(part: ExpertTensor, n_threads: int) -> float:
    n_columns, n_rows = part.info.shape[:2]
    with WeightPasses(
        int(part.info.type), n_columns, n_rows, n_bytes=_PASS_BYTES, interleaved=False, n_threads=n_threads
    ) as passes:
        return float(_median_seconds(passes.seconds) / passes.n_steps)


def _median_seconds(work: Callable[[], object]) -> float:
    work()
    samples = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        samples.append(time.perf_counter() - start)
    return float(statistics.median(samples))
