"""`ListedDevice`: a compute device of this machine, as a person chooses it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device that models may be computed on in place of the CPU. Both sizes are 0 where it cannot tell them."""

    name: str
    """As ggml says, and as a configuration names it: `CUDA0`, `Vulkan0`."""
    description: str
    """What a person calls it."""
    total_bytes: int
    free_bytes: int
    """When it was listed."""
    shares_memory: bool = False
    """Whether its memory is the machine's own."""
