"""`PinnedMemory`: memory of this process that a device's driver has pinned, so that copies to the device are quick."""

import ctypes as C

from offload.ggml.symbols import symbols

_PAGE = 4096


class PinnedMemory:
    """One block of it, page-aligned. It is taken whole, and given back whole. Any thread may use different parts."""

    def __init__(self, device: int, n_bytes: int) -> None:
        """Allocate `n_bytes` for the ggml device at an address.

        Raises:
            MemoryError: the device's backend has no such memory, or not so much.
        """
        self._ggml = ggml = symbols()
        buffer_type = ggml.ggml_backend_dev_host_buffer_type(device)
        self._buffer: int | None = None
        if n_bytes and buffer_type:
            self._buffer = ggml.ggml_backend_buft_alloc_buffer(buffer_type, n_bytes + _PAGE)
        if not self._buffer:
            raise MemoryError(f"no pinned memory of {n_bytes} bytes")
        base = int(ggml.ggml_backend_buffer_get_base(self._buffer))
        self.address = base + -base % _PAGE
        self._view = memoryview((C.c_char * n_bytes).from_address(self.address)).cast("B")

    def view(self, address: int, n_bytes: int) -> memoryview:
        """Return `n_bytes` of writable memory at `address`, which lies in the block."""
        start = address - self.address
        return self._view[start : start + n_bytes]

    def release(self, address: int, n_bytes: int) -> None:
        """Keep the memory: what is pinned is given back as a whole."""

    def close(self) -> None:
        """Give everything back; again is harmless."""
        if self._buffer:
            self._ggml.ggml_backend_buffer_free(self._buffer)
            self._buffer = None
