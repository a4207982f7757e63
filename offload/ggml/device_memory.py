"""Memory of a ggml device: buffers allocated there, and values of its graphs copied to and fro by the generic calls."""

import ctypes as C

import numpy as np

from offload.bytesize import format_bytes
from offload.errors import DeviceError
from offload.ggml.abi import Tensor
from offload.ggml.expert_provider import Routes
from offload.ggml.graph_memory import Floats, ids_bytes, packed_ids
from offload.ggml.symbols import symbols

_I8 = 24
"""GGML_TYPE_I8 (ggml.h): bytes, for memory that is given its type where it is computed with."""
_USAGE_WEIGHTS = 1
"""GGML_BACKEND_BUFFER_USAGE_WEIGHTS: kernels run where such a buffer is (ggml-backend.cpp)."""


class DeviceBuffer:
    """One buffer in a device's memory, as a tensor of bytes. Any thread may copy to and from different parts of it."""

    def __init__(self, device: int, n_bytes: int) -> None:
        """Allocate `n_bytes` on the ggml device at an address, all zero.

        Raises:
            DeviceError: the device has not so much, or not in one piece.
        """
        self._ggml = ggml = symbols()
        buffer_type = ggml.ggml_backend_dev_buffer_type(device)
        most_bytes = ggml.ggml_backend_buft_get_max_size(buffer_type)
        name = ggml.ggml_backend_dev_name(device).decode()
        address = ggml.ggml_backend_buft_alloc_buffer(buffer_type, n_bytes) if n_bytes <= most_bytes else None
        if not address:
            limit = f", which gives {format_bytes(most_bytes)} at most in one piece" if n_bytes > most_bytes else ""
            raise DeviceError(
                f"There are no {format_bytes(n_bytes)} to be had on {name}{limit}.",
                device=name,
                hint="Lower --vram, or close what else uses the device.",
            )
        self.address: int = address
        """Of the ggml buffer."""
        ggml.ggml_backend_buffer_set_usage(address, _USAGE_WEIGHTS)
        ggml.ggml_backend_buffer_clear(address, 0)  # kernels may read past what was uploaded: never what is no number
        self.n_bytes = n_bytes
        self._tensor = Tensor()
        self._tensor.type, self._tensor.buffer = _I8, address
        self._tensor.ne[:] = [n_bytes, 1, 1, 1]
        self._tensor.nb[:] = [1, n_bytes, n_bytes, n_bytes]
        self._tensor.data = ggml.ggml_backend_buffer_get_base(address)

    @property
    def base(self) -> int:
        """What `Tensor.data` is for its first byte: no address of this process, unless the memory is the host's."""
        base: int = self._tensor.data
        return base

    @property
    def tensor(self) -> int:
        """Address of the tensor that is the whole buffer."""
        return C.addressof(self._tensor)

    def write(self, offset: int, content: memoryview) -> None:
        """Copy bytes to the device and wait until they are there."""
        pointer = np.frombuffer(content, np.uint8).ctypes.data
        self._ggml.ggml_backend_tensor_set(self.tensor, pointer, offset, len(content))

    def read(self, offset: int, content: memoryview) -> None:
        """Copy bytes from the device."""
        pointer = np.frombuffer(content, np.uint8).ctypes.data
        self._ggml.ggml_backend_tensor_get(self.tensor, pointer, offset, len(content))

    def copy(self, source: int, target: int, n_bytes: int) -> None:
        """Copy bytes within the buffer."""
        one, other = self._part(source, n_bytes), self._part(target, n_bytes)
        self._ggml.ggml_backend_tensor_copy(C.addressof(one), C.addressof(other))

    def close(self) -> None:
        """Free the memory; harmless when called twice."""
        if self.address:
            self._ggml.ggml_backend_buffer_free(self.address)
            self.address = 0

    def _part(self, offset: int, n_bytes: int) -> Tensor:
        part = Tensor()
        C.memmove(C.addressof(part), self.tensor, C.sizeof(Tensor))
        part.ne[0] = n_bytes
        part.nb[1:] = [n_bytes] * 3
        part.data = self.base + offset
        return part


class DeviceGraphMemory:
    """Graphs in a device's memory: what is read of them is copied, when the device has computed it."""

    def __init__(self, device: int) -> None:
        self._ggml, self._device = symbols(), device
        self._numbers: list[DeviceSlotNumbers] = []

    def ids(self, address: int) -> Routes:
        """Return ggml's ids tensor as an array [n_tokens, n_expert_used]: a copy."""
        ids = Tensor.from_address(address)
        n_used, n_tokens = ids.ne[0], ids.ne[1]
        if not n_tokens:
            return np.empty((0, n_used), np.int32)
        memory = np.empty(ids_bytes(ids), np.uint8)
        self._ggml.ggml_backend_tensor_get(address, memory.ctypes.data, 0, memory.nbytes)
        return np.ndarray((n_tokens, n_used), np.int32, memory.data, strides=(ids.nb[1], ids.nb[0]))

    def floats(self, tensor: Tensor, n_rows: int, n_columns: int) -> Floats:
        """Return the first rows of a contiguous float32 tensor: a copy."""
        values = np.empty((n_rows, n_columns), np.float32)
        self._ggml.ggml_backend_tensor_get(C.addressof(tensor), values.ctypes.data, 0, values.nbytes)
        return values

    def slot_numbers(self) -> "DeviceSlotNumbers":
        """Return the ids tensors for the graphs of one more context."""
        numbers = DeviceSlotNumbers(self._device)
        self._numbers.append(numbers)
        return numbers

    def close(self) -> None:
        """Free the memory of all ids; harmless when called twice."""
        for numbers in self._numbers:
            numbers.close()
        self._numbers.clear()


class DeviceSlotNumbers:
    """Ids tensors in a device's memory: one buffer for each kind, which the layers use in turn.

    Before a layer's numbers are written the routes to it were read, so all layers before are computed.
    """

    def __init__(self, device: int) -> None:
        self._device = device
        self._buffers: dict[str, DeviceBuffer] = {}

    def tensor(self, layer: int, kind: str, true_ids: int, slots: Routes) -> Tensor:
        """Return an ids tensor like llama.cpp's own at `true_ids`, with `slots` in it."""
        numbers = np.ascontiguousarray(slots, np.int32)
        buffer = self._buffers.get(kind)
        if buffer is None or buffer.n_bytes < numbers.nbytes:
            if buffer is not None:
                buffer.close()
            buffer = self._buffers[kind] = DeviceBuffer(self._device, numbers.nbytes)
        buffer.write(0, numbers.data.cast("B"))
        ids = packed_ids(true_ids, numbers.shape)
        ids.view_src, ids.view_offs = None, 0
        ids.buffer, ids.data = buffer.address, buffer.base
        return ids

    def close(self) -> None:
        """Free the memory."""
        for buffer in self._buffers.values():
            buffer.close()
        self._buffers.clear()
