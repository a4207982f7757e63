"""Who is measured against whom on a GPU, and how much of each fits the same memory of it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bench.measurement import Measurement

ALL_LAYERS = 999


class Way(Enum):
    """How a model bigger than the GPU's memory is computed."""

    WHOLE = "llama, all on the GPU"
    CPU_MOE = "llama, --cpu-moe"
    CPU_MOE_INTERLEAVED = "llama, --cpu-moe, interleaved"
    SPLIT = "llama, --n-cpu-moe"
    SPLIT_INTERLEAVED = "llama, --n-cpu-moe, interleaved"
    COPY = "offload, copy"
    AUTO = "offload, auto"
    COMPUTE = "offload, compute"
    MMAP_LIMITED = "llama, --cpu-moe, mmap, limited"
    COPY_LIMITED = "offload, copy, limited"
    AUTO_LIMITED = "offload, auto, limited"

    @property
    def is_offload(self) -> bool:
        """Return whether experts are paged."""
        return self.value.startswith("offload")

    @property
    def is_limited(self) -> bool:
        """Return whether it runs inside the memory limit; the others take what they need."""
        return self.value.endswith("limited")

    @property
    def computes_all_on_gpu(self) -> bool:
        """Return whether the CPU computes no expert: then logits are those of all on the GPU, bit for bit."""
        return self in (Way.WHOLE, Way.COPY, Way.COPY_LIMITED)


IN_RAM = (Way.COPY, Way.AUTO, Way.COMPUTE)
CPU_MOES = (Way.CPU_MOE, Way.CPU_MOE_INTERLEAVED)
SPLITS = (Way.SPLIT, Way.SPLIT_INTERLEAVED)
LIMITED = (Way.COPY_LIMITED, Way.AUTO_LIMITED)


@dataclass(frozen=True, slots=True)
class GpuContender:
    """One way, with so much of the GPU's memory."""

    way: Way
    share: float | None = None
    """Of the experts of each layer, that there are slots for; None where the way has no use for one."""

    @property
    def name(self) -> str:
        """Return what the table calls it."""
        return self.way.value if self.share is None else f"{self.way.value}, {self.share:.0%}"


@dataclass(frozen=True, slots=True)
class Sizes:
    """What every contender may take."""

    device: str
    memory_bytes: int
    """Budget of the process where all experts are in RAM."""
    limited_bytes: int
    """Budget of the process where RAM is limited too."""
    vram_bytes: dict[float, int]
    """By share: the budget of the GPU's memory."""
    n_cpu_moe: dict[float, int]
    """By share: layers of llama.cpp's whose experts do not fit the same memory."""


@dataclass(frozen=True, slots=True)
class GpuRun:
    """One process of one contender."""

    contender: GpuContender
    round_number: int
    measurement: Measurement


def contenders(shares: Sequence[float], *, whole_fits: bool) -> list[GpuContender]:
    """Return who takes part, in the order they run."""
    found = [GpuContender(Way.WHOLE)] if whole_fits else []
    found += [GpuContender(way) for way in CPU_MOES]
    found += [GpuContender(way, share) for share in shares for way in (*SPLITS, *IN_RAM)]
    return [*found, GpuContender(Way.MMAP_LIMITED), *(GpuContender(way, share) for share in shares for way in LIMITED)]


def command(contender: GpuContender, sizes: Sizes) -> list[str]:
    """Return the command of a contender's process, without model and workload."""
    way, share = contender.way, contender.share
    if way.is_offload:
        assert share is not None
        memory_bytes = sizes.limited_bytes if way.is_limited else sizes.memory_bytes
        budgets = ["--memory-bytes", str(memory_bytes), "--vram-bytes", str(sizes.vram_bytes[share])]
        on_miss = way.value.split(", ")[1]
        program = [sys.executable, "-m", "bench.offload_run", "--store", "gguf"]
        return [*program, *budgets, "--device", sizes.device, "--on-miss", on_miss]
    n_cpu_moe = 0 if way is Way.WHOLE else ALL_LAYERS
    if way in SPLITS:
        assert share is not None
        n_cpu_moe = sizes.n_cpu_moe[share]
    interleaved = way in (Way.CPU_MOE_INTERLEAVED, Way.SPLIT_INTERLEAVED)
    weights = "mmap" if way is Way.MMAP_LIMITED else "interleaved" if interleaved else "plain-experts"
    program = [sys.executable, "-m", "bench.plain_llama", "--weights", weights]
    return [*program, "--device", sizes.device, "--n-cpu-moe", str(n_cpu_moe)]


def n_cpu_moe(layer_bytes: Sequence[int], room_bytes: int) -> int:
    """Return of how many layers, from the first, the experts must stay with the CPU for the rest to fit the room.

    `layer_bytes`: of the experts of each layer, 0 for a dense one.
    """
    for n_layers in range(len(layer_bytes)):
        if sum(layer_bytes[n_layers:]) <= room_bytes:
            return n_layers
    return len(layer_bytes)


def slots_of_share(share: float, n_expert: int, n_expert_used: int) -> int:
    """Return how many slots of a layer are that share of its experts; not fewer than a token routes to."""
    return min(n_expert, max(n_expert_used, round(share * n_expert)))
