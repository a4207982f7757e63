"""Small GGUF models whose experts are arbitrary bytes, for tests that move experts and compute nothing with them."""

from pathlib import Path

import numpy as np
from gguf import GGUFWriter
from numpy.typing import NDArray

from offload.experts.key import ExpertKey
from offload.experts.reader import Target
from offload.experts.store import ExpertStore, LayerLayout, WeightKind, page_ceil

Bytes = NDArray[np.uint8]


def write_expert_model(
    path: Path,
    *,
    kinds: tuple[str, ...] = ("gate", "up", "down"),
    n_layer: int = 2,
    n_expert: int = 4,
    shape: tuple[int, int] = (10, 1000),
    seed: int = 0,
    n_values: int = 256,
    name: str = "experts",
) -> dict[tuple[int, str], Bytes]:
    """Write a model of I8 experts with `shape` (rows, columns); return each tensor's bytes, one row for each expert.

    With few `n_values` the bytes compress well. Models that differ only in `seed` have equal headers.
    """
    rng = np.random.default_rng(seed)
    writer = GGUFWriter(path, "qwen3moe")
    writer.add_name(name)
    writer.add_block_count(n_layer)
    writer.add_expert_count(n_expert)
    writer.add_expert_used_count(min(2, n_expert))
    written: dict[tuple[int, str], Bytes] = {}
    writer.add_tensor("token_embd.weight", np.zeros((3, 32), np.float32))
    for layer in range(n_layer):
        for kind in kinds:
            data = rng.integers(0, n_values, (n_expert, *shape), np.uint8)
            written[layer, kind] = data.reshape(n_expert, -1)
            writer.add_tensor(f"blk.{layer}.ffn_{kind}_exps.weight", data.view(np.int8))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return written


def slot_targets(layout: LayerLayout) -> dict[WeightKind, Target]:
    """Return page-aligned targets for one expert, each with a page of its own behind it, filled with 0xEE."""
    return {part.kind: Target(aligned_memory(part.region_bytes), part.start, part.n_bytes) for part in layout.parts}


def aligned_memory(n_bytes: int, fill: int = 0xEE) -> memoryview:
    """Return page-aligned writable memory of `n_bytes`, rounded up to whole pages."""
    size = page_ceil(n_bytes)
    raw = np.full(size + 4096, fill, np.uint8)
    start = -raw.ctypes.data % 4096
    return raw.data[start : start + size]


def keys_of(store: ExpertStore) -> list[ExpertKey]:
    """Return every expert of a store."""
    return [ExpertKey(number, expert) for number, layer in store.layers.items() for expert in range(layer.n_expert)]


class ReversingInterleaver:
    """Stands in for the CPU's interleaved layout: bytes reversed. Supports the kinds of matrix it is told."""

    def __init__(self, layout_name: str = "REVERSED/test", n_rows: int | None = None) -> None:
        self.layout_name = layout_name
        self._n_rows = n_rows

    def supports(self, ggml_type: int, ne0: int, ne1: int) -> bool:
        return self._n_rows is None or ne1 == self._n_rows

    def interleave(self, ggml_type: int, ne0: int, ne1: int, source: Bytes, out: Bytes) -> None:
        assert len(source) == len(out) == ne0 * ne1
        out[:] = source[::-1]
