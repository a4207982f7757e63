"""`ByteDevice`: a compute device whose memory is bytearrays, and which may refuse; `Block`: host memory likewise."""

import threading
from collections.abc import Callable

from fakes.tiny_experts import content
from offload.experts.device_target import DeviceTarget
from offload.experts.key import ExpertKey
from offload.experts.store import ExpertStore, WeightKind

_KINDS = list(WeightKind)
_PLACES = 1 << 20


class RefusedError(Exception):
    """What a device raises that does not answer."""


class ByteDevice:
    """Slots and staging places of a store's layers; `refuses` is asked before anything is copied."""

    def __init__(self, store: ExpertStore) -> None:
        self._layers = store.layers
        self._memory: dict[DeviceTarget, bytearray] = {}
        self._lock = threading.Lock()
        self.uploaded: list[DeviceTarget] = []
        self.downloaded: list[DeviceTarget] = []
        self.refuses: Callable[[DeviceTarget], bool] = lambda target: False

    def slot(self, layer: int, kind: WeightKind, slot: int) -> DeviceTarget:
        return self._target(layer, kind, slot, 0)

    def place(self, layer: int, kind: WeightKind, place: int) -> DeviceTarget:
        return self._target(layer, kind, place, _PLACES)

    def upload(self, target: DeviceTarget, payload: memoryview) -> None:
        self._ask(target)
        assert len(payload) == target.n_bytes
        memory = self._memory.setdefault(target, bytearray(target.n_bytes))
        memory[:] = payload
        with self._lock:
            self.uploaded.append(target)

    def download(self, target: DeviceTarget, payload: memoryview) -> None:
        self._ask(target)
        payload[:] = self._memory[target]
        with self._lock:
            self.downloaded.append(target)

    def is_slot(self, target: DeviceTarget) -> bool:
        return target.block < _PLACES

    def holds(self, target: DeviceTarget, key: ExpertKey, kind: WeightKind) -> bool:
        """Say whether this part of this expert lies at the target, whole."""
        return bytes(self._memory.get(target, b"")) == content(key, kind, target.n_bytes)

    def spoil(self, target: DeviceTarget) -> None:
        """Overwrite what lies at a target, behind everybody's back."""
        self._memory[target] = bytearray(b"\x7b" * target.n_bytes)

    def _ask(self, target: DeviceTarget) -> None:
        if self.refuses(target):
            raise RefusedError(target)

    def _target(self, layer: int, kind: WeightKind, number: int, first: int) -> DeviceTarget:
        part = next(part for part in self._layers[layer].parts if part.kind is kind)
        tensor = first + layer * len(_KINDS) + _KINDS.index(kind)
        return DeviceTarget(tensor, number * part.n_bytes, part.n_bytes)


class Block:
    """Host memory that knows what was given back: it reads as zero."""

    def __init__(self, n_bytes: int) -> None:
        self.address = 1 << 20
        self.n_bytes = n_bytes
        self.released: list[tuple[int, int]] = []
        self.closed = False
        self._memory = memoryview(bytearray(n_bytes))

    def view(self, address: int, n_bytes: int) -> memoryview:
        start = address - self.address
        assert 0 <= start <= start + n_bytes <= self.n_bytes
        return self._memory[start : start + n_bytes]

    def release(self, address: int, n_bytes: int) -> None:
        self.view(address, n_bytes)[:] = bytes(n_bytes)
        self.released.append((address, n_bytes))

    def close(self) -> None:
        self.closed = True


class Blocks(list[Block]):
    """The blocks that were reserved."""

    def reserve(self, n_bytes: int) -> Block:
        self.append(Block(n_bytes))
        return self[-1]
