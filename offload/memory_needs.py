"""`Needs`: what a model and its contexts take of the process's memory."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from offload.experts.staging import Notes
from offload.experts.store import LayerLayout

SEQUENCE_BYTES = 8 << 20
"""What another sequence takes beside its KV cache and compute buffers: a thread, graphs, the allocator's slack."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model and its contexts take, apart from slots and staging; all sizes in bytes."""

    runtime_bytes: int
    """Python, the libraries, the vocabulary: measured of this process, with a margin."""
    dense_bytes: int
    kv_bytes: int
    compute_bytes: int
    reading_bytes: int
    """Scratch memory of the reading threads."""
    n_ctx: int
    n_ubatch: int
    n_expert_used: int
    layers: Mapping[int, LayerLayout]
    huge_pages: bool = False
    """Whether the system backs all memory with huge pages, asked or not."""
    n_parallel: int = 1
    """Sequences at once, each with a context of its own."""

    def of_sequences(self, n_parallel: int) -> "Needs":
        """Return what so many sequences need; `self` is of one."""
        return replace(
            self,
            n_parallel=n_parallel,
            runtime_bytes=self.runtime_bytes + (n_parallel - 1) * SEQUENCE_BYTES,
            kv_bytes=n_parallel * self.kv_bytes,
            compute_bytes=n_parallel * self.compute_bytes,
        )

    @property
    def notes(self) -> Notes:
        """What a kernel notes of a batch for each expert: at most every token, in 8 bytes."""
        return Notes(8 * self.n_expert_used * self.n_ubatch, self.huge_pages)

    @property
    def fixed_bytes(self) -> int:
        """Everything that does not depend on the number of slots."""
        return self.runtime_bytes + self.dense_bytes + self.kv_bytes + self.compute_bytes + self.reading_bytes

    @property
    def fewest_slots(self) -> dict[int, int]:
        """By layer: the slots of the experts that one token is routed to."""
        return {layer: min(self.n_expert_used, layout.n_expert) for layer, layout in self.layers.items()}

    @property
    def all_slots(self) -> dict[int, int]:
        """By layer: a slot for every expert."""
        return {layer: layout.n_expert for layer, layout in self.layers.items()}

    @property
    def floor_bytes(self) -> int:
        """The least budget there is a plan for."""
        return self.fixed_bytes + slots_bytes(self.layers, self.fewest_slots)

    @property
    def whole_bytes(self) -> int:
        """The least budget at which nothing is paged; the floor itself for a dense model."""
        return self.fixed_bytes + slots_bytes(self.layers, self.all_slots)


def slots_bytes(layers: Mapping[int, LayerLayout], capacity: Mapping[int, int]) -> int:
    """Return the memory of so many slots in each layer."""
    return sum(capacity[layer] * layout.slot_bytes for layer, layout in layers.items())
