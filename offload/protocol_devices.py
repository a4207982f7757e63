"""The protocol's request and event about compute devices."""

from dataclasses import dataclass

from offload.listed_device import ListedDevice


@dataclass(frozen=True, slots=True)
class DevicesRequest:
    """Ask which devices may compute in the place of the CPU; nothing is loaded."""

    id: int


@dataclass(frozen=True, slots=True)
class DevicesEvent:
    """The devices, in the order in which they are numbered; none: the CPU computes."""

    id: int
    devices: tuple[ListedDevice, ...]
