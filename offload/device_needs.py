"""`DeviceNeeds`: what a model and its contexts take of a compute device's memory."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from offload.experts.racks import NO_LIMIT
from offload.experts.store import LayerLayout
from offload.gguf_header import GgufHeader

INPUT_WEIGHTS = frozenset(
    f"{name}.weight" for name in ("token_embd", "position_embd", "token_types", "per_layer_token_embd")
)
"""Weights that rows are looked up in, a row for a token: llama.cpp leaves them to the CPU. Source: llama-arch.cpp,
LLM_TENSOR_LAYER_INPUT."""
OUTPUT_WEIGHT = "output.weight"


@dataclass(frozen=True, slots=True)
class DeviceNeeds:
    """What lies in the device's memory apart from slots and staging, and the least that lies behind them; in bytes."""

    name: str
    """Of the device, as ggml says."""
    dense_bytes: int
    kv_bytes: int
    compute_bytes: int
    least_host_bytes: int = 0
    """The least cache of experts in the process's memory: what is on its way to the device lies in it."""
    most_bytes: int = NO_LIMIT
    """Of the device's memory in one piece."""

    def of_sequences(self, n_parallel: int) -> "DeviceNeeds":
        """Return what so many sequences need; `self` is of one."""
        return replace(self, kv_bytes=n_parallel * self.kv_bytes, compute_bytes=n_parallel * self.compute_bytes)

    @property
    def fixed_bytes(self) -> int:
        """Everything in the device's memory that does not depend on the number of slots."""
        return self.dense_bytes + self.kv_bytes + self.compute_bytes


def input_bytes(header: GgufHeader) -> int:
    """Return the bytes of the weights that stay in the process's memory."""
    return sum(info.n_bytes for name, info in header.tensors.items() if name in INPUT_WEIGHTS)


def device_dense_bytes(header: GgufHeader, dense_bytes: int) -> int:
    """Return what of `dense_bytes` lies in the device's memory.

    A model without an output matrix multiplies with its token embedding: then the device has a copy of it.
    """
    embedding = header.tensors.get("token_embd.weight")
    tied = embedding is not None and OUTPUT_WEIGHT not in header.tensors
    return dense_bytes - input_bytes(header) + (embedding.n_bytes if embedding is not None and tied else 0)


def least_host_bytes(layers: Mapping[int, LayerLayout], n_expert_used: int, n_readers: int) -> int:
    """Return the least cache behind a device's slots: the routed experts of a layer, and a part for every reader."""
    of_layer = max((n_expert_used * layout.slot_bytes for layout in layers.values()), default=0)
    largest = max((part.region_bytes for layout in layers.values() for part in layout.parts), default=0)
    return max(of_layer, n_readers * largest)
