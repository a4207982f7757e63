"""`ByteBlock`: memory of a device, in bytes; `ByteBlocks`: a device that gives some, and may refuse to copy."""

from collections.abc import Callable

from offload.errors import DeviceError


class ByteBlock:
    """A block of a device: bytes. `refuses` is asked before anything is copied; then the target is spoilt."""

    def __init__(self, n_bytes: int, refuses: Callable[[], bool] = lambda: False) -> None:
        self.memory = bytearray(n_bytes)
        self.n_closed = 0
        self._refuses = refuses

    def write(self, offset: int, content: memoryview) -> None:
        assert offset + len(content) <= len(self.memory)
        self.memory[offset : offset + len(content)] = b"\x7b" * len(content)
        self._ask()
        self.memory[offset : offset + len(content)] = content

    def read(self, offset: int, content: memoryview) -> None:
        content[:] = b"\x7b" * len(content)
        self._ask()
        content[:] = self.memory[offset : offset + len(content)]

    def copy(self, source: int, target: int, n_bytes: int) -> None:
        self.write(target, memoryview(bytes(self.memory[source : source + n_bytes])))

    def close(self) -> None:
        self.n_closed += 1

    def _ask(self) -> None:
        if self._refuses():
            raise DeviceError("no answer", device="bytes")


class ByteBlocks(list[ByteBlock]):
    """The blocks a device has given, so many at most."""

    def __init__(self, most: int = 100) -> None:
        super().__init__()
        self._most = most
        self.refuses: Callable[[], bool] = lambda: False

    def make(self, n_bytes: int) -> ByteBlock:
        if len(self) == self._most:
            raise DeviceError("no room", device="bytes")
        self.append(ByteBlock(n_bytes, lambda: self.refuses()))
        return self[-1]
