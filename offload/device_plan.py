"""`DevicePlan`: the part of a memory plan that lies in the memory of a compute device."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """Bytes by part, in the device's memory. The driver's own, and what kernels take beside, come on top."""

    name: str
    """As ggml says."""
    budget_bytes: int
    floor_bytes: int
    """The least budget of this memory there is a plan for."""
    dense_bytes: int
    kv_bytes: int
    compute_bytes: int
    staging_bytes: int
    slot_bytes: int

    @property
    def total_bytes(self) -> int:
        """What is planned to be taken."""
        return self.dense_bytes + self.kv_bytes + self.compute_bytes + self.staging_bytes + self.slot_bytes
