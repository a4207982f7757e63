"""`DeviceTarget`: where a part of an expert goes in a compute device's memory; `DeviceMemory`: what takes it there."""

from typing import NamedTuple, Protocol


class DeviceTarget(NamedTuple):
    """`n_bytes` from `offset` of a numbered block of the device's memory."""

    block: int
    offset: int
    n_bytes: int


class DeviceMemory(Protocol):
    """The memory of a compute device. Any thread may call, for different targets at once; both ways block.

    The payload is contiguous and as long as the target.
    """

    def upload(self, target: DeviceTarget, payload: memoryview) -> None:
        """Copy `payload` to the device. Raises DeviceError; the target's contents are then undefined."""
        ...

    def download(self, target: DeviceTarget, payload: memoryview) -> None:
        """Copy what lies on the device into `payload`. Raises DeviceError; `payload` is then undefined."""
        ...

    def is_slot(self, target: DeviceTarget) -> bool:
        """Say whether what is uploaded there stays; False of a staging place, which is soon overwritten."""
        ...
